//! Sweep files: what is refused, where, and why.

use ferrotype_sweep::curve::Goal;

use super::*;
use ferrotype_anomaly::options::AnomalyModel;

const EXPERIMENT: &str = "name: x\ndata: {path: a.h5, preprocess: {size: 48}}\nmodel: mini_xception\n\
                          train: {epochs: 3, lr: 1e-3}\n";

const FACE: &str = "system: anomalies\nname: f\ndata: {source: {generated: {}}}\ntrain: {epochs: 3, lr: 1e-3}\n";

const CLIPS: &str = "name: c\ndata: {path: a.h5, clips: {}, preprocess: {size: 60}}\nmodel: microx_gap\n\
                     train: {epochs: 3, lr: 1e-3}\n";

/// Reads a sweep over [`EXPERIMENT`] (or another of these); an error without the folder's name.
fn read_sweep(text: &str) -> Result<LoadedSweep, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("e")).unwrap();
    fs::write(folder.path().join("e/x.yaml"), EXPERIMENT).unwrap();
    let test = format!("{EXPERIMENT}evaluate: {{select_on: test}}\n");
    fs::write(folder.path().join("e/test.yaml"), test).unwrap();
    fs::write(folder.path().join("e/face.yaml"), FACE).unwrap();
    let heads = format!("{EXPERIMENT}heads: {{va: {{target: valence_arousal}}}}\nevaluate: {{select_by: loss}}\n");
    fs::write(folder.path().join("e/heads.yaml"), heads).unwrap();
    fs::write(folder.path().join("e/clips.yaml"), CLIPS).unwrap();
    let path = folder.path().join("s.yaml");
    fs::write(&path, text).unwrap();
    load_sweep(&path).map_err(|e| e.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

const HEAD: &str = "name: s\nexperiment: e/x.yaml\n";

#[test]
fn a_sweep_is_read_with_its_experiment() {
    let loaded = read_sweep(&format!(
        "{HEAD}set: {{train.epochs: 5}}\nmetric: loss\nsampler: tpe\npruner: {{asha: {{eta: 2}}}}\nspace:\n  train.lr: {{log: \
         [1e-5, 1e-2]}}\n  train.optimizer: {{choice: [adam, sgd]}}\n  train.optimizer.sgd.momentum: {{float: [0, 0.9], \
         when: {{train.optimizer: sgd}}}}\n"
    ))
    .unwrap();
    assert_eq!(loaded.experiment.epochs(), Some(5));
    assert_eq!((loaded.objective.metric.as_str(), loaded.objective.select_by.as_str()), ("log_loss", "accuracy"));
    let frozen = frozen_from_yaml("study.yaml", &frozen_to_yaml(&freeze(&loaded))).unwrap();
    let values =
        serde_json::from_str(r#"{"train.optimizer.sgd.momentum": 0.25, "train.lr": 1e-5, "train.optimizer": "sgd"}"#);
    let trial = trial_experiment(&frozen, &values.unwrap()).unwrap().expressions().unwrap();
    assert_eq!(trial.train.lr, 1e-5);
    assert!(matches!(&trial.train.optimizer, OptimizerOptions::Sgd(o) if o.momentum == 0.25 && !o.nesterov));
}

#[test]
fn anomalies_are_ranked_by_the_validation_error_alone() {
    let head = "name: s\nexperiment: e/face.yaml\nspace: {model.lstm_autoencoder.hidden: {choice: [8, 16]}}\n";
    let loaded = read_sweep(head).unwrap();
    let o = &loaded.objective;
    assert_eq!((o.metric.as_str(), o.select_by.as_str(), o.goal), ("mse", "mse", Goal::Minimise));
    let frozen = frozen_from_yaml("study.yaml", &frozen_to_yaml(&freeze(&loaded))).unwrap();
    let values = serde_json::from_str(r#"{"model.lstm_autoencoder.hidden": 16}"#).unwrap();
    let AnyExperiment::Anomalies(trial) = trial_experiment(&frozen, &values).unwrap() else { panic!("another system") };
    let AnomalyModel::LstmAutoencoder(model) = &trial.model;
    assert_eq!(model.hidden, 16);
    for (rest, expected) in [
        ("metric: auroc", "never by injected anomalies"),
        ("pruner: {asha: {}}", "cannot be pruned"),
        ("set: {model.lstm_autoencoder.hiden: 3}", "did you mean `hidden`?"),
        ("set: {evaluate.select_on: test}", "the experiment's `evaluate.select_on`: unknown key"),
    ] {
        let error = read_sweep(&format!("{head}{rest}\n")).expect_err(rest);
        assert!(error.contains(expected), "{rest}\n{error}\nlacks\n{expected}");
    }
    for key in ["data.scaling: {choice: [none, min_max]}", "data.validation: {float: [0.1, 0.2]}"] {
        let error = read_sweep(&format!("name: s\nexperiment: e/face.yaml\nspace: {{{key}}}\n")).unwrap_err();
        assert!(error.contains("cannot be searched"), "{error}");
    }
}

#[test]
fn what_changes_the_measure_cannot_be_searched() {
    for (name, space, expected) in [
        ("heads", "heads.va.weight: {float: [0.5, 2]}", "space.heads.va.weight: this key cannot be searched: trials"),
        ("heads", "heads.va: {choice: [{loss: mse}, {loss: ccc}]}", "the weighted sum of the heads' losses"),
        ("clips", "data.clips.frames: {int: [5, 10]}", "space.data.clips.frames: this key cannot be searched: by this"),
    ] {
        let error = read_sweep(&format!("name: s\nexperiment: e/{name}.yaml\nspace: {{{space}}}\n")).unwrap_err();
        assert!(error.contains(expected), "{space}\n{error}\nlacks\n{expected}");
    }
    // A head's own metric does not depend on what the loss weighs, but on what the head learns.
    let heads = "name: s\nexperiment: e/heads.yaml\nmetric: va.ccc\n";
    let loaded = read_sweep(&format!("{heads}space: {{heads.va.weight: {{float: [0.5, 2]}}}}\n")).unwrap();
    assert_eq!(loaded.objective.metric, "va.ccc");
    let columns = "space: {heads.va.columns: {choice: [[valence], [arousal]]}}\n";
    let error = read_sweep(&format!("{heads}{columns}")).unwrap_err();
    assert!(error.contains("trials scored on different targets cannot be compared"), "{error}");
    // One example per clip, however many frames it has.
    let spread = "name: s\nexperiment: e/clips.yaml\nset: {data.clips.segments: spread}\n\
                  space: {data.clips.frames: {int: [5, 10]}}\n";
    let said = read_sweep(spread).err().unwrap_or_default();
    assert!(!said.contains("cannot be searched"), "{said}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (rest, expected) in [
        (
            "space: {train.lrr: {log: [1e-4, 1]}}",
            "s.yaml:3:9: space.train.lrr: the experiment's `train.lrr`: unknown key; did you mean `lr`?",
        ),
        (
            "space:\n  clip_norm: {float: [1, 2]}",
            "s.yaml:4:3: space.clip_norm: the experiment's `clip_norm`: unknown key; did you mean `train.clip_norm`?",
        ),
        ("space:\n  train.lr: {log: [0, 1]}", "s.yaml:4:3: space.train.lr: [0, 1]: a logarithm needs numbers above 0"),
        ("space:\n  train.lr: {log: [1, many]}", "s.yaml:4:23: space.train.lr.log[1]: expected a number, found `many`"),
        ("space:\n  train.lr: {lgo: [1, 2]}", "s.yaml:4:14: space.train.lr.lgo: unknown key"),
        (
            "space:\n  train.lr: {float: [0, 1]}",
            "s.yaml:4:3: space.train.lr: the value 0.0 makes no experiment: train.lr=0.0: train.lr: 0.0 is impossible",
        ),
        (
            "space:\n  train.epochs: {float: [1, 3]}",
            "s.yaml:4:3: space.train.epochs: the value 1.0 makes no experiment",
        ),
        ("space:\n  model: {choice: [mini_xception, resnet]}", "the value \"resnet\" makes no experiment"),
        (
            "space:\n  evaluate.select_on: {choice: [validation, test]}",
            "space.evaluate.select_on: this key cannot be searched",
        ),
        (
            "space: {train.lr: {log: [1e-4, 1]}}\nmetric: test_accuracy",
            "s.yaml:4:9: metric: \"test_accuracy\" asks for the test set",
        ),
        (
            "space: {train.lr: {log: [1e-4, 1]}}\nmetric: acuracy",
            "s.yaml:4:9: metric: unknown metric \"acuracy\"; did you mean `accuracy`?",
        ),
        (
            "space: {train.lr: {log: [1e-4, 1]}}\nset: {train.epoch: 3}",
            "s.yaml:4:20: set.train.epoch: the experiment's `train.epoch`: unknown key; did you mean `epochs`?",
        ),
        ("space: {train.lr: {log: [1e-4, 1]}}\nset: {train.epochs: 0}", "s.yaml:4:1: set: these make no experiment"),
        (
            "space: {train.lr: {log: [1e-4, 1]}}\npruner: {asha: {eta: 1}}",
            "s.yaml:4:22: pruner.asha.eta: 1: expected at least 2",
        ),
        (
            "space: {train.lr: {log: [1e-4, 1]}}\nsampler: tpa",
            "s.yaml:4:10: sampler: unknown name `tpa`; did you mean `tpe`?",
        ),
        ("trials: 3", "the key `space` is missing"),
    ] {
        let error = read_sweep(&format!("{HEAD}{rest}\n")).expect_err(rest);
        assert!(error.contains(expected), "{rest}\n{error}\nlacks\n{expected}");
    }
    let test = "name: s\nexperiment: e/test.yaml\nspace: {train.lr: {log: [1e-4, 1]}}\n";
    let error = read_sweep(test).unwrap_err();
    assert!(error.contains("s.yaml:2:13: experiment:") && error.contains("on the test set"), "{error}");
    let error = read_sweep(&test.replace("test.yaml", "no.yaml")).unwrap_err();
    assert!(error.contains("cannot read") && error.contains("no.yaml"), "{error}");
}

#[test]
fn a_study_that_was_changed_by_hand_is_refused() {
    let loaded = read_sweep(&format!("{HEAD}space: {{train.lr: {{log: [1e-4, 1]}}}}\n")).unwrap();
    let text = frozen_to_yaml(&freeze(&loaded));
    assert!(frozen_from_yaml("study.yaml", &text.replace("trials: null", "trials: 7")).is_ok());
    let error = frozen_from_yaml("study.yaml", &text.replace("epochs: 3", "epochs: 4")).unwrap_err().to_string();
    assert!(error.contains("study.yaml") && error.contains("changed"), "{error}");
}
