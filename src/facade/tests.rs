//! The whole way through the library's types, on synthetic faces.

use std::ops::ControlFlow;

use serde_json::json;

use super::*;
use ferrotype_training::progress::{Event, Style, Watcher};

fn tiny(folder: &std::path::Path) -> ExperimentBuilder {
    Experiment::builder("tiny")
        .set("data.path", folder.join("faces.h5").display().to_string())
        .set("data.source", json!({"synthetic": {"count": 120, "size": 24}}))
        .set("data.preprocess", json!({"size": 24, "scale": "signed"}))
        .set("data.split", "own")
        .set("model", "tiny_xception")
        .set("train", json!({"epochs": 1, "lr": 4e-3}))
}

fn options(folder: &std::path::Path) -> TrainOptions {
    TrainOptions { out: folder.join("runs"), progress: Style::Quiet, ..TrainOptions::default() }
}

#[test]
fn an_experiment_is_trained_used_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = tiny(folder.path()).build().unwrap();
    let run = experiment.train(&options(folder.path())).unwrap();
    assert!(run.is_finished() && run.scores().unwrap()["accuracy"] <= 1.0);
    assert_eq!(run.experiment().unwrap(), experiment);
    let folder_of_run = ferrotype_run::RunFolder::open(run.path()).unwrap();
    assert_eq!(ferrotype_run::Provenance::load(&folder_of_run).commit, crate::COMMIT);
    let predictor = run.predictor().unwrap();
    let faces = Picture::synthetic(70, 32, 5).unwrap();
    let all = predictor.predict(&faces).unwrap();
    assert_eq!((all.len(), predictor.classes().len()), (70, all[0].probabilities.len()));
    for said in &all {
        assert!((said.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(said.probabilities.iter().all(|&p| p <= said.probabilities[said.class]));
    }
    // A picture's prediction does not depend on its company but for rounding.
    let alone = predictor.predict(&faces[66..67]).unwrap();
    assert!((alone[0].probabilities[0] - all[66].probabilities[0]).abs() < 1e-5);
    let out = folder.path().join("model.onnx");
    let check = run.export(&out, &ExportOptions::default()).unwrap();
    assert!(check.passed && out.is_file());
    assert!(matches!(run.resume(&options(folder.path())), Err(Error::Run { .. })));
}

#[test]
fn an_interrupted_run_is_an_error_of_its_own_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = tiny(folder.path()).build().unwrap();
    let options = options(folder.path());
    options.interrupt.ask();
    let Err(Error::Interrupted { path, .. }) = experiment.train(&options) else { panic!("it was not interrupted") };
    let run = Run::open(&path).unwrap();
    assert!(!run.is_finished() && run.scores().is_err());
    assert!(run.resume(&self::options(folder.path())).unwrap().is_finished());
}

#[test]
fn a_run_gets_more_seeds_and_no_options_of_a_new_training() {
    let folder = tempfile::tempdir().unwrap();
    let run = tiny(folder.path()).build().unwrap().train(&options(folder.path())).unwrap();
    let folds = TrainOptions { folds: true, ..options(folder.path()) };
    let elsewhere = TrainOptions { out: folder.path().join("elsewhere"), ..options(folder.path()) };
    for (wanted, says) in [(folds, "it has no folds"), (elsewhere, "it stays where it is")] {
        let error = run.resume(&wanted).unwrap_err();
        assert!(matches!(error, Error::Run { .. }) && error.to_string().contains(says), "{error}");
    }
    // As `ferrotype train --resume RUN --seeds 0..2`: seed 0 is there already.
    let seeds = TrainOptions { seeds: Some("0..2".into()), ..options(folder.path()) };
    let members = run.resume(&seeds).unwrap().members().unwrap();
    assert!(members.len() == 2 && members.iter().all(Run::is_finished) && !run.path().exists());
}

#[test]
fn errors_name_what_is_wrong_and_keep_their_causes() {
    let folder = tempfile::tempdir().unwrap();
    let error = tiny(folder.path()).set("train.epoch", 3).build().unwrap_err();
    assert!(error.to_string().contains("train.epoch"), "{error}");
    let error = tiny(folder.path()).set("train.epochs", 0).set("train.lr", -1).build().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("train.epochs") && text.contains("train.lr"), "{text}");
    assert!(std::error::Error::source(&error).is_some());
    let missing = tiny(folder.path()).set("data.source", json!(null)).build().unwrap();
    let error = missing.train(&options(folder.path())).unwrap_err();
    assert!(matches!(error, Error::Training { .. }) && error.to_string().contains("faces.h5"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path().join("runs")).unwrap().count(), 0);
    assert!(Picture::from_pixels(vec![0; 5], 2, 2, 1).is_err());
}

#[test]
fn a_watcher_sees_every_epoch_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = tiny(folder.path()).set("train.epochs", 3).build().unwrap();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = seen.clone();
    let mut options = options(folder.path());
    options.watcher = Some(Watcher::new(move |event| {
        let Event::Epoch(report) = event else { return ControlFlow::Continue(()) };
        kept.lock().unwrap().push((report.epoch, report.train_loss));
        if report.epoch == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }));
    let Err(Error::Interrupted { path, .. }) = experiment.train(&options) else { panic!("it was not stopped") };
    let run = Run::open(path).unwrap();
    let history = run.history().unwrap().epochs.iter().map(|e| (e.epoch as usize, e.train_loss)).collect::<Vec<_>>();
    assert_eq!((history.len(), &history), (2, &*seen.lock().unwrap()));
    let run = run.resume(&self::options(folder.path())).unwrap();
    assert_eq!(run.history().unwrap().epochs.len(), 3);
    assert!(run.members().unwrap().is_empty());
}

#[test]
fn folds_are_trained_in_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = TrainOptions { folds: true, ..options(folder.path()) };
    let experiment = tiny(folder.path()).set("data.split", json!({"k_fold": {"k": 3}})).build().unwrap();
    let group = experiment.train(&options).unwrap();
    let members = group.members().unwrap();
    assert!(group.is_finished() && members.len() == 3 && members.iter().all(Run::is_finished));
    let mean = members.iter().map(|m| m.scores().unwrap()["accuracy"]).sum::<f64>() / 3.0;
    // Folds of one size: the pooled accuracy is their mean.
    assert!((group.scores().unwrap()["accuracy"] - mean).abs() < 1e-9);
    // The scores of all folds are there, and one of the folds is not.
    std::fs::remove_dir_all(members[2].path()).unwrap();
    assert!(!group.is_finished());
    assert!(group.resume(&self::options(folder.path())).unwrap().is_finished());
    let error = tiny(folder.path()).build().unwrap().train(&options).unwrap_err();
    assert!(error.to_string().contains("fold"), "{error}");
}

#[test]
fn prepared_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    tiny(folder.path()).build().unwrap().train(&options(folder.path())).unwrap();
    let faces = Dataset::open(folder.path().join("faces.h5")).unwrap();
    assert_eq!((faces.shape(), faces.pixels().len()), ([120, 24, 24, 1], 120 * 24 * 24));
    assert_eq!((faces.labels().len(), faces.parts().count(), faces.source_rows().len()), (120, 120, 120));
    assert!(faces.classes().contains(&"happiness".to_owned()) && faces.describe().contains("SYNTHETIC"));
    assert!(Dataset::open(folder.path()).is_err());
}

#[test]
fn an_analysis_that_cannot_begin_says_why() {
    let options = AnalyzeOptions { changes: vec!["parts.detectr=x".into()], ..AnalyzeOptions::default() };
    assert!(matches!(analyze(&["a.mp4"], &options), Err(Error::Experiment { .. })));
    let options = AnalyzeOptions { changes: vec!["parts.detector=no/such.onnx".into()], ..AnalyzeOptions::default() };
    let error = analyze(&["a.mp4"], &options).unwrap_err();
    assert!(matches!(error, Error::Analysis { .. }) && error.to_string().contains("no/such.onnx"), "{error}");
}
