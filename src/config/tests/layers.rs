//! Inheritance, overrides, bare names and aliases.

use super::*;
use ferrotype_config::layers::Chain;

#[test]
fn maps_merge_and_all_else_replaces() {
    let base = GOOD.replace(
        "train:",
        "train:\n  optimizer: {sgd: {momentum: 0.5}}\n  schedule: {multi_step: {at: [3, 5], factor: [0.1]}}",
    );
    let file = "base: base.yaml\nname: child\ntrain:\n  optimizer:\n    sgd: {nesterov: true}\n  schedule: {multi_step: {at: [4]}}\n";
    let trial = read(&[("x.yaml", file), ("base.yaml", &base)], &[]).unwrap();
    assert_eq!((trial.name.as_str(), trial.train.epochs), ("child", 10));
    let OptimizerOptions::Sgd(sgd) = trial.train.optimizer else { panic!("not SGD") };
    assert!(sgd.nesterov && sgd.momentum == 0.5);
    let ScheduleOptions::MultiStep(steps) = trial.train.schedule else { panic!("not multi-step") };
    assert_eq!((steps.at, steps.factor), (vec![4], vec![0.1]));
}

#[test]
fn another_variant_replaces_and_the_same_keeps_its_options() {
    let base = GOOD
        .replace("train:", "train:\n  schedule: {step: {every: 3, factor: 0.5}}\n  optimizer: {sgd: {momentum: 0.5}}");
    let read = |lines: &str| {
        let file = format!("base: base.yaml\ntrain:\n{lines}");
        read(&[("x.yaml", &file), ("base.yaml", &base)], &[]).unwrap().train
    };
    assert!(matches!(read("  schedule: {cosine: {warmup: 2}}").schedule, ScheduleOptions::Cosine(_)));
    assert!(matches!(read("  schedule: cosine").schedule, ScheduleOptions::Cosine(_)));
    assert_eq!(read("  schedule: constant").schedule, ScheduleOptions::Constant);
    for same in ["sgd", "{sgd: {}}", "{sgd: }"] {
        let OptimizerOptions::Sgd(sgd) = read(&format!("  optimizer: {same}")).optimizer else { panic!("{same}") };
        assert_eq!(sgd.momentum, 0.5, "{same}");
    }
    assert!(matches!(read("  optimizer:\n    adamw:\n").optimizer, OptimizerOptions::Adamw(_)));
}

#[test]
fn every_enum_with_options_is_known_to_merging() {
    // The rule is derived from the schema; this says that the derivation sees what the types have.
    let shape = Shape::of::<Experiment>();
    let at = |path: &str| path.split('.').try_fold(shape, |shape, key| shape.child(key)).expect(path);
    for path in ["objective", "train.optimizer", "train.schedule", "data.source", "data.split", "data.preprocess.scale"]
    {
        assert!(at(path).has_options(), "{path}");
    }
    assert!(at("objective.cross_entropy.class_weights").has_options());
    assert!(!at("data.labels").has_options() && !at("train").has_options());
}

#[test]
fn bases_are_relative_to_their_file_and_chain() {
    let folder = folder(&[("base.yaml", GOOD)]);
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("a/mid.yaml"), "base: ../base.yaml\nseed: 3\n").unwrap();
    fs::write(folder.path().join("a/b/x.yaml"), "base: ../mid.yaml\nname: x\n").unwrap();
    let shape = Shape::of::<Trial>();
    let Chain { root, sources, .. } = read_chain(&folder.path().join("a/b/x.yaml"), |_| Ok(shape)).unwrap();
    let trial: Trial = from_tree(&root).unwrap();
    assert_eq!((trial.name.as_str(), trial.seed), ("x", 3));
    let names: Vec<_> = sources.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["x.yaml", "mid.yaml", "base.yaml"]);
}

#[test]
fn flags_override_and_make_what_is_missing() {
    let sets = [
        "train.lr=5",
        "train.optimizer.sgd.momentum=0.3",
        "train.optimizer.sgd.nesterov=true",
        "train.early_stopping.patience=4",
        "data.split=holdout",
        "data.preprocess.scale.mean_std={mean: [0.5], std: [0.2]}",
        "description=a = b",
        "model=sized",
        "model.sized.width=3",
        "train.clip_norm=null",
    ];
    let trial = read(&[("x.yaml", GOOD)], &sets).unwrap();
    assert_eq!((trial.train.lr, trial.train.clip_norm), (5.0, None));
    let OptimizerOptions::Sgd(sgd) = trial.train.optimizer else { panic!("not SGD") };
    assert!(sgd.nesterov && sgd.momentum == 0.3);
    assert_eq!(trial.train.early_stopping.unwrap().patience, 4);
    assert!(matches!(trial.data.split, SplitRule::Holdout(_)));
    assert!(matches!(trial.data.preprocess.scale, Scale::MeanStd(_)));
    assert_eq!(trial.description, "a = b");
    assert_eq!(trial.model, TrialModel::Sized(SizedOptions { width: 3, sides: [0, 0] }));
}

#[test]
fn a_map_that_a_flag_made_incomplete_is_blamed_where_it_stands() {
    let error = read(&[("x.yaml", GOOD)], &["model=sized", "train.batch_size=3"]).unwrap_err();
    assert_eq!(error, "--set model=sized: model.sized: the key `width` is missing");
    let error = read(&[("x.yaml", "name: x\ntrain:\n  lr: 1\n")], &["train.batch_size=3"]).unwrap_err();
    assert!(error.starts_with("x.yaml:2:1: train: the key `epochs` is missing\n    2 | train:\n"), "{error}");
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let text = GOOD.replace(
        "train:",
        "objective:\n  cross_entropy: {label_smoothing: &a 0.5, class_weights: {given: [*a, 1]}}\ntrain:\n  <<: [{lr: 7, ema: 0.5}, {ema: 0.9, batch_size: 3}]",
    );
    let trial = read_one(&text).unwrap();
    assert_eq!((trial.train.lr, trial.train.ema, trial.train.batch_size), (1e-3, Some(0.5), 3));
    assert!(matches!(trial.objective, ObjectiveOptions::CrossEntropy(options) if options.label_smoothing == 0.5));
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string();
    for i in 1..12 {
        text += &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", "));
    }
    assert!(read_one(&text).unwrap_err().contains("aliases grow to more than"));
    assert!(
        read_one(&format!("a: {}{}", "[".repeat(200), "]".repeat(200))).unwrap_err().contains("nested more than 64")
    );
}
