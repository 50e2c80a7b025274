//! Several seeds, and the folds of a division: members, aggregate, and a group that was left half done.

mod common;

use std::fs;
use std::path::Path;

use common::{Place, entries, json, result};

fn group(place: &Place, words: &str) -> std::path::PathBuf {
    place.ok(&format!("train --config small.yaml --out runs -q {words}"));
    place.only("runs")
}

fn accuracies(folder: &Path, members: &[&str]) -> Vec<f64> {
    let accuracy =
        |m: &&str| json(&folder.join(m).join("metrics.json"))["test"]["metrics"]["accuracy"]["value"].as_f64();
    members.iter().map(accuracy).map(Option::unwrap).collect()
}

#[test]
fn seeds_are_trained_and_summed_up() {
    let place = Place::new();
    let folder = group(&place, "--seeds 0..2");
    let members = ["seed-0", "seed-1"];
    let names = entries(&folder);
    for name in [&members[..], &["aggregate.json", "report.html", "group.json", "config.yaml"]].concat() {
        assert!(names.iter().any(|n| n == name), "no {name}: {names:?}");
    }
    let aggregate = json(&folder.join("aggregate.json"));
    let values = accuracies(&folder, &members);
    let mean = aggregate["metrics"]["accuracy"]["mean"].as_f64().unwrap();
    assert!((mean - (values[0] + values[1]) / 2.0).abs() < 1e-12, "{aggregate}");
    assert_eq!(aggregate["runs"], 2);
    // A member is what the seed alone gives.
    let alone = place.train("alone", "--set seed=1");
    assert!(result(&alone) == result(&folder.join("seed-1")));
    let report = place.ok(&format!("report --run {}", folder.display()));
    assert!(report.contains("mean") && report.contains("2 seeds"), "{report}");
    place.ok(&format!("report --run {} --publish published", folder.display()));
    let readme = fs::read_to_string(place.at("published/README.md")).unwrap();
    assert!(readme.contains("[small-seeds](small-seeds/) **synthetic**"), "{readme}");
    for name in ["README.md", "config.yaml", "group.json", "seed-1/metrics.json", "seed-0/provenance.json"] {
        assert!(place.at("published/small-seeds").join(name).is_file(), "no {name}");
    }
    assert!(!place.at("published/small-seeds/seed-0/checkpoints").exists());
    // Published again, what only an earlier copy had is gone, and what people put there is not.
    place.write("published/small-seeds/seed-7/metrics.json", "{}");
    place.write("published/small-seeds/notes.md", "mine");
    place.ok(&format!("report --run {} --publish published", folder.display()));
    assert!(!place.at("published/small-seeds/seed-7").exists() && place.at("published/small-seeds/notes.md").is_file());
    let listed = place.ok("runs");
    assert!(members.iter().all(|m| listed.contains(m)), "{listed}");
}

#[test]
fn a_group_left_half_done_is_resumed() {
    let place = Place::new();
    let folder = group(&place, "--seeds 0..2");
    let (first, second) = (folder.join("seed-0"), folder.join("seed-1"));
    let (whole, aggregate) = (result(&second), fs::read(folder.join("aggregate.json")).unwrap());
    let finished = fs::metadata(first.join("metrics.json")).unwrap().modified().unwrap();
    // As a kill in the middle of the second member's last scoring leaves it.
    for name in ["metrics.json", "predictions.csv", "model.onnx", "onnx_check.json", "report.html"] {
        fs::remove_file(second.join(name)).unwrap();
    }
    fs::remove_file(folder.join("aggregate.json")).unwrap();
    let resume = format!("train --resume {} -q", folder.display());
    place.ok(&resume);
    assert!(result(&second) == whole);
    // As a kill before the second member leaves it.
    fs::remove_dir_all(&second).unwrap();
    place.ok(&resume);
    assert!(result(&second) == whole);
    assert_eq!(fs::read(folder.join("aggregate.json")).unwrap(), aggregate);
    assert_eq!(fs::metadata(first.join("metrics.json")).unwrap().modified().unwrap(), finished, "trained again");
}

#[test]
fn seeds_are_added_to_what_was_trained() {
    let place = Place::new();
    let whole = group(&place, "--seeds 0..3");
    let (expected, aggregate) = (result(&whole.join("seed-2")), fs::read(whole.join("aggregate.json")).unwrap());
    // A single run becomes the first of a group, and the group grows.
    let single = place.train("more", "--set seed=0");
    let weights = fs::metadata(single.join("checkpoints/best.safetensors")).unwrap().modified().unwrap();
    place.train("whole", "--set seed=6 --set train.epochs=1 --set export.onnx=false");
    fs::write(single.join("reproduction.json"), "{}").unwrap();
    place.ok(&format!("train --resume {} --seeds 1 --json", single.display()));
    let grown = place.only("more");
    // What it repeats, the group repeats.
    assert!(grown.join("reproduction.json").is_file() && !grown.join("seed-0/reproduction.json").exists());
    fs::remove_file(grown.join("reproduction.json")).unwrap();
    assert!(grown.file_name().unwrap().to_str().unwrap().starts_with("small-seeds-"), "{}", grown.display());
    let kept = fs::metadata(grown.join("seed-0/checkpoints/best.safetensors")).unwrap().modified().unwrap();
    assert_eq!(kept, weights, "trained again");
    place.ok(&format!("train --resume {} --seeds 0..3 -q", grown.display()));
    assert!(result(&grown.join("seed-2")) == expected);
    assert_eq!(fs::read(grown.join("aggregate.json")).unwrap(), aggregate);
    let told = place.refused(&format!("train --resume {} --seeds 0..5", grown.join("seed-1").display()));
    assert!(told.contains("is part of the group") && told.contains("add the seeds to that"), "{told}");
    // A mean over seeds of different pictures would say nothing.
    let before = fs::read(grown.join("group.json")).unwrap();
    fs::remove_file(place.at("small.h5")).unwrap();
    place.ok("data prepare synthetic --count 240 --size 24 --identities 12 --seed 2 --out small.h5");
    let told = place.refused(&format!("train --resume {} --seeds 0..4 -q", grown.display()));
    assert!(told.contains("was made of data with the sha256") && told.contains("train all runs anew"), "{told}");
    assert_eq!(fs::read(grown.join("group.json")).unwrap(), before);
    let alone = place.only("whole");
    let told = place.refused(&format!("train --resume {} --seeds 7 -q", alone.display()));
    assert!(told.contains("was made of data with the sha256") && alone.is_dir(), "{told}");
}

#[test]
fn folds_test_every_row_once() {
    for (rule, subjects) in [("k_fold", false), ("subject_k_fold", true)] {
        let place = Place::new();
        let folder = group(&place, &format!("--folds --set data.split.{rule}.k=3 --set train.epochs=1"));
        let mut rows = Vec::new();
        for fold in 0..3 {
            let run = folder.join(format!("fold-{fold}"));
            let table = fs::read_to_string(run.join("predictions.csv")).unwrap();
            rows.extend(table.lines().skip(1).map(|l| l.split(',').next().unwrap().parse::<u32>().unwrap()));
            if subjects {
                assert_eq!(json(&run.join("dataset.json"))["shared_subjects"], 0);
            }
        }
        rows.sort_unstable();
        assert_eq!(rows, (0..240).collect::<Vec<_>>(), "{rule}");
        let text = place.ok(&format!("report --run {}", folder.display()));
        assert!(text.contains("3 folds, their rows scored together"), "{text}");
        let pooled = &json(&folder.join("metrics.json"))["pooled"]["metrics"]["accuracy"];
        let line = text.lines().find(|line| line.trim_start().starts_with("Accuracy")).unwrap();
        let value = format!("{:.2} % (95 % interval", 100.0 * pooled["value"].as_f64().unwrap());
        assert!(line.contains(&value) && line.contains("240 rows); mean over 3 folds "), "{line}");
        assert!(json(&folder.join("aggregate.json"))["runs"] == 3);
    }
}

#[test]
fn leave_one_subject_out_trains_a_run_per_subject() {
    let place = Place::new();
    let source = "--set data.source.synthetic.count=60 --set data.source.synthetic.identities=4";
    let folder = group(&place, &format!("--folds {source} --set data.split=leave_one_subject_out"));
    assert_eq!(entries(&folder).iter().filter(|n| n.starts_with("fold-")).count(), 4);
}

#[test]
fn what_cannot_be_a_group_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let no_folds = place.refused("train --config small.yaml --folds");
    assert!(no_folds.contains("k_fold"), "{no_folds}");
    let no_device = place.refused("train --config small.yaml --seeds 0..2 --set device=cuda:0");
    assert!(no_device.contains("not compiled in") && no_device.contains("seed 0"), "{no_device}");
    // Refused in a process of its own, it leaves no log to look into, and the message names none.
    let at_once = place.refused("train --config small.yaml --seeds 0..2 --jobs 2 --set device=cuda:0");
    assert!(at_once.contains("not compiled in") && !at_once.contains(".log"), "{at_once}");
    // A group's file that somebody changed is no reason to panic.
    place.write(
        "odd/config.yaml",
        "system: anomalies\nname: f\ndata: {source: {generated: {}}}\ntrain: {epochs: 3, lr: 1e-3}\n",
    );
    place.write("odd/group.json", r#"{"axis": "fold", "values": [0, 1]}"#);
    let odd = place.refused("train --resume odd");
    assert!(odd.contains("group.json is of folds") && odd.contains("anomalies"), "{odd}");
    for seeds in ["5..5", "a", "1,1"] {
        place.refused(&format!("train --config small.yaml --seeds {seeds}"));
    }
    assert!(entries(&place.at("runs")).is_empty(), "{:?}", entries(&place.at("runs")));
}

#[test]
fn variants_stand_side_by_side_and_are_trained_once() {
    let place = Place::new();
    let words = [
        "ablate",
        "--config",
        "small.yaml",
        "--set",
        "train.epochs=1",
        "--set",
        "export.onnx=false",
        "--seeds",
        "0..2",
        "--grid",
        "data.augment.flip=0.0|0.5",
        "--out",
        "out",
    ];
    let ended = place.run_words(words);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let text = fs::read_to_string(place.at("out/ablation.md")).unwrap();
    assert!(ended.out.contains(&text), "{}", ended.out);
    assert!(text.contains("| data.augment.flip |") && text.contains("Accuracy, mean over seeds"), "{text}");
    let table = fs::read(place.at("out/ablation.csv")).unwrap();
    let lines = String::from_utf8(table.clone()).unwrap();
    let folders: Vec<String> = entries(&place.at("out")).into_iter().filter(|n| n.starts_with("small-")).collect();
    assert_eq!(folders.len(), 2, "{folders:?}");
    for folder in &folders {
        for value in accuracies(&place.at("out").join(folder), &["seed-0", "seed-1"]) {
            assert!(lines.contains(&value.to_string()), "{value}: {lines}");
        }
    }
    // Two seeds and their mean for each of two variants.
    assert_eq!(lines.lines().count(), 1 + 2 * 3);
    let finished = |folder: &str| {
        fs::metadata(place.at("out").join(folder).join("seed-1/metrics.json")).unwrap().modified().unwrap()
    };
    let before: Vec<_> = folders.iter().map(|f| finished(f)).collect();
    assert_eq!(place.run_words(words).code, Some(0));
    assert_eq!(folders.iter().map(|f| finished(f)).collect::<Vec<_>>(), before, "trained again");
    assert_eq!(fs::read(place.at("out/ablation.csv")).unwrap(), table);
    // A slip in the last value costs nothing: it is refused before anything is trained.
    let error = place.refused("ablate --config small.yaml --grid train.lr=0.1|0 --out none");
    assert!(error.contains("train.lr") && !place.at("none").exists(), "{error}");
}

#[test]
fn several_runs_at_a_time_are_what_they_are_one_by_one() {
    let place = Place::new();
    let group = |out: &str, words: &str| {
        place.ok(&format!("train --config small.yaml --out {out} -q --seeds 0..3 {words}"));
        place.only(out)
    };
    let (one, two) = (group("one", ""), group("two", "--jobs 2"));
    for seed in ["seed-0", "seed-1", "seed-2"] {
        assert!(result(&one.join(seed)) == result(&two.join(seed)), "{seed}");
        let config = |folder: &Path| fs::read(folder.join(seed).join("config.yaml")).unwrap();
        assert!(config(&one) == config(&two), "{seed}");
    }
    assert_eq!(fs::read(one.join("aggregate.json")).unwrap(), fs::read(two.join("aggregate.json")).unwrap());
    assert!(!entries(&two).iter().any(|name| name.ends_with(".log")), "{:?}", entries(&two));
    let failed = place.refused("train --config small.yaml --out bad -q --seeds 0..3 --jobs 2 --set train.lr=1e30");
    assert!(failed.contains("seed") && failed.contains("train.lr"), "{failed}");
}

#[test]
fn without_selection_the_last_epoch_counts_and_nothing_is_kept_back() {
    let place = Place::new();
    let words = "--set evaluate.select_on=none --set data.split.k_fold.k=2 --set train.epochs=3";
    let folder = group(&place, &format!("--folds {words}"));
    let mut tested = Vec::new();
    for fold in ["fold-0", "fold-1"] {
        let run = folder.join(fold);
        let sizes = &json(&run.join("dataset.json"))["sizes"];
        assert_eq!((sizes[0].as_u64(), sizes[1].as_u64(), sizes[2].as_u64()), (Some(120), Some(0), Some(120)));
        let metrics = json(&run.join("metrics.json"));
        assert!(metrics.get("validation").is_none() && metrics.get("test").is_some(), "{metrics}");
        let table = fs::read_to_string(run.join("predictions.csv")).unwrap();
        tested.extend(table.lines().skip(1).map(|l| l.split(',').next().unwrap().parse::<u32>().unwrap()));
    }
    tested.sort_unstable();
    assert_eq!(tested, (0..240).collect::<Vec<_>>());
    // What stands in the folder of all folds are the predictions of all rows.
    assert_eq!(fs::read_to_string(folder.join("predictions.csv")).unwrap().lines().count(), 241);
    let page = fs::read_to_string(folder.join("fold-0/report.html")).unwrap();
    assert!(page.contains("those of the last epoch (3)"), "{page}");
    let config = fs::read_to_string(folder.join("config.yaml")).unwrap();
    assert!(config.contains("select_on: none") && config.contains("validation_set: false"), "{config}");
    let refused = place.refused(&format!("train --config small.yaml {words} --set train.early_stopping.patience=3"));
    assert!(refused.contains("train.early_stopping"), "{refused}");
    let refused = place.refused("train --config small.yaml --set data.validation_set=false");
    assert!(refused.contains("select_on: none"), "{refused}");
}

#[test]
fn folds_of_several_seeds_are_pooled_and_summed_up() {
    let place = Place::new();
    let words =
        "--seeds 0..2 --folds --jobs 2 --set data.split.k_fold.k=3 --set train.epochs=1 --set export.onnx=false";
    let folder = group(&place, words);
    let accuracy = |seed: &str| {
        json(&folder.join(seed).join("metrics.json"))["pooled"]["metrics"]["accuracy"]["value"].as_f64().unwrap()
    };
    let aggregate = json(&folder.join("aggregate.json"));
    assert_eq!(aggregate["runs"], 2);
    let mean = aggregate["metrics"]["accuracy"]["mean"].as_f64().unwrap();
    assert!((mean - (accuracy("seed-0") + accuracy("seed-1")) / 2.0).abs() < 1e-12, "{aggregate}");
    // A fold of a seed is what that seed and fold alone give.
    let one = "--set data.split.k_fold.k=3 --set train.epochs=1 --set export.onnx=false --set seed=1 --set data.fold=2";
    assert!(result(&place.train("alone", one)) == result(&folder.join("seed-1/fold-2")));
    let before = fs::read(folder.join("aggregate.json")).unwrap();
    fs::remove_dir_all(folder.join("seed-1/fold-1")).unwrap();
    fs::remove_file(folder.join("aggregate.json")).unwrap();
    // A report in the middle of a seed's folds does not make it a finished one.
    let said = place.ok(&format!("report --run {}", folder.display()));
    assert!(said.contains("1 of 2 runs are not finished and not in these figures"), "{said}");
    assert_eq!(json(&folder.join("seed-1/metrics.json"))["pooled"]["folds"], 2);
    let half = json(&folder.join("aggregate.json"));
    let mean = half["metrics"]["accuracy"]["mean"].as_f64();
    assert_eq!((half["runs"].as_u64(), mean), (Some(1), Some(accuracy("seed-0"))));
    let unfinished = place.refused(&format!("compare {0}/seed-0 {0}", folder.display()));
    assert!(unfinished.contains("1 of the 2 seeds"), "{unfinished}");
    place.ok(&format!("train --resume {} -q", folder.display()));
    assert_eq!(fs::read(folder.join("aggregate.json")).unwrap(), before);
    let compared = place.ok(&format!("compare {0}/seed-0 {0}/seed-1", folder.display()));
    assert!(compared.contains("240"), "{compared}");
    place.ok(&format!("report --run {} --publish published", folder.display()));
    assert!(place.at("published/small-seeds/seed-1/metrics.json").is_file());
}
