//! What differs for a model with heads: its objective, what selects its weights, and its report.

use std::path::Path;

use anyhow::Result;
use ferrotype_base::targets::output_names;

use super::Session;
use super::view;
use crate::config::{self, Experiment, SelectOn};
use crate::systems::loaded::experiment_of;
use ferrotype_data::task::{DatasetSummary, Subset, Task};
use ferrotype_evaluation::Scores;
use ferrotype_interop::export::ExportCheck;
use ferrotype_model::objective::{ColumnTotals, HeadOptions, HeadsObjective, Objective};
use ferrotype_report::heads::{self, ColumnView, HeadsView};
use ferrotype_report::{self as report, DatasetView, ModelView, Warning, head_predictions};
use ferrotype_run::history::History;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::checkpoint::{Checkpoint, Meta};
use ferrotype_training::features::Features;
use ferrotype_training::head_scoring::HeadScoring;
use ferrotype_training::parts::Validation;
use ferrotype_training::scoring::Scoring;

impl Session<'_> {
    /// The weighted sum of the heads' losses.
    ///
    /// # Errors
    /// When a loss does not fit its head's targets.
    pub(super) fn heads_objective(&self, task: &Task) -> Result<Box<dyn Objective>> {
        let (sums, known) = task.train.column_totals();
        let options: Vec<&HeadOptions> = self.experiment.heads.values().collect();
        let (totals, values) = (ColumnTotals { sums, known }, |column| task.train.known(column).collect());
        Ok(Box::new(HeadsObjective::new(task.heads(), &options, &totals, values)?))
    }

    /// What measures the weights on the set that selects them.
    ///
    /// # Errors
    /// When `evaluate.select_by` is no metric of the heads.
    pub(super) fn validation<'t>(
        &'t self,
        task: &Task,
        subset: &'t Subset,
        features: Option<&'t Features>,
    ) -> Result<Box<dyn Validation + 't>> {
        let options = &self.experiment.evaluate;
        if task.heads().is_empty() {
            return Ok(Box::new(Scoring { subset, features, options }));
        }
        // Where nothing selects, the metric that would has no say.
        let select_by = if options.select_on == SelectOn::None { "loss" } else { &options.select_by };
        Ok(Box::new(HeadScoring::new(subset, features, options, select_by, self.heads_objective(task)?)?))
    }
}

/// Builds the report of a finished run into a folder; gives its last lines.
///
/// # Errors
/// When a file of the run is missing or broken, or the report cannot be written.
pub fn report_run(run: &RunFolder, folder: &Path) -> Result<String> {
    let view = of_run(run)?;
    let path = heads::write(folder, &view)?;
    Ok(heads::terminal(&view, &path.display().to_string()))
}

/// Everything that the folder of a finished run knows.
fn of_run(run: &RunFolder) -> Result<HeadsView> {
    let experiment = experiment_of(run)?;
    let facts: DatasetSummary = view::json(run, &run.facts())?;
    let meta = Checkpoint::load(&run.best_weights())?.meta;
    let mut sets = report::read_metrics(run.scores())?;
    let history = History::read(run.history())?;
    let check: Option<ExportCheck> =
        if run.onnx_check().is_file() { Some(view::json(run, &run.onnx_check())?) } else { None };
    let provenance = Provenance::load(run);
    let dataset = view::dataset(&experiment.data, &facts);
    Ok(HeadsView {
        name: run.title(),
        description: experiment.description.clone(),
        finished: provenance.finished.clone(),
        synthetic: facts.synthetic,
        warnings: warnings(&experiment, &facts, &history),
        selection: selection(&experiment, &meta),
        selected: meta
            .selection
            .best
            .map(|_| (experiment.evaluate.select_by.clone(), meta.selection.best_epoch as u64 + 1)),
        validation: sets.remove("validation"),
        test: sets.remove("test").unwrap_or_else(Scores::default),
        predictions: head_predictions::read(run.predictions(), &meta.heads)?,
        history,
        model: model(&experiment, &facts, &meta)?,
        onnx: check.map(|check| onnx(&check, run)).unwrap_or_default(),
        expect: view::expected(experiment.expect.as_ref()),
        data: data(&facts, &dataset),
        leaks: dataset.leaks,
        columns: facts.targets.iter().map(column).collect(),
        config: config::to_yaml(&experiment),
        provenance: provenance.rows(),
    })
}

fn warnings(experiment: &Experiment, facts: &DatasetSummary, history: &History) -> Vec<Warning> {
    let mut warnings = view::warnings(experiment, facts, history);
    if experiment.is_selected_on_test() {
        warnings.push(Warning::selected_on_test());
    }
    warnings
}

fn selection(experiment: &Experiment, meta: &Meta) -> String {
    let metric = &experiment.evaluate.select_by;
    match meta.selection.best {
        Some(value) => {
            let set = if experiment.is_selected_on_test() { "test" } else { "validation" };
            let epoch = meta.selection.best_epoch + 1;
            format!("The weights are those of epoch {epoch}, selected by {metric} on the {set} set ({value:.4} there).")
        }
        None => "The weights are those of the last epoch.".into(),
    }
}

fn model(experiment: &Experiment, facts: &DatasetSummary, meta: &Meta) -> Result<ModelView> {
    let head = |head: &ferrotype_base::targets::Head| {
        (format!("head {}", head.name), format!("{}: {}", head.kind.describe(), head.columns.join(", ")))
    };
    let mut model = view::model(experiment, facts, output_names(&meta.heads).len())?;
    model.details.splice(..0, meta.heads.iter().map(head));
    Ok(model)
}

/// What is known of the data besides the leaks between the sets.
fn data(facts: &DatasetSummary, dataset: &DatasetView) -> Vec<(String, String)> {
    let sizes = facts.sizes;
    let mut all = vec![
        ("dataset", dataset.name.clone()),
        ("file", dataset.path.clone()),
        ("sha256 of the pictures", dataset.sha256.clone()),
        ("sha256 of the targets", facts.targets_sha256.clone()),
        ("split", dataset.split.clone()),
        ("rows", format!("{} training, {} validation, {} test", sizes[0], sizes[1], sizes[2])),
    ];
    all.extend(dataset.notes.iter().map(|note| ("note", note.clone())));
    all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), text)).collect()
}

fn column(summary: &ferrotype_data::task::TargetSummary) -> ColumnView {
    let set = |s: usize| (summary.known[s] as u64, summary.mean[s]);
    ColumnView { name: summary.name.clone(), sets: [set(0), set(1), set(2)] }
}

fn onnx(check: &ExportCheck, run: &RunFolder) -> Vec<(String, String)> {
    let check = [
        ("file", run.onnx().display().to_string()),
        ("runtime", check.runtime.clone()),
        ("check", crate::systems::expressions::onnx::figures(check)),
    ];
    check.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}
