//! Classical classifiers through the binary: single runs, folds, reports, and what they refuse.

mod common;

use std::fs;

use common::{Place, files, json};

const SVM: &str = "system: baselines
name: small
seed: 3
threads: 2
data:
  path: small.h5
  source: {synthetic: {count: 240, seed: 1, size: 24, identities: 12, intensity: 1, nuisance: 0}}
  split: own
  preprocess: {size: 24, scale: unit}
method: {svm: {c: [0.01, 1], inner_folds: 3}}
";

fn accuracy(place: &Place, run: &str) -> f64 {
    json(&place.at(run).join("metrics.json"))["test"]["metrics"]["accuracy"]["value"].as_f64().unwrap()
}

/// Trains, and gives the folder a name.
fn train(place: &Place, name: &str, options: &str) {
    place.ok(&format!("train --config svm.yaml -q --out {name}-runs {options}"));
    fs::rename(place.only(&format!("{name}-runs")), place.at(name)).unwrap();
}

#[test]
fn methods_are_trained_scored_and_reported() {
    let place = Place::new();
    place.write("svm.yaml", SVM);
    train(&place, "svm", "");
    train(&place, "nearest", "--set method=nearest");
    train(&place, "common", "--set method=most_common");
    assert!(accuracy(&place, "svm") > accuracy(&place, "common") + 0.05, "{}", accuracy(&place, "svm"));
    assert!(accuracy(&place, "nearest") > accuracy(&place, "common"), "{}", accuracy(&place, "nearest"));
    let method = json(&place.at("svm/method.json"));
    let c = method["fitted"]["c"].as_f64().unwrap();
    assert!([0.01, 1.0].contains(&c) && method["details"][0][1].as_str().unwrap().contains("chosen of [0.01, 1.0]"));
    let page = fs::read_to_string(place.at("svm/report.html")).unwrap();
    assert!(page.contains("no probabilities") && page.contains("support vectors"));
    assert!(!place.at("svm/model.onnx").exists() && !place.at("svm/checkpoints").exists());

    // The same command gives the same, on any number of threads.
    train(&place, "again", "--threads 1");
    for file in ["predictions.csv", "method.json", "metrics.json"] {
        assert_eq!(
            fs::read(place.at("svm").join(file)).unwrap(),
            fs::read(place.at("again").join(file)).unwrap(),
            "{file}"
        );
    }
    assert!(place.ok("report --run svm").contains("test accuracy"));
    assert!(place.ok("compare svm common").contains("accuracy"));
    assert!(place.ok("runs --in .").contains("svm"));
    place.ok("report --run svm --publish public");
    assert!(place.at("public/small/metrics.json").is_file());
}

#[test]
fn folds_are_pooled_and_choose_within_their_people() {
    let place = Place::new();
    place.write("svm.yaml", SVM);
    // By its whole path, which is nobody's business.
    let file = place.at("private/faces.h5");
    let words = format!("--folds --jobs 2 --set data.split.subject_k_fold.k=3 --set data.path={}", file.display());
    train(&place, "folds", &words);
    let pooled = fs::read_to_string(place.at("folds/predictions.csv")).unwrap();
    assert_eq!(pooled.lines().count(), 241, "every row is tested once");
    assert!(place.at("folds/report.html").is_file() && place.at("folds/fold-2/method.json").is_file());
    place.ok("report --run folds --publish public");
    let published = files(&place.at("public"));
    assert!(published.iter().any(|f| f.ends_with("fold-2/provenance.json")), "{published:?}");
    for name in published {
        let text = fs::read_to_string(place.at("public").join(&name)).unwrap();
        assert!(!text.contains(&*place.path().to_string_lossy()), "{name} says where things lie: {text}");
    }
    assert!(
        fs::read_to_string(place.at("public/small-folds/config.yaml")).unwrap().contains("path: \"private/faces.h5\"")
    );
    let few =
        place.refused("train --config svm.yaml -q --set data.split.subject_k_fold.k=3 --set method.svm.inner_folds=20");
    assert!(few.contains("inner_folds is 20") && few.contains("people"), "{few}");
}

#[test]
fn what_is_for_networks_is_refused() {
    let place = Place::new();
    place.write("svm.yaml", SVM);
    for (set, says) in [
        ("data.augment.flip=0.5", "data.augment"),
        ("data.validation_set=true", "data.validation_set"),
        ("data.split=test_as_validation", "data.validation_set"),
        ("data.labels=probability", "choose original, majority or argmax_eight"),
        ("data.labels=crossentropy", "these methods learn one class per row"),
        ("data.labels=multi_target", "data.labels"),
        ("method.svm.c=[]", "method.svm.c"),
        ("method.svm.c=[0]", "method.svm.c"),
        ("method.svm.choose_by=sharpness", "sharpness"),
        ("train.epochs=3", "train"),
        ("method.svm.kernel.rbf.gamma=-1", "gamma"),
    ] {
        let text = place.refused(&format!("train --config svm.yaml --set {set}"));
        assert!(text.contains(says), "{set}: {text}");
    }
    train(&place, "svm", "");
    for command in ["export --run svm --out x.onnx", "eval --run svm --data small.h5", "predict --run svm small.h5"] {
        let text = place.refused(command);
        assert!(text.contains("baselines"), "{command}: {text}");
    }
}
