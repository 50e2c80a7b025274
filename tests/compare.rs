//! Comparing runs and groups of runs through the binary.

mod common;

use std::fmt::Write;
use std::fs;

use common::{Place, json};

/// A finished run of some system: a run folder as `compare` needs it, with every `wrong`-th row mistaken.
fn finished(place: &Place, name: &str, sha: &str, rows: usize, wrong: usize) {
    let mut table = String::from("row,truth,prediction,fake,real\n");
    for row in 0..rows {
        let truth = row % 2;
        let said = if row % wrong == 0 { 1 - truth } else { truth };
        let word = |c: usize| ["fake", "real"][c];
        // Probabilities that round alike: the prediction counts.
        writeln!(table, "{row},{},{},0.5,0.5", word(truth), word(said)).unwrap();
    }
    place.write(format!("{name}/config.yaml"), "system: real_fake\n");
    place.write(format!("{name}/metrics.json"), "{}");
    place.write(format!("{name}/dataset.json"), format!("{{\"sha256\": \"{sha}\"}}"));
    place.write(format!("{name}/predictions.csv"), table);
}

#[test]
fn runs_of_any_system_are_compared_by_their_predictions() {
    let place = Place::new();
    finished(&place, "a", "abc", 60, 5);
    finished(&place, "b", "abc", 70, 2);
    let out = place.ok("compare a b --json c.json --resamples 500");
    assert!(out.contains("60 test rows in common (0 more in A, 10 more in B)"), "{out}");
    let c = json(&place.at("c.json"));
    // Of 60 rows A has 12 wrong, B 30; 6 are wrong for both.
    assert_eq!(c["mcnemar"][0]["only_first"], 24, "{c}");
    assert_eq!(c["mcnemar"][0]["only_second"], 6, "{c}");
    assert!((c["bootstrap"]["accuracy"]["difference"].as_f64().unwrap() - 0.3).abs() < 1e-12, "{c}");
    assert!(c["welch"].is_null() && out.contains("one seed only"), "{out}");
    let before = fs::read(place.at("c.json")).unwrap();
    place.ok("compare a b --json c.json --resamples 500");
    assert_eq!(fs::read(place.at("c.json")).unwrap(), before, "the same drawings give the same bytes");
    let back = place.ok("compare b a --resamples 500");
    assert!(back.contains("accuracy  -30.00 points"), "{back}");
}

#[test]
fn groups_of_seeds_have_a_test_over_seeds() {
    let place = Place::new();
    for seed in 0..3 {
        finished(&place, &format!("a/seed-{seed}"), "abc", 60, 5 + seed);
        finished(&place, &format!("b/seed-{}", seed + 1), "abc", 60, 3 + seed);
    }
    place.write("a/group.json", r#"{"axis": "seed", "values": [0, 1, 2]}"#);
    place.write("b/group.json", r#"{"axis": "seed", "values": [1, 2, 3]}"#);
    place.write("a/config.yaml", "system: real_fake\n");
    place.write("b/config.yaml", "system: real_fake\n");
    let out = place.ok("compare a b --json c.json --resamples 200");
    let c = json(&place.at("c.json"));
    // scipy.stats.ttest_ind([48/60, 50/60, 51/60], [40/60, 45/60, 48/60], equal_var=False)
    let welch = &c["welch"]["accuracy"];
    assert!((welch["t"].as_f64().unwrap() - 2.138_089_935_299_394_7).abs() < 1e-9, "{welch}");
    assert!((welch["p"].as_f64().unwrap() - 0.137_453_953_990_807_45).abs() < 1e-9, "{welch}");
    // Seeds 1 and 2 are common.
    assert_eq!(c["mcnemar"].as_array().unwrap().len(), 2, "{c}");
    assert!(out.contains("  seed 1: ") && !out.contains("seed 3: "), "{out}");
    // A run of each: against every seed of the other.
    finished(&place, "single", "abc", 60, 4);
    place.ok("compare single b --json c.json --resamples 200");
    assert_eq!(json(&place.at("c.json"))["mcnemar"].as_array().unwrap().len(), 3);
    fs::remove_file(place.at("b/seed-2/metrics.json")).unwrap();
    let message = place.refused("compare a b");
    assert!(message.contains("1 of the 3 seeds of b are not finished"), "{message}");
}

#[test]
fn a_seed_is_not_finished_before_all_its_folds_are() {
    let place = Place::new();
    finished(&place, "a", "abc", 60, 5);
    for seed in 0..2 {
        finished(&place, &format!("b/seed-{seed}"), "abc", 60, 3);
        place.write(format!("b/seed-{seed}/metrics.json"), r#"{"pooled": {"folds": 4}}"#);
    }
    place.write("b/group.json", r#"{"axis": "seed", "values": [0, 1], "folds": 4}"#);
    place.write("b/config.yaml", "system: real_fake\n");
    place.ok("compare a b --resamples 200");
    // What a report leaves that was made after three of them.
    place.write("b/seed-1/metrics.json", r#"{"pooled": {"folds": 3}}"#);
    let message = place.refused("compare a b");
    assert!(message.contains("1 of the 2 seeds of b are not finished"), "{message}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let place = Place::new();
    finished(&place, "a", "abc", 60, 5);
    finished(&place, "other", "def", 60, 5);
    let message = place.refused("compare a other");
    assert!(message.contains("not scored on the same data") && message.contains("def"), "{message}");
    finished(&place, "b", "abc", 60, 3);
    let table = fs::read_to_string(place.at("b/predictions.csv")).unwrap();
    for (text, expected) in [
        (table.replace("real", "genuine"), "different classes"),
        (table.replace("\n4,fake,", "\n4,real,"), "row 4 is fake for one and real for the other"),
        (table.lines().next().unwrap().to_owned() + "\n900,fake,fake,1,0\n", "no row was scored by both"),
        (table.replace("truth", "label"), "not a table of predictions"),
    ] {
        place.write("b/predictions.csv", text);
        let message = place.refused("compare a b");
        assert!(message.contains(expected), "{message}\nlacks {expected}");
    }
    fs::remove_file(place.at("b/predictions.csv")).unwrap();
    assert!(place.refused("compare a b").contains("has no predictions.csv"));
    fs::remove_file(place.at("b/metrics.json")).unwrap();
    assert!(place.refused("compare a b").contains("train --resume b"));
    assert!(place.refused("compare a none").contains("no run folder none"));
    assert!(place.refused("compare a a").contains("with itself"));
}

#[test]
fn folds_are_pooled_and_trained_runs_compared() {
    let place = Place::new();
    let folds = "--folds --set data.split.k_fold.k=3 --set train.epochs=1 --set export.onnx=false";
    place.ok(&format!("train --config small.yaml --out folds -q {folds}"));
    let run = place.train("runs", "--set train.epochs=1 --set export.onnx=false");
    let (folds, run) = (place.only("folds"), run.display().to_string());
    let out = place.ok(&format!("compare {} {run} --resamples 200", folds.display()));
    assert!(out.contains("3 folds") && out.contains("20 test rows in common (220 more in A, 0 more in B)"), "{out}");
    assert!(out.contains("share their training rows"), "{out}");
}
