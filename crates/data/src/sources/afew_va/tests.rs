use std::fs;

use serde_json::json;

use super::super::pictures::tests::png;
use super::*;

fn clip(root: &Path, place: &str, json: &Value, frames: u8) {
    let folder = root.join(place);
    fs::create_dir_all(&folder).unwrap();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    fs::write(folder.join(format!("{name}.json")), json.to_string()).unwrap();
    (0..frames).for_each(|n| png(&folder.join(format!("{n:05}.png")), 16, 0, [n; 3]));
}

fn frame(valence: f64, arousal: f64) -> Value {
    json!({ "landmarks": [[2.0, 4.0], [10.0, 12.0]], "valence": valence, "arousal": arousal })
}

fn generate(root: &Path) {
    let one = json!({ "actor": "Ann Actor", "video_id": "001",
        "frames": { "00000": frame(-10.0, 0.0), "00001": frame(3.0, 7.0), "00002": frame(0.0, 10.0) } });
    clip(root, "01/001", &one, 2);
    let two = json!({ "video_id": "051", "frames": { "00000": { "valence": null, "arousal": 5, "landmarks": [] } } });
    clip(root, "02/051", &two, 2);
}

fn prepare(root: &Path, change: impl FnOnce(&mut AfewVaOptions)) -> Result<FaceSet> {
    let mut options: AfewVaOptions = serde_json::from_value(json!({ "root": root })).unwrap();
    change(&mut options);
    load(&options, &Reading::default())
}

#[test]
fn tenths_come_out_and_missing_stays_missing() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let faces = prepare(dir.path(), |_| {}).unwrap();
    assert_eq!(faces.names, ["001/00000.png", "001/00001.png", "051/00000.png"]);
    let targets = faces.targets.as_ref().unwrap();
    assert_eq!(targets.values, [-1.0, 0.0, 0.3, 0.7, 0.0, 0.5]);
    assert_eq!(targets.known, [true, true, true, true, false, true]);
    assert_eq!(faces.subjects.as_deref().unwrap(), ["Ann Actor", "Ann Actor", "clip 051"]);
    let notes = faces.provenance.notes.join("\n");
    for part in [
        "4 labelled frames, of which 3 in 2 videos",
        "1 labelled frames without a picture: 001 (1)",
        "1 pictures without a label: 051 (1)",
        "1 clips name no actor",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    // The clips themselves may lie in the folder.
    assert_eq!(prepare(&dir.path().join("01"), |o| o.every = 2).unwrap().names, ["001/00000.png"]);
}

#[test]
fn faces_are_cut_out_by_landmarks() {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path());
    let error = format!("{:#}", prepare(dir.path(), |o| o.crop = true).unwrap_err());
    assert!(error.contains("051.json, frame \"00000\": it has no landmarks"), "{error}");
    let faces = prepare(&dir.path().join("01"), |o| (o.crop, o.margin) = (true, 0.25)).unwrap();
    assert_eq!((faces.images.width, faces.images.height), (12, 12));
}

#[test]
fn wrong_files_are_named_with_the_frame() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let said = || format!("{:#}", prepare(root, |_| {}).unwrap_err());
    assert!(said().contains("folders of clips, 001 with 001.json"));
    clip(root, "001", &json!({ "frames": { "00000": frame(11.0, 0.0) } }), 1);
    clip(root, "002", &json!({ "frames": { "first": frame(1.0, 0.0) } }), 1);
    clip(root, "003", &json!({ "frames": { "00000": { "valence": "high", "arousal": 0 } } }), 1);
    clip(root, "004", &json!({ "frames": {} }), 1);
    clip(root, "005", &json!({ "frames": { "1": frame(1.0, 0.0), "01": frame(1.0, 0.0) } }), 1);
    let all = said();
    for part in [
        "5 files of labels cannot be used",
        "001.json, frame \"00000\": valence is 11; -10 to 10 is expected",
        "002.json, frame \"first\": the number of a frame",
        "003.json is not what AFEW-VA's files are: invalid type: string \"high\"",
        "line 1 column",
        "004.json has no frames",
        "005.json, frame \"1\": frame 1 stands there twice",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), "a/001", &json!({ "frames": { "00000": frame(1.0, 0.0) } }), 1);
    clip(dir.path(), "b/001", &json!({ "frames": { "00000": frame(1.0, 0.0) } }), 1);
    assert!(prepare(dir.path(), |_| {}).unwrap_err().to_string().contains("both clip 001"));
}
