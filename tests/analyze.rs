//! Videos in, faces and what is said of them out.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{Place, entries, json};
use ferrotype_anomaly::source::read_rows;
use ferrotype_needs::needs;
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
        "analyze {} {} --action-units au.safetensors --run expression={} --every 24 --out out",
        video.display(),
        networks(),
        run.display()
    );
    let said = place.ok(&words);
    assert!(said.contains("20 looked at, 20 with a face; 1 person") && said.contains("noncommercial"), "{said}");
    let folder = place.at("out/one_face_emotions");
    let files = [
        "analysis.yaml",
        "au_timeline.csv",
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

    // The reader of other programs' tables takes ours for OpenFace's.
    let table = read_rows(&folder.join("frames.csv")).unwrap();
    assert_eq!((table.rows.len(), table.timed, table.lost), (20, true, 0));
    assert!(table.columns.iter().any(|c| c.name == "AU12_r"));
    assert!(table.rows[0].bounds.is_some());
    // And under py-feat's names.
    place.ok(&(words.replace("--out out", "--out feat") + " --columns pyfeat"));
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
        ("import openface --from . --out a.safetensors", "terms"),
        ("import openface --from . --out a.safetensors --accept-terms", "a.safetensors"),
    ] {
        let told = place.refused(words);
        assert!(told.contains(says) || (says == "a.safetensors" && told.contains("predictors")), "{words}: {told}");
    }
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
