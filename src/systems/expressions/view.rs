//! A run folder as the report sees it.

mod attacks;

use anyhow::{Context, Result};

use super::saliency;
use crate::config::{self, Expect, Experiment, SelectOn};
use crate::systems::loaded::experiment_of;
use crate::systems::{evaluations, mixture};
use ferrotype_data::labels;
use ferrotype_data::options::DataOptions;
use ferrotype_data::task::{self, DatasetSummary};
use ferrotype_evaluation::{Predictions, Scores, metrics, score_folds, score_heads};
use ferrotype_interop::export::ExportCheck;
use ferrotype_report::{
    self as report, AggregateView, DatasetView, ExpectView, Face, LeakFigure, Mistake, ModelView, OnnxView, RunRow,
    RunView, SelectionView, SetView, Warning, head_predictions, predictions, worst_mistakes,
};
use ferrotype_run::group::{Group, GroupAxis};
use ferrotype_run::history::History;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::checkpoint::{Checkpoint, Meta};

pub use attacks::folders as attack_folders;

/// How many of the worst mistakes a report shows.
const MISTAKES: usize = 24;

/// Everything that the folder of a finished run knows.
///
/// # Errors
/// When a file is missing or broken.
pub fn of_run(run: &RunFolder) -> Result<RunView> {
    let experiment = experiment_of(run)?;
    let facts: DatasetSummary = json(run, &run.facts())?;
    let mut sets = report::read_metrics(run.scores())?;
    let history = History::read(run.history())?;
    let meta = Checkpoint::load(&run.best_weights())?.meta;
    let test = predictions::read(run.predictions())?;
    let check: Option<ExportCheck> =
        if run.onnx_check().is_file() { Some(json(run, &run.onnx_check())?) } else { None };
    let provenance = Provenance::load(run);
    let calibration = run.calibration().is_file().then(|| json(run, &run.calibration())).transpose()?;
    Ok(RunView {
        calibration,
        name: run.title(),
        description: experiment.description.clone(),
        finished: provenance.finished.clone(),
        model: model(&experiment, &facts, facts.classes.len())?,
        selection: selection(&experiment, &meta),
        warnings: warnings(&experiment, &facts, &history),
        history,
        validation: sets.remove("validation"),
        test: sets.remove("test"),
        mistakes: mistakes(&test, &experiment.data, &facts),
        saliency: saliency::of_run(run, &test)?,
        attacks: attacks::of_run(run)?,
        evaluations: evaluations::of_run(run)?,
        onnx: check.map(|c| onnx(&c, run.onnx().display().to_string())),
        expect: expect(&experiment),
        config: config::to_yaml(&experiment),
        provenance: provenance.rows(),
        dataset: dataset(&experiment.data, &facts),
    })
}

pub(crate) fn json<T: serde::de::DeserializeOwned>(run: &RunFolder, path: &std::path::Path) -> Result<T> {
    let text = run.read(path)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what a run writes", path.display()))
}

/// The network with so many outputs.
pub(crate) fn model(experiment: &Experiment, facts: &DatasetSummary, outputs: usize) -> Result<ModelView> {
    let (size, views) = (experiment.data.preprocess.size, experiment.evaluate.views());
    let graph = experiment.graph(facts.input, outputs)?;
    Ok(ModelView {
        name: experiment.model.name().into(),
        input: format!("{} x {size} x {size}", facts.input[0]),
        parameters: graph.parameter_count() as u64,
        macs: graph.macs(),
        source: experiment.model.architecture().source().into(),
        details: views
            .are_several()
            .then(|| ("scores, predictions and ONNX file".to_owned(), views.describe().to_owned()))
            .into_iter()
            .collect(),
    })
}

fn selection(experiment: &Experiment, meta: &Meta) -> Option<SelectionView> {
    let set = experiment.selected_on();
    if set == SelectOn::None {
        return Some(SelectionView {
            set: set.as_str().into(),
            epoch: meta.epoch as u64 + 1,
            ..SelectionView::default()
        });
    }
    Some(SelectionView {
        set: set.as_str().into(),
        metric: metrics::find(&experiment.evaluate.select_by).ok()?.name().into(),
        value: meta.selection.best?,
        epoch: meta.selection.best_epoch as u64 + 1,
    })
}

pub(crate) fn warnings(experiment: &Experiment, facts: &DatasetSummary, history: &History) -> Vec<Warning> {
    let mut warnings = data_warnings(&experiment.data, facts);
    if history.epochs.len() < experiment.train.epochs {
        let text =
            format!("Training stopped early, after {} of {} epochs.", history.epochs.len(), experiment.train.epochs);
        warnings.push(Warning { serious: false, text });
    }
    warnings
}

/// What the division of the data puts in doubt.
pub(crate) fn data_warnings(data: &DataOptions, facts: &DatasetSummary) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(limit) = data.limit {
        let text = format!("Each set was cut to {limit} rows (data.limit): this is a trial, not a result.");
        warnings.push(Warning { serious: true, text });
    }
    if facts.shared_subjects.is_some_and(|n| n > 0) {
        let n = facts.shared_subjects.unwrap_or_default();
        let of = facts.test_subjects.map_or_else(String::new, |all| format!(" of {all}"));
        let text =
            format!("{n}{of} subjects of the test set also stand in training: the score says less about new people.");
        warnings.push(Warning { serious: true, text });
    }
    if let Some([shared, all]) = facts.shared_clips.filter(|[shared, _]| *shared > 0) {
        let text = format!(
            "{shared} of {all} clips of the test set also stand in training, by other segments: the score is optimistic."
        );
        warnings.push(Warning { serious: true, text });
    }
    warnings
}

/// The sets, their sizes and leaks.
pub(crate) fn dataset(data: &DataOptions, facts: &DatasetSummary) -> DatasetView {
    let set = |name: &str, counts: &[usize]| SetView {
        name: name.into(),
        per_class: counts.iter().map(|&n| n as u64).collect(),
    };
    let [train, validation, test] = &facts.class_counts;
    let leak = |what: &str, count: usize, of: usize| LeakFigure {
        what: what.into(),
        count: count as u64,
        of: of as u64,
        kept: !data.drop_leaks,
    };
    let mut notes = facts.notes.clone();
    if let Some(machine) = &facts.labelled_by {
        notes.push(format!("Labels by a machine ({machine}): scores say how near a model comes to it, not to people."));
    }
    if facts.dropped > 0 {
        notes.push(format!("{} training rows were removed because their picture is held out.", facts.dropped));
    }
    if !facts.unknown_origins.is_empty() {
        let names = facts.unknown_origins.join(", ");
        notes.push(format!("What {names} was trained on is not known: test pictures may be among it."));
    }
    let mut leaks = vec![
        leak("validation pictures that also stand in training", facts.validation_leaks, facts.sizes[1]),
        leak("test pictures that also stand in training", facts.test_leaks, facts.sizes[2]),
    ];
    if facts.test_seen_before > 0 {
        let what = "test pictures that the weights or teachers it builds on have seen";
        leaks.push(LeakFigure { kept: true, ..leak(what, facts.test_seen_before, facts.sizes[2]) });
    }
    let split = serde_json::to_value(&data.split).unwrap_or_default();
    DatasetView {
        name: facts.source.clone(),
        synthetic: facts.synthetic,
        path: facts.path.clone(),
        sha256: facts.sha256.clone(),
        labels: labels::as_str(data.labels).into(),
        split: split.as_str().map_or_else(|| split.to_string(), str::to_owned),
        classes: facts.classes.clone(),
        sets: vec![set("training", train), set("validation", validation), set("test", test)],
        leaks,
        notes,
    }
}

/// The worst mistakes, with their pictures where the data file is still there.
pub(crate) fn mistakes(test: &Predictions, data: &DataOptions, facts: &DatasetSummary) -> Vec<Mistake> {
    let mut mistakes = worst_mistakes(test, MISTAKES);
    let Ok(faces) = task::load(std::path::Path::new(&facts.path), data) else { return mistakes };
    for mistake in &mut mistakes {
        let row = mistake.row as usize;
        if let Some(pixels) = (row < faces.len()).then(|| faces.picture(faces.shown_picture(row)).ok()).flatten() {
            mistake.face = Some(Face {
                width: faces.images.width,
                height: faces.images.height,
                channels: faces.images.channels,
                pixels: pixels.into_owned(),
            });
        }
    }
    mistakes
}

/// The check of an exported file as reports show it.
pub(crate) fn onnx(check: &ExportCheck, path: String) -> OnnxView {
    OnnxView {
        path,
        runtime: check.runtime.clone(),
        rows: check.rows as u64,
        difference: check.largest_difference,
        range: check.logit_range,
        tolerance: check.tolerance,
        agreeing: check.agreeing as u64,
        ties: check.ties.iter().map(|t| t.row).collect(),
        checked_on: check.checked_on.clone(),
        accuracy: check.accuracy_network.zip(check.accuracy_onnx).map(|(model, file)| [model, file]),
        passed: check.passed,
        note: String::new(),
    }
}

fn expect(experiment: &Experiment) -> Option<ExpectView> {
    expected(experiment.expect.as_ref())
}

/// An expected figure as reports show it.
pub(crate) fn expected(figure: Option<&Expect>) -> Option<ExpectView> {
    figure.map(|e| ExpectView {
        metric: e.metric.clone(),
        value: e.value,
        tolerance: e.tolerance,
        source: e.source.clone(),
        note: e.note.clone(),
    })
}

/// What the report of a group says of its experiment.
pub(crate) struct Described<'a> {
    /// What it reproduces or asks.
    pub description: &'a str,
    /// The resolved experiment file.
    pub config: String,
    /// The expected figure.
    pub expect: Option<&'a Expect>,
    /// Whether the weights are selected on the test set.
    pub selected_on_test: bool,
    /// Whether the model has heads in place of classes.
    pub has_heads: bool,
}

impl<'a> Described<'a> {
    /// Of an experiment of expressions.
    pub fn of(experiment: &'a Experiment) -> Self {
        Self {
            description: &experiment.description,
            config: config::to_yaml(experiment),
            expect: experiment.expect.as_ref(),
            selected_on_test: experiment.is_selected_on_test(),
            has_heads: !experiment.heads.is_empty(),
        }
    }
}

/// Everything that a group of runs knows, from its finished members.
///
/// # Errors
/// When none is finished, or a file is broken.
pub(crate) fn of_group(described: Described<'_>, folder: &RunFolder, group: &Group) -> Result<AggregateView> {
    let (mut runs, mut members) = (Vec::new(), Vec::new());
    let (mut pooled, mut pooled_heads) = (Vec::new(), Vec::new());
    let mut synthetic = false;
    for &value in &group.values {
        let Ok(run) = RunFolder::open(&group.member(folder.path(), value)) else { continue };
        if !group.is_member_finished(folder.path(), value) {
            continue;
        }
        let scores: Scores = report::read_test_scores(run.scores())?.unwrap_or_default();
        runs.push(RunRow { label: value.to_string(), path: run.name(), scores });
        synthetic |= json::<DatasetSummary>(&run, &run.facts())?.synthetic;
        if group.axis == GroupAxis::Fold && !described.has_heads {
            pooled.push(predictions::read(run.predictions())?);
        } else if group.axis == GroupAxis::Fold {
            let heads = Checkpoint::load(&run.best_weights())?.meta.heads;
            pooled_heads.push(head_predictions::read(run.predictions(), &heads)?);
        }
        members.push((value, run));
    }
    let missing = group.values.len() - runs.len();
    let mut warnings = mixture::warnings(group.axis, &members);
    let elsewhere: Vec<String> =
        members.iter().filter(|(_, run)| !run.predictions().is_file()).map(|(value, _)| value.to_string()).collect();
    if !elsewhere.is_empty() {
        let text = format!(
            "{}s {}: trained elsewhere, their published scores taken over; weights and predictions are not here.",
            group.axis.as_str(),
            elsewhere.join(", ")
        );
        warnings.push(Warning { serious: false, text });
    }
    if missing > 0 {
        let text = format!("{missing} of {} runs are not finished and not in these figures.", group.values.len());
        warnings.push(Warning { serious: true, text });
    }
    if described.selected_on_test {
        let text = "The weights were selected on the test set, as the published recipe did: the scores are optimistic.";
        warnings.push(Warning { serious: true, text: text.into() });
    }
    let pooled = match (pooled.is_empty(), pooled_heads.is_empty()) {
        (false, _) => Some(score_folds(&pooled)?),
        (true, false) => {
            let folds = pooled_heads.len();
            Some(Scores { folds, ..score_heads(&head_predictions::pool(pooled_heads)?)? })
        }
        (true, true) => None,
    };
    Ok(AggregateView {
        name: folder.name(),
        description: described.description.to_owned(),
        synthetic,
        over: group.axis.as_str().into(),
        pooled,
        expect: expected(described.expect),
        warnings,
        config: described.config,
        provenance: Vec::new(),
        runs,
    })
}
