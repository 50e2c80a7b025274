//! Published models by name through the binary: listed, pulled from a mirror, verified, removed; and in the place of files.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use common::Place;
use sha2::{Digest, Sha256};

const FILE: &[u8] = b"not a network, but a file";

/// A server of static files that answers every request for the file; gives its address.
fn mirror() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let n = stream.read(&mut request).unwrap_or(0);
            let is_ours = String::from_utf8_lossy(&request[..n]).starts_with("GET /tiny/tiny.onnx ");
            let (status, body) = if is_ours { ("200 OK", FILE) } else { ("404 Not Found", &b""[..]) };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    address
}

/// A place with an entry of its own, `tiny`.
fn place() -> Place {
    let place = Place::new();
    let sum: String = Sha256::digest(FILE).iter().map(|byte| format!("{byte:02x}")).collect();
    let yunet = include_str!("../crates/hub/models/yunet.yaml");
    let mut entry = String::new();
    for line in yunet.lines() {
        let (key, _) = line.split_once(':').unwrap_or((line, ""));
        match key {
            "name" => entry += "name: tiny\n",
            "file" => entry += "file: tiny.onnx\n",
            "sha256" => entry += &format!("sha256: {sum}\n"),
            "size" => entry += &format!("size: {}\n", FILE.len()),
            _ => entry += &format!("{line}\n"),
        }
    }
    place.write("home/entries/tiny.yaml", entry);
    place
}

fn run(place: &Place, words: &str, mirror: Option<&str>) -> Output {
    let mut command = place.command(words.split_whitespace());
    command.env("FERROTYPE_HOME", place.at("home"));
    match mirror {
        Some(address) => command.env("FERROTYPE_MIRROR", address),
        None => command.env("FERROTYPE_OFFLINE", "1"),
    };
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_model_is_pulled_used_verified_and_removed() {
    let (place, mirror) = (place(), mirror());
    let listed = text(&run(&place, "models list --hub", None));
    assert!(listed.contains("yunet") && listed.contains("pfld68") && listed.contains("tiny"), "{listed}");
    let pulled = run(&place, "models pull tiny", Some(&mirror));
    assert!(pulled.status.success(), "{}", text(&pulled));
    let path = String::from_utf8(pulled.stdout).unwrap().trim().to_owned();
    assert_eq!(fs::read(&path).unwrap(), FILE);
    // It is in the cache now: no network is asked.
    assert!(run(&place, "models pull tiny", None).status.success());
    assert!(text(&run(&place, "models verify", None)).contains("right"));
    // In a file's place its file is read, which is no detector.
    place.write("video.mp4", "no video");
    let used = text(&run(&place, "analyze video.mp4 --detector hub:tiny", None));
    assert!(used.contains("tiny.onnx") && used.contains("face detector"), "{used}");
    let imported = text(&run(&place, "import --model mini_xception --from tiny --out imported", None));
    assert!(imported.contains("tiny.onnx") && !place.at("imported").exists(), "{imported}");
    fs::write(&path, b"something else of another len").unwrap();
    let verified = run(&place, "models verify tiny", None);
    assert!(!verified.status.success() && text(&verified).contains("damaged"), "{}", text(&verified));
    assert!(run(&place, "models remove tiny", None).status.success());
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn what_cannot_be_had_says_what_to_do() {
    let (place, mirror) = (place(), mirror());
    place.write("other.onnx", "another file");
    place.write("video.mp4", "no video");
    for (words, says) in [
        ("models pull yunt", "yunet"),
        ("models pull tiny", "models add tiny"),
        ("models add tiny other.onnx", "not the file of"),
        ("analyze video.mp4 --detector yunett", "yunet"),
        ("analyze video.mp4 --detector tiny", "models add tiny"),
    ] {
        let told = run(&place, words, None);
        assert!(!told.status.success() && text(&told).contains(says), "{words}: {}", text(&told));
        assert!(!text(&told).contains("panicked"), "{words}");
    }
    // The mirror has no such file.
    let told = run(&place, "models pull yunet", Some(&mirror));
    assert!(!told.status.success() && text(&told).contains("404"), "{}", text(&told));
    // A path that is not there stays a path.
    let told = text(&run(&place, "analyze video.mp4 --detector models/yunet.onnx", None));
    assert!(told.contains("models/yunet.onnx"), "{told}");
}

/// Two pictures of noise, `a.png` and `b.png`, in a folder.
fn pictures(place: &Place) {
    fs::create_dir_all(place.at("faces")).unwrap();
    for (name, step) in [("a.png", 37), ("b.png", 101)] {
        let pixels = (0..40 * 40).map(|i| ((i * step + i / 40 * 13) % 256) as u8).collect();
        image::GrayImage::from_raw(40, 40, pixels).unwrap().save(place.at("faces").join(name)).unwrap();
    }
}

/// Trains `small.yaml` and publishes it as `tiny_faces` into `pub/` and the cache; gives the run.
fn published(place: &Place) -> String {
    let run = place.train("runs", "").display().to_string();
    let words = format!(
        "models publish {run} --name tiny_faces --licence MIT --commercial allowed --out pub --url https://example.org/m --add"
    );
    let done = self::run(place, &words, None);
    assert!(done.status.success() && text(&done).contains("hub:tiny_faces"), "{}", text(&done));
    run
}

/// The probabilities that a run gives both pictures.
fn predictions(place: &Place, run: &str) -> String {
    let done = self::run(place, &format!("predict --run {run} faces --csv out.csv"), None);
    assert!(done.status.success(), "{}", text(&done));
    fs::read_to_string(place.at("out.csv")).unwrap()
}

#[test]
fn a_published_run_is_used_by_its_name() {
    let place = Place::new();
    pictures(&place);
    let run = published(&place);
    let here = place.path().to_string_lossy().into_owned();
    let card = fs::read_to_string(place.at("pub/README.md")).unwrap();
    assert!(card.contains("license: mit") && card.contains("say nothing about people"), "{card}");
    for name in ["README.md", "tiny_faces.onnx", "tiny_faces.safetensors", "tiny_faces.yaml", "tiny_faces_onnx.yaml"] {
        let bytes = fs::read(place.at("pub").join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&here), "{name} says where it was made");
    }
    let entry = fs::read_to_string(place.at("pub/tiny_faces.yaml")).unwrap();
    assert!(entry.contains("https://example.org/m/tiny_faces.safetensors"), "{entry}");

    let own = predictions(&place, &run);
    assert_eq!(predictions(&place, "hub:tiny_faces"), own);
    // What is changed in the run that was made of it is made anew from the checked file.
    let kept = fs::read_dir(place.at("home/runs/tiny_faces")).unwrap().next().unwrap().unwrap().path();
    let weights = kept.join("tiny_faces/checkpoints/best.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x40;
    fs::write(&weights, bytes).unwrap();
    assert_eq!(predictions(&place, "hub:tiny_faces"), own);

    // It begins a training and teaches one; the run says which file it was.
    let sum = |path: &str| -> String {
        Sha256::digest(fs::read(place.at(path)).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let distilled = "base: small.yaml\nobjective: {distillation: {teachers: [\"hub:tiny_faces\"]}}\ntrain: {epochs: 1, init: \"hub:tiny_faces\"}\n";
    place.write("distilled.yaml", distilled);
    let trained = self::run(&place, "train --config distilled.yaml --out next -q", None);
    assert!(trained.status.success(), "{}", text(&trained));
    let next = place.only("next");
    let provenance = fs::read_to_string(next.join("provenance.json")).unwrap();
    assert!(
        provenance.contains("hub:tiny_faces") && provenance.contains(&sum("pub/tiny_faces.safetensors")),
        "{provenance}"
    );
}

#[test]
fn weights_that_do_not_say_what_they_said_are_refused() {
    let place = Place::new();
    pictures(&place);
    published(&place);
    let path = place.at("pub/tiny_faces.safetensors");
    let bytes = fs::read(&path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let changed: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .iter()
        .map(|(name, view)| {
            let mut data = view.data().to_vec();
            if name.ends_with(".weight") {
                // The exponent of the first value.
                data[3] ^= 0x01;
            }
            (name.to_owned(), view.shape().to_vec(), data)
        })
        .collect();
    let views = changed.iter().map(|(name, shape, data)| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
    });
    let other = safetensors::tensor::serialize(views.collect::<Vec<_>>(), header.metadata().clone()).unwrap();
    place.write("other.safetensors", &other);
    let sum: String = Sha256::digest(&other).iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = fs::read_to_string(place.at("pub/tiny_faces.yaml")).unwrap();
    let key = |line: &str| match line.split_once(": ") {
        Some(("name", _)) => "name: \"other\"".to_owned(),
        Some(("sha256", _)) => format!("sha256: \"{sum}\""),
        Some(("size", _)) => format!("size: {}", other.len()),
        _ => line.to_owned(),
    };
    place.write("other.yaml", entry.lines().map(key).collect::<Vec<_>>().join("\n"));
    let added = run(&place, "models add other.yaml other.safetensors", None);
    assert!(added.status.success(), "{}", text(&added));
    let told = run(&place, "predict --run hub:other faces", None);
    assert!(!told.status.success() && text(&told).contains("does not say here what it said"), "{}", text(&told));
    assert!(!place.at("home/runs/other").exists());
    // Nothing can be published under the name of one of ours, and no run is made of a detector.
    let taken = fs::read_to_string(place.at("pub/tiny_faces.yaml")).unwrap().replace("\"tiny_faces\"", "\"yunet\"");
    place.write("yunet.yaml", taken);
    let told = run(&place, "models add yunet.yaml pub/tiny_faces.safetensors", None);
    assert!(!told.status.success() && text(&told).contains("`yunet` already"), "{}", text(&told));
}

#[test]
fn a_training_begins_with_weights_of_another_program() {
    let place = Place::new();
    let trained = place.train("runs", "");
    let bytes = fs::read(trained.join("checkpoints/best.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    // Weights under PyTorch's names, without a word of Ferrotype.
    let plain = safetensors::tensor::serialize(file.iter().collect::<Vec<_>>(), None).unwrap();
    place.write("plain.safetensors", plain);
    let done =
        place.run("train --config small.yaml --out next --set train.epochs=1 --set train.init=plain.safetensors");
    assert!(
        done.code == Some(0) && done.err.contains(&format!("{} tensors from plain.safetensors", file.len())),
        "{}",
        done.err
    );
    let told = place
        .refused("train --config small.yaml --out no --set train.init=plain.safetensors --set model=mini_xception");
    assert!(told.contains("train.init") && told.contains("mini_xception"), "{told}");
}

/// The model in the program needs no run, no network and no file.
#[test]
fn the_shipped_model_predicts() {
    let place = Place::new();
    let stripes = |x: u32, y: u32| image::Luma([(x * 5 + y * 3) as u8]);
    image::GrayImage::from_fn(48, 48, stripes).save(place.at("face.png")).unwrap();
    for words in ["predict face.png --csv out.csv", "predict --run hub:ferronet face.png --csv out.csv"] {
        let ended = run(&place, words, None);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let table = fs::read_to_string(place.at("out.csv")).unwrap();
        assert!(
            table.lines().next().unwrap().ends_with("neutral,happiness,surprise,sadness,anger,disgust,fear,contempt")
        );
        assert_eq!(table.lines().count(), 2);
    }
    assert!(place.at("home/models/ferronet").is_dir());
    // Its data are not here: the file is checked on drawn faces.
    let ended = run(&place, "export --run hub:ferronet --out ferronet.onnx", None);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(place.at("ferronet.onnx").metadata().unwrap().len() > 4_000_000);
}
