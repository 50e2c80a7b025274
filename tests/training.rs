//! Training itself: accumulation, odd sizes, divergence, selection.

mod common;

use std::fs;
use std::path::Path;

use common::{Place, history, json};
use safetensors::SafeTensors;

/// The values of the weights of a checkpoint, by name.
fn values(run: &Path) -> Vec<(String, Vec<f32>)> {
    values_of(&run.join("checkpoints/last.safetensors"))
}

fn values_of(file: &Path) -> Vec<(String, Vec<f32>)> {
    let bytes = fs::read(file).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut names: Vec<String> = file.names().into_iter().map(str::to_owned).filter(|n| !n.contains('/')).collect();
    names.sort();
    let floats = |name: &str| {
        let data = file.tensor(name).unwrap().data().to_vec();
        data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    names.into_iter().map(|n| (n.clone(), floats(&n))).collect()
}

/// Without batch norm and dropout the parts of a step know nothing of each other.
#[test]
fn accumulation_is_one_large_batch() {
    let place = Place::new();
    let net =
        "--set model.micro_exp_net.dropout=0 --set train.optimizer=sgd --set train.lr=0.01 --set export.onnx=false";
    let whole = place.train("whole", &format!("{net} --set train.batch_size=32"));
    // Seven batches of 32, the last of 8; thirteen of 16, so that the last step has one part only.
    let parts = place.train("parts", &format!("{net} --set train.batch_size=16 --set train.accumulate=2"));
    for ((name, a), (_, b)) in values(&whole).into_iter().zip(values(&parts)) {
        let largest = a.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let difference = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference <= 1e-4 * largest.max(1e-3), "{name}: {difference:e} of {largest:e}");
    }
    let loss = |run: &Path| history(run).last().unwrap()["train_loss"].as_f64().unwrap();
    assert!((loss(&whole) - loss(&parts)).abs() < 1e-4);
}

#[test]
fn batches_of_odd_sizes_train() {
    let place = Place::new();
    // 200 rows: the last batch has one; each has one; one short batch; one batch that is exactly full.
    for (i, (size, rows)) in [(199, 240), (1, 5), (64, 7), (8, 8)].into_iter().enumerate() {
        for net in ["tiny_xception", "emopy_cnn"] {
            let words = format!("--set train.batch_size={size} --set data.limit={rows} --set model={net}");
            let run = place.train(&format!("{net}{i}"), &words);
            assert!(values(&run).iter().all(|(_, v)| v.iter().all(|v| v.is_finite())), "{words}");
        }
    }
}

/// What a run keeps with `train.swa` is the mean of what each epoch ended with, and running statistics of these weights.
#[test]
fn averaged_weights_are_the_mean_of_the_epochs() {
    let place = Place::new();
    let words = "--set model=tiny_xception --set export.onnx=false --set evaluate.select_on=none";
    let ends = [1, 2, 3].map(|n| values(&place.train(&format!("{n}"), &format!("{words} --set train.epochs={n}"))));
    let run = place.train("mean", &format!("{words} --set train.epochs=3 --set train.swa.after=1"));
    let mean = values_of(&run.join("checkpoints/best.safetensors"));
    assert_eq!(values(&run), ends[2]);
    let mut statistics = 0;
    for (i, (name, kept)) in mean.into_iter().enumerate() {
        if name.contains("running") {
            statistics += 1;
            assert!(kept.iter().all(|v| v.is_finite()) && kept != ends[2][i].1, "{name}");
            continue;
        }
        for (j, value) in kept.into_iter().enumerate() {
            let expected = f64::midpoint(f64::from(ends[1][i].1[j]), f64::from(ends[2][i].1[j]));
            assert!((f64::from(value) - expected).abs() < 1e-6, "{name}: {value} {expected}");
        }
    }
    assert!(statistics > 0);
    let both = place.refused(&format!("train --config small.yaml {words} --set train.swa.after=1 --set train.ema=0.9"));
    assert!(both.contains("train.swa: is impossible beside train.ema"), "{both}");
    let anneal =
        place.refused(&format!("train --config small.yaml {words} --set train.swa.after=1 --set train.swa.anneal=2"));
    assert!(anneal.contains("train.swa.anneal") && anneal.contains("train.swa.lr"), "{anneal}");
}

/// Weights from before the mean begins are scored, and not selected; early stopping does not count them.
#[test]
fn only_averaged_weights_are_selected() {
    let place = Place::new();
    let words = "--set model=tiny_xception --set export.onnx=false --set train.epochs=4 --set train.swa.after=2 \
                 --set train.early_stopping.patience=1 --set train.swa.lr=1e-12 --set evaluate.select_by=loss";
    let run = place.train("runs", words);
    let selected = common::json(&run.join("metrics.json"))["validation"]["metrics"]["log_loss"]["value"].as_f64();
    let epochs: Vec<_> = common::history(&run).into_iter().filter(|line| line["event"] == "epoch").collect();
    assert!(epochs.len() > 2, "stopped before the mean began: {}", epochs.len());
    let losses: Vec<_> = epochs.iter().map(|line| line["validation"]["log_loss"].as_f64()).collect();
    assert!(losses[2..].contains(&selected) && !losses[..2].contains(&selected), "{losses:?} {selected:?}");
}

#[test]
fn divergence_stops_and_names_the_place() {
    let place = Place::new();
    // Through the loss of the second step; nothing was trained, so nothing is left.
    let message = place.refused("train --config small.yaml -q --set train.lr=1e30");
    assert!(message.contains("at step 2 (epoch 1, batch 2, rows "), "{message}");
    assert!(message.contains("the loss is NaN") && message.contains("no checkpoint was written yet"), "{message}");
    assert!(common::entries(&place.at("runs")).is_empty());
}

/// A good checkpoint is not replaced by one whose weights are of no use.
#[test]
fn the_last_good_checkpoint_stays() {
    let place = Place::new();
    let words = "--set train.optimizer=sgd --set train.lr=1e-3 --set train.checkpoint.steps=1 --set train.epochs=1";
    let run = place.train("runs", words);
    let before = values(&run);
    // The same run with another end: it goes on from the good checkpoint at an impossible rate.
    let checkpoint = run.join("checkpoints/last.safetensors");
    let config = fs::read_to_string(run.join("config.yaml")).unwrap();
    assert!(config.contains("lr: 0.001") && config.contains("epochs: 1"), "{config}");
    fs::write(run.join("config.yaml"), config.replace("lr: 0.001", "lr: 1e30").replace("epochs: 1", "epochs: 3"))
        .unwrap();
    fs::remove_file(run.join("metrics.json")).unwrap();
    let refused = place.refused(&format!("train --resume {}", run.display()));
    assert!(refused.contains("belongs to another experiment"), "{refused}");
    adopt(&checkpoint, &run);
    let message = place.refused(&format!("train --resume {}", run.display()));
    assert!(message.contains("(epoch 2, batch ") && message.contains("last.safetensors"), "{message}");
    let after = values(&run);
    assert!(after.iter().all(|(_, v)| v.iter().all(|v| v.is_finite())));
    assert_eq!(before.len(), after.len());
    place.ok(&format!("eval --run {}", run.display()));
}

/// Makes a checkpoint belong to the changed experiment of its run.
fn adopt(checkpoint: &Path, run: &Path) {
    use ferrotype::run::RunFolder;
    use ferrotype::systems::expressions::result_digest;
    use ferrotype::systems::loaded::experiment_of;
    use ferrotype::training::checkpoint::Checkpoint;
    let mut loaded = Checkpoint::load(checkpoint).unwrap();
    loaded.meta.experiment_sha256 = result_digest(&experiment_of(&RunFolder::open(run).unwrap()).unwrap());
    loaded.save(checkpoint).unwrap();
}

#[test]
fn weights_are_selected_by_the_metric_asked_for() {
    let place = Place::new();
    for (i, (metric, name, higher)) in
        [("loss", "log_loss", false), ("uar", "uar", true), ("kl_votes", "kl_votes", false)].into_iter().enumerate()
    {
        let run = place.train(&format!("runs{i}"), &format!("--set train.epochs=4 --set evaluate.select_by={metric}"));
        let seen: Vec<f64> = history(&run)
            .iter()
            .filter(|e| e["event"] == "epoch")
            .map(|e| e["validation"][name].as_f64().unwrap())
            .collect();
        let best = seen.iter().copied().reduce(if higher { f64::max } else { f64::min }).unwrap();
        let kept = json(&run.join("metrics.json"))["validation"]["metrics"][name]["value"].as_f64().unwrap();
        assert_eq!(kept, best, "{metric}: {seen:?}");
    }
}

#[test]
fn validation_every_so_many_epochs() {
    let place = Place::new();
    let run = place.train("runs", "--set train.epochs=5 --set evaluate.every=2");
    let scored: Vec<u64> = history(&run)
        .iter()
        .filter(|e| e["event"] == "epoch" && e["validation"]["accuracy"].is_number())
        .map(|e| e["epoch"].as_u64().unwrap())
        .collect();
    assert_eq!(scored, [2, 4, 5]);
}

#[test]
fn sets_of_one_row_and_one_class_are_scored() {
    let place = Place::new();
    let run = place.train("runs", "--set data.limit=1");
    let scores = json(&run.join("metrics.json"));
    assert_eq!(scores["validation"]["confusion"].as_array().unwrap().len(), 8);
    assert!(fs::read_to_string(run.join("report.html")).unwrap().contains("data.limit"));
}

#[test]
fn without_an_export_there_is_none() {
    let place = Place::new();
    let run = place.train("runs", "--set export.onnx=false");
    assert!(!run.join("model.onnx").exists() && !run.join("onnx_check.json").exists());
    place.ok(&format!("report --run {}", run.display()));
    place.ok(&format!("export --run {} --out later.onnx", run.display()));
}

#[test]
fn runs_that_begin_in_the_same_second_have_folders_of_their_own() {
    let place = Place::new();
    let start = || place.command("train --config small.yaml -q".split(' ')).spawn().unwrap();
    place.ok("data prepare synthetic --count 240 --size 24 --identities 12 --out small.h5");
    let children: Vec<_> = (0..3).map(|_| start()).collect();
    assert!(children.into_iter().all(|mut c| c.wait().unwrap().success()));
    let runs = common::entries(&place.at("runs"));
    assert_eq!(runs.len(), 3, "{runs:?}");
    assert!(runs.iter().all(|r| place.at("runs").join(r).join("report.html").exists()));
}

#[test]
fn a_calibrated_run_predicts_the_same_classes_and_is_surer_or_less_sure_everywhere() {
    let place = Place::new();
    let plain = place.train("plain", "--set train.epochs=4");
    let scaled = place.train("scaled", "--set train.epochs=4 --set evaluate.calibrate=temperature");
    let rows = |run: &Path| -> Vec<(String, Vec<f64>)> {
        let mut csv = csv::Reader::from_path(run.join("predictions.csv")).unwrap();
        let row = |r: csv::StringRecord| (r[2].to_owned(), r.iter().skip(3).map(|v| v.parse().unwrap()).collect());
        csv.records().map(|r| row(r.unwrap())).collect()
    };
    let facts = json(&scaled.join("calibration.json"));
    let temperature = facts["temperature"].as_f64().unwrap();
    for ((class, before), (same, after)) in rows(&plain).iter().zip(rows(&scaled)) {
        assert_eq!(*class, same);
        // log p is z less a number of the row: differences of two classes are divided by the temperature.
        let gap = |p: &[f64]| (p[0] / p[1]).ln();
        assert!((gap(before) / temperature - gap(&after)).abs() < 1e-3, "{before:?} {after:?} {temperature}");
    }
    // The scores before are those of the run without it; on the validation set the loss has become less.
    let scores = |run: &Path, set: &str, name: &str| {
        json(&run.join("metrics.json"))[set]["metrics"][name]["value"].as_f64().unwrap()
    };
    for set in ["validation", "test"] {
        for name in ["ece", "log_loss"] {
            let before = facts["before"][set][name].as_f64().unwrap();
            assert!((before - scores(&plain, set, name)).abs() < 1e-5, "{set} {name}");
        }
        assert_eq!(scores(&plain, set, "accuracy"), scores(&scaled, set, "accuracy"));
    }
    assert!(scores(&scaled, "validation", "log_loss") <= scores(&plain, "validation", "log_loss"));
    let report = fs::read_to_string(scaled.join("report.html")).unwrap();
    assert!(report.contains(&format!("divided by {temperature:.3}")), "the report does not say it");
    // Resumed, it is not scaled again; predictions, ONNX and all are of the scaled network.
    let bytes = fs::read(scaled.join("checkpoints/best.safetensors")).unwrap();
    fs::remove_file(scaled.join("metrics.json")).unwrap();
    place.ok(&format!("train --resume {} -q", scaled.display()));
    assert_eq!(fs::read(scaled.join("checkpoints/best.safetensors")).unwrap(), bytes);
    assert_eq!(json(&scaled.join("onnx_check.json"))["passed"], true);
    let told =
        place.refused("train --config small.yaml --set evaluate.calibrate=temperature --set evaluate.select_on=test");
    assert!(told.contains("evaluate.calibrate") && told.contains("validation set"), "{told}");
}

#[test]
fn angles_and_centres_are_trained_exported_and_calibrated() {
    let place = Place::new();
    let model = "model.ferronet={widths: [4, 8, 8, 12], blocks: [0, 0, 1]}";
    for (i, objective) in
        ["objective.arc_face={scale: 10, margin: 0.2}", "objective.center_loss={weight: 0.01, island: 1}"]
            .iter()
            .enumerate()
    {
        let out = format!("runs{i}");
        let words = ["train", "--config", "small.yaml", "--out", &out, "-q", "--set", model, "--set", objective];
        let ended = place.run_words([&words[..], &["--set", "evaluate.calibrate=temperature"]].concat());
        assert_eq!(ended.code, Some(0), "{objective}\n{}", ended.err);
        let run = place.only(&out);
        assert_eq!(json(&run.join("onnx_check.json"))["passed"], true, "{objective}");
        let told = place.ok(&format!("eval --run {}", run.display()));
        let accuracy = json(&run.join("metrics.json"))["test"]["metrics"]["accuracy"]["value"].as_f64().unwrap();
        assert!(told.contains(&format!("{:.2} %", 100.0 * accuracy)), "{objective}: {accuracy} {told}");
        // Weights of the one begin the other; the temperature of the run is not the scale of the new one.
        let words = ["train", "--config", "small.yaml", "--out", "more", "-q", "--set", model, "--set", objective];
        let init = format!("train.init={}", run.display());
        let ended = place.run_words([&words[..], &["--set", &init, "--set", "train.epochs=1"]].concat());
        assert_eq!(ended.code, Some(0), "{objective}\n{}", ended.err);
        let told = place.refused_words(["train", "--config", "small.yaml", "--set", objective]);
        assert!(told.contains("tiny_xception ends with") && told.contains("linear"), "{told}");
    }
}

#[test]
fn time_to_accuracy_ends_where_the_target_is_reached() {
    let place = Place::new();
    place.ok("data prepare synthetic --count 240 --size 24 --identities 12 --out small.h5");
    let bench = "bench time-to-accuracy --config small.yaml --set train.epochs=2 --set export.onnx=false --json";
    let of = |target: &str| -> serde_json::Value {
        serde_json::from_str(&place.ok(&format!("{bench} --target {target}"))).unwrap()
    };
    let easy = of("0.0");
    assert_eq!((&easy["reached"], &easy["epochs"], &easy["epochs_allowed"]), (&true.into(), &1.into(), &2.into()));
    let never = of("1.1");
    assert_eq!((&never["reached"], &never["epochs"]), (&false.into(), &2.into()));
    // The test set is that of any other run, and what is finished is not trained again.
    let run = place.at(easy["run"].as_str().unwrap());
    assert_eq!(json(&run.join("metrics.json"))["test"]["metrics"]["accuracy"]["value"], easy["test"]);
    assert_eq!(of("0.0"), easy);
    let told = place.refused(&format!("{bench} --target 0.5 --set evaluate.select_on=none"));
    assert!(told.contains("train.stop_at") && told.contains("validation set"), "{told}");
}

/// One step of plain gradient descent moves no weight further than rate times limit, and some as far as that.
#[test]
fn large_elements_of_the_gradient_are_cut_off() {
    let place = Place::new();
    let words = "--set model.micro_exp_net.dropout=0 --set train.optimizer.sgd.momentum=0 --set train.epochs=1 --set export.onnx=false \
                 --set train.batch_size=240 --set evaluate.select_on=none";
    let still = place.train("still", &format!("{words} --set train.lr=1e-12"));
    let step = place.train("step", &format!("{words} --set train.lr=0.5 --set train.clip_value=2e-4"));
    let mut furthest = 0f32;
    for ((name, before), (_, after)) in values(&still).into_iter().zip(values(&step)) {
        for (a, b) in before.iter().zip(&after) {
            assert!((a - b).abs() <= 1.001e-4, "{name}: {a} {b}");
            furthest = furthest.max((a - b).abs());
        }
    }
    assert!(furthest > 0.999e-4, "{furthest}");
}
