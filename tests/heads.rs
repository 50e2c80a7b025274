//! Models with heads through the binary: labels, continuous values and classes on one network, from the data to the report.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{Place, weights};
use serde_json::Value;

/// As `common::SMALL`, with a head of each kind.
const HEADS: &str = "name: heads
seed: 3
threads: 2
data:
  path: typed.h5
  source: {synthetic: {count: 240, seed: 1, size: 24, identities: 12, targets: true}}
  split: own
  preprocess: {size: 24, scale: signed}
  augment: {flip: 0.5, shift: 0.1, mixup: 0.2}
  workers: 2
model: tiny_xception
heads:
  au: {target: au_occurrence, columns: [AU12, AU04, AU01], loss: {binary_cross_entropy: {positive_weights: balanced}}}
  emotion: {target: classes, weight: 0.5}
  va: {target: valence_arousal, loss: ccc}
train:
  epochs: 3
  batch_size: 32
  lr: 4e-3
evaluate: {select_by: va.ccc}
";

fn place() -> Place {
    let place = Place::new();
    place.write("heads.yaml", HEADS);
    place
}

fn json(path: impl AsRef<std::path::Path>) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_model_with_heads_is_trained_exported_and_used() {
    let place = place();
    place.ok("train --config heads.yaml --out runs -q");
    let run = place.only("runs");
    let test = &json(run.join("metrics.json"))["test"];
    for metric in ["au.f1", "au.accuracy", "emotion.accuracy", "va.ccc", "va.rmse", "va.icc"] {
        let value = test["metrics"][metric]["value"].as_f64().unwrap_or_else(|| panic!("{metric}: {test}"));
        assert!((-1.0..=2.0).contains(&value), "{metric} {value}");
    }
    assert_eq!(test["heads"][2]["columns"][1]["column"], "arousal");
    let check = json(run.join("onnx_check.json"));
    assert_eq!((check["passed"].as_bool(), check["rows"].as_u64()), (Some(true), Some(20)));
    let onnx = fs::read(run.join("model.onnx")).unwrap();
    for name in ["au_logits", "au_probabilities", "emotion_logits", "emotion_probabilities", "va_values"] {
        assert!(onnx.windows(name.len()).any(|w| w == name.as_bytes()), "{name}");
    }
    let table = fs::read_to_string(run.join("predictions.csv")).unwrap();
    assert!(table.starts_with("row,au.AU12.truth,au.AU12,au.AU04.truth,"), "{}", &table[..80]);
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("Head va") && page.contains("CCC") && page.contains("AU12"));
    assert!(run.join("plots/head_va.svg").is_file() && run.join("plots/head_au.png").is_file());

    // What a command says again is what training said.
    let shown = run.display().to_string();
    place.ok(&format!("eval --run {shown} --json scores.json --csv again.csv"));
    assert_eq!(json(place.at("scores.json"))["metrics"], test["metrics"]);
    assert_eq!(fs::read_to_string(place.at("again.csv")).unwrap(), table);
    place.ok(&format!("export --run {shown} --out again.onnx"));
    assert_eq!(fs::read(place.at("again.onnx")).unwrap(), onnx);
    place.ok(&format!("report --run {shown}"));
    let picture = place.at("face.png");
    image::GrayImage::from_fn(24, 24, |x, y| image::Luma([(x * 7 + y * 3) as u8])).save(&picture).unwrap();
    let line = place.ok(&format!("predict --run {shown} face.png --csv out.csv"));
    assert!(line.contains("au: AU") && line.contains("va: valence"), "{line}");
    let header = fs::read_to_string(place.at("out.csv")).unwrap();
    assert!(header.starts_with("path,au.AU12,au.AU04,au.AU01,emotion.neutral,"), "{header}");

    // What needs one class per picture says so.
    for words in ["attack --run RUN --method fgsm --eps 1", "explain --run RUN face.png --out maps/"] {
        let error = place.refused(&words.replace("RUN", &shown));
        assert!(error.contains("model with heads (au: labels"), "{words}\n{error}");
    }
}

#[test]
fn an_interrupted_training_with_heads_ends_with_the_same_bits() {
    let place = place();
    place.ok("train --config heads.yaml --out whole -q --set train.checkpoint.steps=2");
    let words = "train --config heads.yaml --out part --json --set train.checkpoint.steps=2";
    let mut trainer =
        place.command(words.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut events = BufReader::new(trainer.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(events.any(|line| line.contains("\"event\":\"epoch\"")));
    trainer.kill().unwrap();
    trainer.wait().unwrap();
    let run = place.only("part");
    // With another number of threads, which must make no difference.
    let resumed = fs::read_to_string(run.join("config.yaml")).unwrap().replace("threads: 2", "threads: 1");
    fs::write(run.join("config.yaml"), resumed).unwrap();
    place.ok(&format!("train --resume {} -q", run.display()));
    let whole = place.only("whole");
    assert_eq!(weights(&whole), weights(&run));
    assert_eq!(json(whole.join("metrics.json")), json(run.join("metrics.json")));
}

#[test]
fn what_does_not_fit_says_how_to_mend_it() {
    let place = place();
    place.ok("train --config heads.yaml --out first -q --set train.epochs=1 --set export.onnx=false");
    for (set, said) in [
        ("heads.au.target=smiles", "no target `smiles`; it has au_occurrence, au_intensity, valence_arousal, classes"),
        ("heads.au.columns=[AU99]", "no column `AU99`"),
        (
            "heads.au.loss=ccc",
            "heads.au.loss is ccc, which is not for labels (0 or 1 each); binary_cross_entropy would be",
        ),
        ("heads.va.loss={cross_entropy: {}}", "mse, mae, huber or ccc would be"),
        ("evaluate.select_by=accuracy", "say which, au.accuracy or emotion.accuracy"),
        ("evaluate.select_by=au.ccc", "of which there is no metric `ccc`"),
        ("evaluate.select_by=smile.f1", "the heads are au, emotion, va"),
        ("data.augment.cutmix=1", "data.augment.cutmix"),
        ("objective={focal: {}}", "heads.NAME.loss"),
        ("heads.va.weight=0", "heads.va.weight"),
        ("train.adversarial={eps: 4}", "train.adversarial"),
    ] {
        let error = place.refused_words(["train", "--config", "heads.yaml", "--out", "no", "-q", "--set", set]);
        assert!(error.contains(said), "{set}\n{error}");
    }
    let error =
        place.refused_words(["train", "--config", "small.yaml", "--out", "no", "--set", "evaluate.select_by=ccc"]);
    assert!(error.contains("metric of a head") && error.contains("docs/targets.md"), "{error}");
    let run = place.only("first").display().to_string();
    let taught = format!("objective.distillation={{teachers: [{run}]}}");
    let error = place.refused_words(["train", "--config", "small.yaml", "--out", "no", "-q", "--set", &taught]);
    assert!(error.contains("cannot teach") && error.contains("model with heads"), "{error}");
}

#[test]
fn targets_of_a_table_are_prepared_trained_and_may_be_missing() {
    let place = place();
    let mut table = String::from("path,split,smile,frown,strength\n");
    for i in 0..60u32 {
        let smile = i % 2;
        let picture = image::GrayImage::from_fn(24, 24, |x, y| {
            let lit = smile == 1 && (10..14).contains(&y) && x > 4;
            image::Luma([if lit { 230 } else { 40 + ((x * 5 + y * 11 + i) % 30) as u8 }])
        });
        fs::create_dir_all(place.at("p")).unwrap();
        picture.save(place.at(format!("p/{i}.png"))).unwrap();
        let part = ["train", "train", "train", "train", "val", "test"][(i as usize / 2) % 6];
        // Every fifth row has no strength, every seventh no label `frown`.
        let strength = if i % 5 == 0 { String::new() } else { format!("{}", 4 * smile) };
        let frown = if i % 7 == 0 { String::new() } else { (1 - smile).to_string() };
        table += &format!("p/{i}.png,{part},{smile},{frown},{strength}\n");
    }
    place.write("faces.csv", table);
    place.ok(
        "data prepare manifest --csv faces.csv --target look=labels:smile,frown --target how=continuous:strength:0..5:points \
         --out typed.h5",
    );
    let info = place.ok("data info typed.h5");
    assert!(info.contains("look.frown") && info.contains("continuous values from 0 to 5 points"), "{info}");
    let experiment = "name: table
seed: 1
data:
  path: typed.h5
  split: own
  preprocess: {size: 24, scale: signed}
model: {tiny_xception: {norm_momentum: 0.7}}   # few steps: the running statistics must follow faster
heads: {look: {}, how: {loss: mse}}
train: {epochs: 20, batch_size: 8, lr: 5e-3}
evaluate: {select_by: how.rmse}
";
    place.write("table.yaml", experiment);
    place.ok("train --config table.yaml --out runs -q");
    let test = &json(place.only("runs").join("metrics.json"))["test"];
    let value = |name: &str| test["metrics"][name]["value"].as_f64().unwrap();
    assert!(value("look.f1") > 0.9 && value("how.ccc") > 0.5, "{test}");
    assert!(test["heads"][0]["columns"][0]["n"].as_u64().unwrap() < 10, "missing values are not scored");

    // Picture i + 30 is picture i again: every tested one also stands in training.
    let told = |folder: &str| {
        let run = place.only(folder);
        let lines = place.ok(&format!("report --run {}", run.display()));
        (lines, fs::read_to_string(run.join("report.html")).unwrap())
    };
    let leak = "test pictures that also stand in training";
    let (lines, page) = told("runs");
    assert!(lines.contains(&format!("{leak} (left in)")), "{lines}");
    assert!(page.contains(&format!("{leak} were left in.")), "a leak that was kept is a warning");
    let sets = "--set data.drop_leaks=true --set train.epochs=1 --set export.onnx=false";
    place.ok(&format!("train --config table.yaml --out dropped -q {sets}"));
    let (lines, page) = told("dropped");
    assert!(lines.contains(&format!("{leak} (removed)")) && !lines.contains("left in"), "{lines}");
    assert!(page.contains(&format!("{leak} (removed)")) && !page.contains("were left in"), "a removed leak");
    assert!(page.contains("training rows were removed because their picture is held out."));
}

#[test]
fn folds_of_heads_are_counted_where_they_are_pooled() {
    let place = place();
    let words = "--folds --set data.split.k_fold.k=3 --set train.epochs=1 --set export.onnx=false";
    place.ok(&format!("train --config heads.yaml --out runs -q {words}"));
    assert_eq!(json(place.only("runs").join("metrics.json"))["pooled"]["folds"], 3);
}
