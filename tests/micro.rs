//! Micro-expressions through the binary: drawn in CASME II's form, prepared, trained on, and predicted from a clip.

mod common;

use std::fs;

use common::{Place, json};

const EXPERIMENT: &str = "name: micro
seed: 3
threads: 2
data:
  path: flow.h5
  source: {casme2: {root: drawn, cropped: true, input: signed, face: 48}}
  split: leave_one_subject_out
  preprocess: {size: 28, colour: rgb, scale: signed}
  augment: {flip: 0.5}
model: ststnet
train: {epochs: 2, batch_size: 4, lr: 1e-3, optimizer: adam}
evaluate: {select_on: none}
export: {onnx: false}
";

/// Three people of three clips each, and a run that was tested on the first.
fn trained() -> Place {
    let place = Place::new();
    let said = place.ok("data synthesise micro --out drawn --subjects 3 --clips 1 --size 96");
    assert!(said.contains("9 synthetic micro-expressions"), "{said}");
    place.write("micro.yaml", EXPERIMENT);
    place.ok("train --config micro.yaml -q --out runs");
    fs::rename(place.only("runs"), place.at("run")).unwrap();
    place
}

/// The cells of a line.
fn cells(line: &str) -> Vec<String> {
    line.split(',').map(str::to_owned).collect()
}

#[test]
fn a_clip_is_predicted_as_its_row_was() {
    let place = trained();
    let facts = json(&place.at("run/dataset.json"));
    assert_eq!((&facts["motion"]["channels"], &facts["synthetic"]), (&"signed".into(), &true.into()), "{facts}");
    let info = place.ok("data info flow.h5");
    assert!(info.contains("9 SYNTHETIC faces") && info.contains("channels flow_signed"), "{info}");

    // The first row of the sheet that was tested: its folder and frames.
    let predictions = fs::read_to_string(place.at("run/predictions.csv")).unwrap();
    let tested = cells(predictions.lines().nth(1).unwrap());
    let row: usize = tested[0].parse().unwrap();
    let sheet = fs::read_to_string(place.at("drawn/CASME2-coding-synthetic.csv")).unwrap();
    let coded = cells(sheet.lines().nth(row + 1).unwrap());
    let subject: usize = coded[0].parse().unwrap();
    let clip = format!("drawn/Cropped/sub{subject:02}/{}", coded[1]);
    let (onset, apex, offset) = (&coded[3], &coded[4], &coded[5]);
    place.ok(&format!("predict --run run {clip} --onset {onset} --apex {apex} --csv one.csv"));
    let one = fs::read_to_string(place.at("one.csv")).unwrap();
    let said: Vec<f64> = cells(one.lines().nth(1).unwrap()).iter().filter_map(|c| c.parse().ok()).collect();
    let known: Vec<f64> = tested[3..].iter().map(|c| c.parse().unwrap()).collect();
    assert_eq!(known.len(), 3);
    // The table has six digits, and layers are folded for prediction.
    for (said, known) in said[said.len() - 3..].iter().zip(&known) {
        assert!((said - known).abs() < 1e-5, "{one}\n{predictions}");
    }
    let searched = place.run(&format!("predict --run run {clip} --onset {onset} --offset {offset}"));
    assert!(searched.code == Some(0) && searched.err.contains("was searched: frame"), "{}", searched.err);

    for (words, says) in [
        (format!("predict --run run {clip}/reg_img{onset}.jpg"), "name the frame where it begins with --onset"),
        (format!("predict --run run {clip} --onset {apex} --apex {onset}"), "is not after --onset"),
        (format!("predict --run run {clip} --onset 999999"), "there is no frame 999999"),
        (format!("predict --run run {clip} --onset {onset} --apex 999999"), "there is no frame 999999"),
        (format!("predict --run run nowhere --onset {onset}"), "there is no file or folder nowhere"),
        (format!("predict --run run {clip} {clip} --onset {onset}"), "2 paths are named"),
        (format!("predict --run run {clip} --onset {onset} --detector yunet.onnx"), "leave the detector out"),
        (format!("predict --run run {clip} --onset {onset} --max-pixels 9"), "do not apply"),
        // What shows a run photographs does not show them to one on motion.
        (format!("explain --run run {clip}/reg_img{onset}.jpg --out maps"), "cannot be one of motion"),
        ("serve --run run --port 1".to_owned(), "takes pictures of the motion between two frames, not of faces"),
    ] {
        let refused = place.refused(&words);
        assert!(refused.contains(says), "{words}: {refused}");
    }
    let faces = place.train("faces", "--set train.epochs=1 --set export.onnx=false");
    let refused = place.refused(&format!("predict --run {} {clip} --onset {onset}", faces.display()));
    assert!(refused.contains("takes pictures of faces, not of motion"), "{refused}");
}

#[test]
fn sheets_with_faults_are_refused_and_leave_nothing_behind() {
    let place = Place::new();
    place.ok("data synthesise micro --out drawn --subjects 2 --clips 1 --size 64");
    let sheet = place.at("drawn/CASME2-coding-synthetic.csv");
    let text = fs::read_to_string(&sheet).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let first = cells(&lines[1]);
    lines[1] = lines[1].replacen(&format!(",{},{},", first[3], first[4]), &format!(",{},1,", first[3]), 1);
    lines[2] = lines[2].replacen("EP02_01", "EP09_01", 1);
    fs::write(&sheet, lines.join("\n")).unwrap();
    let prepare = "data prepare casme2 --root drawn --cropped --face 48 --out out/flow.h5";
    let refused = place.refused(prepare);
    for says in
        ["2 of the clips cannot be used", "line 2: the apex 1 is before the onset", "line 3:", "has no folder ep09_01"]
    {
        assert!(refused.contains(says), "{says}: {refused}");
    }
    assert_eq!(fs::read_dir(place.at("out")).unwrap().count(), 0);
    let said = place.ok(&format!("{prepare} --skip-bad --input difference"));
    assert!(said.contains("4 synthetic faces of 28 x 28 pixels, grey") && said.contains("warning: left out"), "{said}");
    let said = place.ok(&format!("{prepare} --skip-bad --mend-apex"));
    assert!(said.contains("5 synthetic faces") && said.contains("counts as unknown"), "{said}");
    let neither = place.run("data prepare casme2 --root drawn --out out/flow.h5");
    assert!(neither.code == Some(2) && neither.err.contains("--detector"), "{}", neither.err);
    place.ok("data prepare synthetic_micro --subjects 2 --clips 1 --size 64 --face 48 --out out/drawn.h5");
    let people = place.refused("data prepare joined --files out/flow.h5 out/drawn.h5 --out out/both.h5");
    assert!(people.contains("both have a subject sub01"), "{people}");
}
