//! Weights in other people's files become runs that the other commands take, and files that are none are refused.

mod common;

use std::fs;
use std::path::Path;

use common::{Place, files, json, tensors_sha256};
use safetensors::{SafeTensors, serialize};

/// A trained run's weights, imported as if they were somebody else's, score what the run scored.
#[test]
fn an_imported_run_is_scored_exported_and_used_like_any_other() {
    let place = Place::new();
    let trained = place.train("runs", "--set train.epochs=1");
    let weights = trained.join("checkpoints/best.safetensors");
    let words = format!(
        "import --model tiny_xception --from {} --out other --origin ferrotype --data small.h5 --set data.preprocess.size=24 \
         --classes Neutral,happy,surprised,sad,angry,disgust,fear,contempt",
        weights.display()
    );
    let text = place.ok(&words);
    assert!(text.contains("every one in its place") && text.contains("run      other"), "{text}");
    assert_eq!(tensors_sha256(&place.at("other/checkpoints/best.safetensors")), tensors_sha256(&weights));
    let record = json(&place.at("other/import.json"));
    assert_eq!((&record["file"], &record["origin"]), (&"best.safetensors".into(), &"ferrotype".into()));
    assert_eq!(json(&place.at("other/provenance.json"))["weights"]["best.safetensors"], record["sha256"]);

    let title = place.ok("eval --run other --set-name validation --json a.json");
    assert!(title.contains("small.h5, validation set, labels original, 20 images"), "{title}");
    assert!(title.contains("matched by name"), "{title}");
    place.ok(&format!("eval --run {} --set-name validation --json b.json", trained.display()));
    assert_eq!(json(&place.at("a.json"))["metrics"], json(&place.at("b.json"))["metrics"]);
    place.ok("eval --run other --data small.h5 --set-name validation --json c.json");
    assert_eq!(json(&place.at("c.json")), json(&place.at("a.json")));
    let text = place.ok("export --run other --out other.onnx");
    assert!(text.contains("checked  20 rows") && place.at("other.onnx").is_file(), "{text}");
    assert!(place.ok("runs --in .").contains("imported"));
    let report = place.refused("report --run other");
    assert!(report.contains("was imported"), "{report}");
    assert!(place.refused("train --resume other").contains("was imported"));
    assert!(place.refused(&words).contains("is there already"));
}

#[test]
fn bad_files_are_refused_and_leave_nothing() {
    let place = Place::new();
    let trained = place.train("runs", "--set train.epochs=1");
    let good = fs::read(trained.join("checkpoints/best.safetensors")).unwrap();
    place.write("cut.safetensors", &good[..good.len() / 2]);
    place.write("good.safetensors", &good);
    place.write("hostile.pt", include_bytes!("../crates/interop/src/import/fixtures/hostile.pt"));
    place.write("old.pt", include_bytes!("../crates/interop/src/import/fixtures/before_1_6.pt"));
    let header = br#"{"w":{"dtype":"F32","shape":[1152921504606846975],"data_offsets":[0,4611686018427387900]}}"#;
    place.write("huge.safetensors", [&(header.len() as u64).to_le_bytes()[..], header].concat());
    place.write("pointer.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
    let before = files(place.path());
    for (words, parts) in [
        ("--model tiny_xception --from cut.safetensors", vec!["cut.safetensors", "cut off"]),
        ("--model tiny_xception --from huge.safetensors", vec!["huge.safetensors", "damaged"]),
        ("--model tiny_xception --from hostile.pt", vec!["posix.system", "refused"]),
        ("--model tiny_xception --from old.pt", vec!["before version 1.6"]),
        ("--model tiny_xception --from no.pt", vec!["cannot read no.pt"]),
        ("--model tiny_xception --from small.yaml", vec!["small.yaml is no file of weights"]),
        ("--model mini_xception --from good.safetensors", vec!["not the weights of mini_xception", "misshapen"]),
        (
            "--model tiny_xception --from good.safetensors --classes happiness,neutral,surprise,sadness,anger,disgust,fear,contempt",
            vec!["--classes has the file's classes in another order"],
        ),
        ("--model tiny_xception --from pointer.h5", vec!["pointer.h5", "Git LFS pointer", "git lfs pull"]),
        ("--model tiny_xception --from good.safetensors --classes a,b", vec!["names 2 classes", "8 outputs"]),
        ("--model tiny_xception --from good.safetensors --classes a,a", vec!["names `a` twice"]),
        ("--model tiny_xception --from good.safetensors --head new", vec!["--classes"]),
        ("--model tiny --from good.safetensors", vec!["there is no network `tiny`", "tiny_xception"]),
        ("--model tiny_xception --from good.safetensors --origin mine", vec!["no form `mine`", "face_classification"]),
        ("--model tiny_xception --from good.safetensors --set data.preprocess.sise=3", vec!["sise", "size"]),
        ("--model tiny_xception --from good.safetensors --labels most", vec!["most", "majority"]),
    ] {
        let message = place.refused(&format!("import {words} --out made"));
        assert!(parts.iter().all(|p| message.contains(p)), "import {words}\n{message}\nlacks one of {parts:?}");
        assert_eq!(files(place.path()), before, "import {words}");
    }
}

/// The columns of a fold's predictions, and the places of its true classes among `names`.
fn fold_table(fold: &Path, names: &[&str]) -> (Vec<String>, Vec<usize>) {
    let table = fs::read_to_string(fold.join("predictions.csv")).unwrap();
    let mut lines = table.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
    let head = lines.next().unwrap();
    (head, lines.map(|row| names.iter().position(|name| *name == row[1]).unwrap()).collect())
}

#[test]
fn folds_have_the_names_that_the_command_line_gives_in_their_order() {
    let place = Place::new();
    let source = "--set data.source.synthetic.count=60 --set data.source.synthetic.identities=4";
    let trained = place.train("runs", &format!("--set train.epochs=1 --set export.onnx=false {source}"));
    let bytes = fs::read(trained.join("checkpoints/best.safetensors")).unwrap();
    let own = SafeTensors::deserialize(&bytes).unwrap();
    let of_person = |person: usize| own.iter().map(move |(name, view)| (format!("person{person:05}.{name}"), view));
    place.write("people.safetensors", serialize((0..4).flat_map(of_person), None).unwrap());
    let words = "import --model tiny_xception --from people.safetensors --origin ferrotype --data small.h5 --folds \
                 --set data.preprocess.size=24";
    // Those of the data in their order, then in another: they are matched by name.
    let names = ["Neutral", "happy", "surprised", "sad", "angry", "disgust", "fear", "contempt"];
    let backwards: Vec<&str> = names.into_iter().rev().collect();
    for (out, given) in [("forwards", names.as_slice()), ("backwards", backwards.as_slice())] {
        let text = place.ok(&format!("{words} --out {out} --classes {}", given.join(",")));
        assert!(text.contains("4 networks of people.safetensors"), "{text}");
        let (head, _) = fold_table(&place.at(out).join("fold-3"), &names);
        assert_eq!(head[3..], *given);
    }
    for fold in 0..4 {
        let truth = |out: &str| fold_table(&place.at(out).join(format!("fold-{fold}")), &names).1;
        assert_eq!(truth("backwards"), truth("forwards"), "fold {fold}");
    }
    for set in ["data.split=own", "data.split.k_fold.k=3", "data.validation_set=true", "evaluate.select_on=test"] {
        let message = place.refused(&format!("{words} --out refused --set {set}"));
        assert!(message.contains("has no effect with --folds"), "{set}\n{message}");
        assert!(!place.at("refused").exists());
    }
}

#[test]
fn without_labelled_data_an_export_is_checked_on_drawn_or_given_pictures() {
    let place = Place::new();
    let trained = place.train("runs", "--set train.epochs=1");
    place.ok(&format!(
        "import --model tiny_xception --from {}/checkpoints/best.safetensors --out other --origin ferrotype --data gone.h5 \
         --set data.preprocess.size=24 --classes Neutral,happy,surprised,sad,angry,disgust,fear,contempt",
        trained.display()
    ));
    let text = place.ok("export --run other --out drawn.onnx");
    let said = "64 pictures without labels (synthetic faces: gone.h5 is not at hand)";
    assert!(text.contains(said) && text.contains("no accuracy"), "{text}");
    let record = fs::read(place.at("drawn.onnx")).unwrap();
    assert!(String::from_utf8_lossy(&record).contains("synthetic faces: gone.h5 is not at hand"));
    fs::create_dir(place.at("crops")).unwrap();
    for n in 0..3 {
        let picture = image::GrayImage::from_fn(30, 30, |x, y| image::Luma([(x * 5 + y * n) as u8]));
        picture.save(place.at(format!("crops/{n}.png"))).unwrap();
    }
    let text = place.ok("export --run other --pictures crops --out given.onnx");
    assert!(text.contains("3 pictures without labels (given files)"), "{text}");
    // What the weights were trained on nobody knows: a score says so.
    let text = place.ok("eval --run other --data small.h5");
    assert!(text.contains("cannot be told of other (published weights)"), "{text}");
    let refused = place.refused("export --run other --set-name test --out test.onnx");
    assert!(refused.contains("--data") && !place.at("test.onnx").exists(), "{refused}");
}
