//! Videos in, faces and what is said of them out.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::schema::breaks;
use common::{Place, entries, json};
use ferrotype_anomaly::source::read_rows;
use ferrotype_needs::needs;
use ferrotype_vision::faces::Photo;
use ferrotype_vision::video::Decoder;
use serde_json::Value;

/// A file of the real data.
fn data(name: &str) -> PathBuf {
    Path::new(&std::env::var("FERROTYPE_DATA").unwrap()).join(name)
}

/// The words that name the networks for boxes, landmarks and embeddings.
fn networks() -> String {
    let onnx = |name: &str| data("onnx").join(name).display().to_string();
    format!(
        "--detector {} --landmarks {} --embedder {}",
        onnx("yunet.onnx"),
        onnx("pfld_68.onnx"),
        onnx("mobilefacenet_128.onnx")
    )
}

#[needs(data, ffmpeg)]
#[test]
fn a_video_is_described_face_by_face() {
    let place = Place::new();
    place.train("runs", "--set data.source.synthetic.count=120 --set train.epochs=1");
    let run = place.only("runs");
    let (predictors, video) = (data("openface/predictors"), data("videos/one_face_emotions.mp4"));
    place.ok(&format!("import openface --from {} --out au.safetensors --accept-terms", predictors.display()));
    let words = format!(
        "analyze {} {} --action-units au.safetensors --run expression={} --every 24 --annotated --crops --out out",
        video.display(),
        networks(),
        run.display()
    );
    let said = place.ok(&words);
    assert!(said.contains("20 looked at, 20 with a face; 1 person") && said.contains("noncommercial"), "{said}");
    let folder = place.at("out/one_face_emotions");
    let files = [
        "analysis.yaml",
        "annotated.mp4",
        "au_timeline.csv",
        "crops",
        "crops.csv",
        "frames.csv",
        "plots",
        "report.html",
        "report.txt",
        "results.json",
        "summary.csv",
    ];
    assert_eq!(entries(&folder), files);
    let results = json(&folder.join("results.json"));
    let frames = results["frames"].as_array().unwrap();
    assert_eq!(
        (frames.len(), &frames[1]["frame"], &results["video"]["width"]),
        (20, &Value::from(24), &Value::from(640))
    );
    let face = &frames[3]["faces"][0];
    assert_eq!((face["points"].as_array().unwrap().len(), &face["track"]), (68, &Value::from(0)));
    let sum: f64 = face["heads"]["expression"].as_object().unwrap().values().map(|v| v.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    // The video ends with a long smile, and begins without one.
    let smile = |i: usize| frames[i]["faces"][0]["action_units"]["intensity"]["AU12"].as_f64().unwrap();
    assert!(smile(19) > 2.0 && smile(8) < 1.0, "{} {}", smile(19), smile(8));
    let licensed = results["parts"].as_array().unwrap().iter().find(|p| p["role"] == "action_units").unwrap();
    assert!(licensed["licence"].as_str().unwrap().contains("Carnegie Mellon"));
    assert_eq!(results["tracks"][0]["frames"], 20);

    let schema: Value = serde_json::from_str(&place.ok("analyze --results-schema")).unwrap();
    assert_eq!(breaks(&schema, &results), Vec::<String>::new());
    let mut wrong = results.clone();
    wrong["frames"][0]["faces"][0]["box"] = Value::from("none");
    wrong["frames"][1]["smile"] = Value::from(1);
    assert_eq!(breaks(&schema, &wrong).len(), 2);

    // Every frame of the video is drawn on: the first one has a box where the face is.
    let drawn = Decoder::open(&folder.join("annotated.mp4")).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!((drawn.len(), drawn[0].width, drawn[0].height), (472, 640, 360));
    let plain = Decoder::open(&video).unwrap().next().unwrap().unwrap();
    let [left, top, right, bottom] = [0, 1, 2, 3].map(|i| frames[0]["faces"][0]["box"][i].as_f64().unwrap() as usize);
    let changed = |x: usize, y: usize| {
        let at = (y * 640 + x) * 3;
        (0..3).map(|c| plain.pixels[at + c].abs_diff(drawn[0].pixels[at + c])).max().unwrap()
    };
    let edge = (top + 20..bottom).map(|y| u64::from(changed(left, y))).sum::<u64>() / (bottom - top - 20) as u64;
    assert!(edge > 20 && right < 640, "{edge}");

    // The faces are a dataset with a machine's labels.
    place.ok(
        "data prepare manifest --csv out/one_face_emotions/crops.csv --size 32 --target intensity=continuous:AU06_r,AU12_r:0..5 \
         --labelled-by OpenFace --out machine.h5",
    );
    let info = place.ok("data info machine.h5");
    assert!(info.contains("20 faces") && info.contains("labelled by a machine: OpenFace"), "{info}");

    // The reader of other programs' tables takes ours for OpenFace's.
    let table = read_rows(&folder.join("frames.csv")).unwrap();
    assert_eq!((table.rows.len(), table.timed, table.lost), (20, true, 0));
    assert!(table.columns.iter().any(|c| c.name == "AU12_r"));
    assert!(table.rows[0].bounds.is_some());
    // And under py-feat's names.
    place.ok(&(words.replace("--annotated --crops --out out", "--out feat") + " --columns pyfeat"));
    let table = read_rows(&place.at("feat/one_face_emotions/frames.csv")).unwrap();
    assert!(table.rows.len() == 20 && table.columns.iter().any(|c| c.name == "AU12"));
}

#[needs(data, ffmpeg)]
#[test]
fn a_killed_analysis_goes_on_and_ends_as_if_it_had_not_been() {
    let place = Place::new();
    let words = |out: &str| {
        format!("analyze {} {} --every 2 --json --out {out}", data("videos/several_faces.mp4").display(), networks())
    };
    let told = place.ok(&words("whole"));
    assert!(told.lines().last().unwrap().contains("\"result\""), "{told}");
    let mut child =
        place.command(words("killed").split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("progress"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = place.at("killed/several_faces");
    assert!(folder.join(".frames.jsonl").is_file() && !folder.join("results.json").exists());
    let ended = place.run(&words("killed"));
    assert!(ended.err.contains("going on after frame"), "{}", ended.err);
    for file in ["results.json", "frames.csv", "summary.csv", "report.txt"] {
        let [a, b] = ["whole", "killed"].map(|out| fs::read(place.at(out).join("several_faces").join(file)).unwrap());
        assert!(a == b, "{file} differs");
    }
    let results = json(&folder.join("results.json"));
    assert!(results["tracks"].as_array().unwrap().len() >= 3);
    assert!(!folder.join(".frames.jsonl").exists());
}

#[needs(data, ffmpeg)]
#[test]
fn pictures_are_stills_or_the_frames_of_a_video() {
    let place = Place::new();
    let video = data("videos/one_face_emotions.mp4");
    fs::create_dir(place.at("shots")).unwrap();
    for frame in Decoder::open(&video).unwrap().map(Result::unwrap).take(12) {
        let photo = Photo::new(frame.pixels, frame.height, frame.width, 3).unwrap();
        photo.save_png(&place.at(format!("shots/{}.png", frame.number))).unwrap();
    }
    place.write("shots/broken.png", "no picture");
    place.write("shots/notes, mine.txt", "no picture");
    let predictors = data("openface/predictors");
    place.ok(&format!("import openface --from {} --out au.safetensors --accept-terms", predictors.display()));
    let said = place.ok(&format!("analyze shots {} --action-units au.safetensors --out stills", networks()));
    assert!(said.contains("12 looked at, 12 with a face, 1 unusable; 12 faces"), "{said}");
    assert!(said.contains("passed over 1 files that are no pictures"), "{said}");
    let schema: Value = serde_json::from_str(&place.ok("analyze --results-schema")).unwrap();
    let stills = json(&place.at("stills/shots/results.json"));
    assert_eq!(breaks(&schema, &stills), Vec::<String>::new());
    let frames = stills["frames"].as_array().unwrap();
    assert_eq!((frames.len(), &frames[2]["picture"], &frames[10]["picture"]), (13, &"2.png".into(), &"10.png".into()));
    let face = &frames[0]["faces"][0];
    assert!(frames[0].get("time").is_none() && face.get("track").is_none() && stills.get("tracks").is_none());
    let unit = |f: usize| frames[f]["faces"][0]["action_units"]["intensity"]["AU01"].as_f64().unwrap();
    assert!((0.0..=5.0).contains(&unit(0)) && unit(0) != unit(11), "{} {}", unit(0), unit(11));
    assert!(!place.at("stills/shots/au_timeline.csv").exists());
    assert!(frames[12]["error"].as_str().is_some() && frames[12].get("faces").is_none());
    let table = fs::read_to_string(place.at("stills/shots/frames.csv")).unwrap();
    assert!(table.starts_with("input,frame,face_id,timestamp,") && table.contains("\n10.png,11,0,0,"), "{table}");

    // As frames of a video: what the video itself gives.
    fs::remove_file(place.at("shots/broken.png")).unwrap();
    let said = place.ok(&format!("analyze shots {} --frame-rate 25 --every 2 --annotated --out frames", networks()));
    assert!(said.contains("6 looked at, 6 with a face; 1 person"), "{said}");
    place.ok(&format!("analyze {} {} --every 2 --out video", video.display(), networks()));
    let sequence = json(&place.at("frames/shots/results.json"));
    let whole = json(&place.at("video/one_face_emotions/results.json"));
    assert_eq!(breaks(&schema, &sequence), Vec::<String>::new());
    for (a, b) in sequence["frames"].as_array().unwrap().iter().zip(whole["frames"].as_array().unwrap()) {
        assert_eq!((&a["frame"], &a["faces"]), (&b["frame"], &b["faces"]));
    }
    assert!(Decoder::open(&place.at("frames/shots/annotated.mp4")).unwrap().count() == 12);
    // Once a second and without embeddings: the same person all the time.
    let yunet = data("onnx/yunet.onnx");
    let said = place.ok(&format!("analyze {} --detector {} --every 36 --out sparse", video.display(), yunet.display()));
    assert!(said.contains("14 looked at, 14 with a face; 1 person"), "{said}");
    let refused = place.refused(&format!("analyze shots {} --annotated --out none", networks()));
    assert!(refused.contains("annotated videos are made of videos"), "{refused}");
    fs::create_dir(place.at("empty")).unwrap();
    assert!(place.refused(&format!("analyze empty {}", networks())).contains("no pictures below"));
}

#[test]
fn what_cannot_be_analysed_is_told() {
    let place = Place::new();
    place.write("video.mp4", "no video");
    place.write("wrong.yaml", "sampling: {every: 0}\nparts: {action_units: a.safetensors}\n");
    place.write("unknown.yaml", "parts: {detectr: a.onnx}\n");
    for (words, says) in [
        ("analyze video.mp4", "no face detector"),
        ("analyze video.mp4 --config wrong.yaml", "sampling.every"),
        ("analyze video.mp4 --config wrong.yaml", "parts.landmarks"),
        ("analyze video.mp4 --config unknown.yaml", "detector"),
        ("analyze video.mp4 --run runs/a", "give the run a name"),
        ("analyze video.mp4 --every 0", "sampling.every"),
        ("analyze video.mp4 --landmarks mesh", "give parts.mesh"),
        (
            "analyze video.mp4 --detector no.onnx --set output.embeddings=true",
            "output.embeddings: there is no embedder",
        ),
        ("import openface --from . --out a.safetensors", "terms"),
        ("import openface --from . --out a.safetensors --accept-terms", "a.safetensors"),
    ] {
        let told = place.refused(words);
        assert!(told.contains(says) || (says == "a.safetensors" && told.contains("predictors")), "{words}: {told}");
    }
    let words = "analyze video.mp4 --detector no.onnx --embedder none.onnx --set output.embeddings=true";
    let told = place.refused(words);
    assert!(!told.contains("output.embeddings"), "{told}");
    assert!(!place.at("results").exists() && !place.at("a.safetensors").exists());
    let schema: Value = serde_json::from_str(&place.ok("analyze --schema")).unwrap();
    assert!(schema["properties"]["sampling"].is_object());
}

#[test]
fn predictors_of_action_units_are_imported_from_a_copy() {
    let place = Place::new();
    ferrotype_action_units::example::write_folder(&place.at("copy"), 1).unwrap();
    let told = place.refused("import openface --from copy --out au.safetensors --accept-terms");
    assert!(told.contains("differ from those of OpenFace 2.2.0"), "{told}");
    let told = place.ok("import openface --from copy --out au.safetensors --accept-terms --allow-other");
    assert!(told.contains("others") && place.at("au.safetensors").is_file(), "{told}");
    assert!(place.refused("import openface --from copy --out au.safetensors --accept-terms").contains("there already"));
}
