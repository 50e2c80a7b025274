//! The files of a whole report.

use std::collections::BTreeMap;
use std::fs;

use super::*;
use ferrotype_evaluation::{mocks::twelve, score};
use ferrotype_run::history::{EpochRecord, History};

pub(super) fn run() -> RunView {
    let predictions = twelve();
    let mut mistakes = worst_mistakes(&predictions, 3);
    mistakes[0].face = Some(Face { width: 2, height: 2, channels: 3, pixels: vec![90; 12] });
    let epoch = EpochRecord {
        epoch: 1,
        step: 4,
        train_loss: f64::NAN,
        validation: BTreeMap::from([("accuracy".into(), 0.5)]),
        ..Default::default()
    };
    RunView {
        name: "<script>alert(1)</script>".into(),
        test: Some(score(&predictions).unwrap()),
        history: History { steps: vec![], epochs: vec![epoch] },
        mistakes,
        dataset: DatasetView { synthetic: true, ..Default::default() },
        selection: Some(SelectionView { set: "test".into(), metric: "accuracy".into(), value: 0.5, epoch: 1 }),
        expect: Some(ExpectView { metric: "uar".into(), value: 0.3, tolerance: 0.1, ..Default::default() }),
        onnx: Some(OnnxView { passed: false, ..Default::default() }),
        ..Default::default()
    }
}

#[test]
fn a_report_is_whole_escaped_and_repeatable() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        write_run(folder.path(), &run(), Some(&twelve())).unwrap();
    }
    let read = |file: &str| folders.each_ref().map(|f| fs::read(f.path().join(file)).unwrap());
    for file in ["report.html", "metrics.json", "predictions.csv", "plots/accuracy.png", "plots/mistakes.svg"] {
        let [first, second] = read(file);
        assert!(!first.is_empty() && first == second, "{file} differs between two writings");
    }
    let page = String::from_utf8(read("report.html")[0].clone()).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    for needed in ["Synthetic data.", "selected on the test set", "FAILED", "Reproduced", "[synthetic data]"] {
        assert!(page.contains(needed), "{needed} is missing");
    }
    for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let back = read_metrics(folders[0].path().join("metrics.json")).unwrap();
    assert_eq!(back["test"].confusion, run().test.unwrap().confusion);
}

#[test]
fn scores_on_other_data_say_what_was_scored() {
    let evaluation = EvaluationView {
        title: "other.h5, test set, labels majority, 12 images".into(),
        sha256: "0a1b".into(),
        notes: vec!["3 rows left out: the model does not know their class".into()],
        scores: score(&twelve()).unwrap(),
        ..Default::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let view = RunView { evaluations: vec![evaluation], ..run() };
    let page = fs::read_to_string(write_run(folder.path(), &view, None).unwrap()).unwrap();
    for text in ["<p class=\"small\">3 rows left out", "<p class=\"small\">sha256 0a1b</p>"] {
        assert!(page.contains(text), "{text} is missing");
    }
}

#[test]
fn a_run_without_anything_still_has_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(write_run(folder.path(), &RunView::default(), None).unwrap()).unwrap();
    assert!(page.contains("No set has been scored yet."));
}

/// A model with heads tells of leaks as one of classes does.
#[test]
fn leaks_of_a_model_with_heads_are_told() {
    let leak = |what: &str, count, kept| LeakFigure { what: what.into(), count, of: 12, kept };
    let mut view = heads::HeadsView {
        name: "heads".into(),
        description: String::new(),
        finished: String::new(),
        synthetic: false,
        warnings: Vec::new(),
        selection: String::new(),
        selected: None,
        validation: None,
        test: ferrotype_evaluation::Scores::default(),
        predictions: Vec::new(),
        history: History::default(),
        model: ModelView::default(),
        onnx: Vec::new(),
        expect: None,
        data: vec![("dataset".into(), "drawn".into())],
        leaks: vec![leak("test pictures seen before", 2, true), leak("validation pictures in training", 3, false)],
        columns: Vec::new(),
        config: String::new(),
        provenance: Vec::new(),
    };
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(heads::write(folder.path(), &view).unwrap()).unwrap();
    let serious = "<p class=\"notice serious\">Leak: 2 of 12 test pictures seen before were left in.</p>";
    let seen = "2 of 12 test pictures seen before (left in)";
    for text in [serious, seen, "3 of 12 validation pictures in training (removed)"] {
        assert!(page.contains(text), "{text} is missing");
    }
    let lines = heads::terminal(&view, "r");
    assert!(lines.contains("leak    2 of 12 test pictures seen before (left in)\n"), "{lines}");
    assert!(lines.contains("leak    3 of 12 validation pictures in training (removed)\n"), "{lines}");
    view.leaks.iter_mut().for_each(|leak| leak.count = 0);
    assert!(heads::terminal(&view, "r").contains("leaks   none found\n"));
}

#[test]
fn seeds_and_folds_have_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let scores = score(&twelve()).unwrap();
    let row = |label: &str| RunRow { label: label.into(), path: format!("runs/{label}"), scores: scores.clone() };
    let mut view = AggregateView { over: "seed".into(), runs: vec![row("0"), row("1")], ..Default::default() };
    let page = fs::read_to_string(write_aggregate(folder.path(), &view).unwrap()).unwrap();
    assert!(page.contains("Mean test Accuracy") && page.contains("runs&#x2f;1") && !page.contains("pooled"));
    view.pooled = Some(scores.clone());
    let page = fs::read_to_string(write_aggregate(folder.path(), &view).unwrap()).unwrap();
    assert!(page.contains("Pooled Accuracy") && folder.path().join("plots/confusion_matrix.png").exists());
    assert!(write_aggregate(folder.path(), &AggregateView::default()).is_err());
}

#[test]
fn bad_places_and_pictures_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = write_run(&file, &run(), None).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("file"), "{error}");
    let mut broken = run();
    broken.mistakes[0].face.as_mut().unwrap().pixels.pop();
    assert!(write_run(folder.path(), &broken, None).unwrap_err().to_string().contains("11 values"));
}

#[test]
fn the_worst_mistakes_come_first() {
    let worst = worst_mistakes(&twelve(), 100);
    assert_eq!(worst.len(), 8);
    assert!(worst.windows(2).all(|w| w[0].confidence >= w[1].confidence));
    assert!(worst.iter().all(|m| m.truth != m.prediction));
}

#[test]
fn a_view_survives_json() {
    let mut view = run();
    // NaN is not equal to itself, and serde_json reads some numbers a last bit off.
    view.history = History::default();
    view.test = None;
    view.mistakes.iter_mut().for_each(|m| m.confidence = 0.5);
    let back: RunView = serde_json::from_str(&serde_json::to_string(&view).unwrap()).unwrap();
    assert_eq!(back, view);
}
