//! Weights of another run, frozen parts, stored features and teachers; through the binary.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{Place, entries, json, result, weights};
use safetensors::SafeTensors;

/// Everything but the head of the small experiment's network.
const BODY: &str = "[base.*, module*]";

/// The weights and running statistics of a checkpoint, by name.
fn values(run: &Path, file: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = fs::read(run.join("checkpoints").join(file)).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let plain = file.names().into_iter().filter(|n| !n.contains('/'));
    plain.map(|n| (n.to_owned(), file.tensor(n).unwrap().data().to_vec())).collect()
}

/// What came out of a run: history, weights, scores and predictions. (The files of weights name their experiment.)
fn outcome(run: &Path) -> impl PartialEq {
    let (history, weights, scores, predictions, _) = result(run);
    (history, weights, scores, predictions)
}

/// Trains with these `--set`s; gives the run's folder.
fn train(place: &Place, out: &str, sets: &[&str]) -> std::path::PathBuf {
    let mut words = vec!["train", "--config", "small.yaml", "-q", "--out", out, "--set", "export.onnx=false"];
    sets.iter().for_each(|set| words.extend(["--set", set]));
    let ended = place.run_words(&words);
    assert_eq!(ended.code, Some(0), "{words:?}\n{}", ended.err);
    place.only(out)
}

#[test]
fn weights_of_another_run_are_taken_and_what_is_frozen_stays() {
    let place = Place::new();
    let source = train(&place, "source", &[]);
    let init = format!("train.init={}", source.display());
    let run = train(&place, "frozen", &["seed=8", &init, &format!("train.freeze={BODY}"), "train.ema=0.9"]);
    let (before, after) = (values(&source, "best.safetensors"), values(&run, "best.safetensors"));
    for (name, value) in &after {
        // Running statistics, too.
        assert_eq!(before[name] == *value, !name.starts_with("head."), "{name}");
    }
    let provenance = json(&run.join("provenance.json"));
    let sha = provenance["weights"][source.display().to_string()].as_str().unwrap();
    assert_eq!(sha.len(), 64);
    // The same by the flag, from the file itself.
    let file = source.join("checkpoints/best.safetensors");
    let words = format!("--init {} --set seed=8 --set train.ema=0.9 --set export.onnx=false", file.display());
    let again = place.train("flag", &format!("{words} --set train.freeze=[base.*,module*]"));
    assert_eq!(weights(&again), weights(&run));
}

#[test]
fn weights_that_do_not_fit_and_files_that_changed_are_refused() {
    let place = Place::new();
    let source = train(&place, "source", &["train.epochs=1"]);
    let init = |more: &str| format!("train --config small.yaml -q --init {} {more}", source.display());
    let other = place.refused(&init("--set model=mini_xception"));
    assert!(other.contains("train.init") && other.contains("base.conv1.weight"), "{other}");
    let pattern = place.refused(&init("--set train.freeze=[bse.*]"));
    assert!(pattern.contains("train.freeze") && pattern.contains("base.bn1"), "{pattern}");
    let missing = place.refused("train --config small.yaml -q --init nowhere");
    assert!(missing.contains("train.init") && missing.contains("nowhere"), "{missing}");
    let foreign = place.refused("train --config small.yaml -q --init small.yaml");
    assert!(foreign.contains("safetensors"), "{foreign}");
    let nothing =
        place.refused("train --config small.yaml -q --set train.freeze=[head.*] --set train.feature_cache={}");
    assert!(nothing.contains("train.feature_cache"), "{nothing}");

    // A run that was stopped goes on without its source, but not with another in its place.
    let run = train(&place, "run", &[&format!("train.init={}", source.display())]);
    fs::remove_file(run.join("metrics.json")).unwrap();
    let weights = source.join("checkpoints/best.safetensors");
    let kept = fs::read(&weights).unwrap();
    fs::copy(source.join("checkpoints/last.safetensors"), &weights).unwrap();
    let changed = place.refused(&format!("train -q --resume {}", run.display()));
    assert!(changed.contains("other weights"), "{changed}");
    fs::remove_file(&weights).unwrap();
    place.ok(&format!("train -q --resume {}", run.display()));
    fs::write(&weights, kept).unwrap();
}

/// Frozen transfer from stored features ends with the same bits as without: scores, predictions and weights.
#[test]
fn stored_features_change_nothing() {
    let place = Place::new();
    let source = train(&place, "source", &["train.epochs=1"]);
    let init = format!("train.init={}", source.display());
    let freeze = format!("train.freeze={BODY}");
    let still = ["data.augment.flip=0", "data.augment.shift=0"];
    let plain = [&init as &str, &freeze, "train.epochs=3", "train.ema=0.9", "evaluate.flip_average=true"];
    let cases: [(&str, &[&str], &str); 2] =
        // With augmentation they are the same as long as there are as many views as epochs.
        [("still", &still, "train.feature_cache={}"), ("moving", &[], "train.feature_cache.views=3")];
    for (name, sets, cache) in cases {
        let whole = train(&place, &format!("{name}-whole"), &[&plain, sets].concat());
        let stored = train(&place, &format!("{name}-stored"), &[&plain, sets, &[cache]].concat());
        assert!(outcome(&whole) == outcome(&stored), "{name}");
        // Used again, by another number of threads.
        let again = train(&place, &format!("{name}-again"), &[&plain, sets, &[cache, "threads=1"]].concat());
        assert!(outcome(&whole) == outcome(&again), "{name}");
    }
    let files = entries(&place.at("feature-cache"));
    assert!(files.len() == 2 && files.iter().all(|f| f.starts_with("features-") && f.ends_with(".h5")), "{files:?}");
    let mut words = vec!["train", "--config", "small.yaml", "-q"];
    [&init as &str, &freeze, "train.feature_cache={}", "data.augment.mixup=0.2"]
        .iter()
        .for_each(|s| words.extend(["--set", s]));
    let mixed = place.refused_words(words);
    assert!(mixed.contains("mixup"), "{mixed}");
}

#[test]
fn teachers_teach_and_with_a_lambda_of_0_say_nothing() {
    let place = Place::new();
    let a = train(&place, "a", &["train.epochs=1"]);
    let b =
        train(&place, "b", &["train.epochs=1", "seed=4", "model=emopy_cnn", "data.preprocess={size: 32, scale: unit}"]);
    let distil = |more: &str| {
        format!("objective.distillation={{teachers: [{}, {}], temperature: 4{more}}}", a.display(), b.display())
    };
    let alone = train(&place, "alone", &["seed=9"]);
    let silent = train(&place, "silent", &["seed=9", &distil(", lambda: 0")]);
    assert_eq!(weights(&alone), weights(&silent));
    let taught = train(&place, "taught", &["seed=9", &distil(", average: probabilities")]);
    assert_ne!(weights(&alone), weights(&taught));
    let again = train(&place, "again", &["seed=9", &distil(", average: probabilities"), "threads=1", "data.workers=1"]);
    assert!(outcome(&taught) == outcome(&again));
    for signal in ["rows", "{views: 2}"] {
        let name = format!("stored{}", signal.len());
        train(&place, &name, &["seed=9", &distil(&format!(", signal: {signal}"))]);
    }
    assert_eq!(entries(&place.at("feature-cache")).len(), 2);
    assert_eq!(json(&taught.join("provenance.json"))["weights"].as_object().unwrap().len(), 2);
    // Its own scores are of two looks at each picture, and its answers of one.
    let c = train(&place, "c", &["train.epochs=1", "evaluate.flip_average=true"]);
    let taught_by = format!("objective.distillation.teachers=[{}]", c.display());
    let ended = place.run_words([
        "train",
        "--config",
        "small.yaml",
        "--out",
        "told",
        "--set",
        "train.epochs=1",
        "--set",
        "export.onnx=false",
        "--set",
        &taught_by,
    ]);
    let said = ended.out + &ended.err;
    assert!(said.contains("24x24 pictures, one look at each (its own scores are of the mean over"), "{said}");
    // Refused: no such teacher; a teacher of other classes.
    let missing = place.refused("train --config small.yaml -q --set objective.distillation.teachers=[nowhere]");
    assert!(missing.contains("objective.distillation.teachers") && missing.contains("nowhere"), "{missing}");
    let path = a.join("checkpoints/best.safetensors");
    let bytes = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let class = json(&a.join("dataset.json"))["classes"][0].as_str().unwrap().to_owned();
    let (from, to) = (format!("\\\"{class}\\\""), format!("\\\"{}\\\"", "q".repeat(class.len())));
    assert!(text.contains(&from), "the header has the classes");
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
    let mut changed = bytes.clone();
    changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    fs::write(&path, changed).unwrap();
    let words = format!("train --config small.yaml -q --set objective.distillation.teachers=[{}]", a.display());
    let other = place.refused(&words);
    assert!(other.contains("knows the classes") && other.contains("qqq"), "{other}");
}
