//! The report of a run, and what a group's report says of its experiment.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::config::{self, AnyExperiment, BaselineExperiment};
use crate::systems::expressions::view;
use crate::systems::loaded::any_experiment_of;
use ferrotype_data::task::DatasetSummary;
use ferrotype_report::{self as report, ModelView, RunView, Warning, predictions};
use ferrotype_run::{Provenance, RunFolder};

/// The file of the fitted method.
pub const FITTED: &str = "method.json";

/// A fitted method as a run keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// What was chosen and fitted: name and text.
    pub details: Vec<(String, String)>,
    /// Numbers that were fitted.
    pub parameters: u64,
    /// The method itself; rows are named by their place among the training rows.
    pub fitted: serde_json::Value,
}

/// The experiment of a run or group of runs of this system.
pub fn experiment_of(run: &RunFolder) -> Result<BaselineExperiment> {
    match any_experiment_of(run)? {
        AnyExperiment::Baselines(experiment) => Ok(*experiment),
        other => bail!("{} holds a run of the system {}, not of baselines", run.path().display(), other.system()),
    }
}

/// Builds the report of a finished run; gives its last lines.
///
/// # Errors
/// When a file of the run is missing or broken, or the report cannot be written.
pub fn report_run(run: &RunFolder) -> Result<String> {
    let experiment = experiment_of(run)?;
    let facts = DatasetSummary::load(run)?;
    let fitted: Fitted = run.read_json(&run.path().join(FITTED))?;
    let provenance = Provenance::load(run);
    let test = predictions::read(run.predictions())?;
    let size = experiment.data.preprocess.size;
    let mut warnings = view::data_warnings(&experiment.data, &facts);
    let text =
        "The scores of this method are no probabilities: log loss, calibration and confidences say nothing here.";
    warnings.push(Warning { serious: false, text: text.into() });
    let view = RunView {
        name: run.title(),
        description: experiment.description.clone(),
        finished: provenance.finished.clone(),
        dataset: view::dataset(&experiment.data, &facts),
        model: ModelView {
            name: experiment.method.name().into(),
            input: format!("{} x {size} x {size}", experiment.data.input()[0]),
            parameters: fitted.parameters,
            details: fitted.details,
            ..ModelView::default()
        },
        test: report::read_test_scores(run.scores())?,
        mistakes: view::mistakes(&test, &experiment.data, &facts),
        expect: view::expected(experiment.expect.as_ref()),
        warnings,
        config: config::to_yaml(&experiment),
        provenance: provenance.rows(),
        ..RunView::default()
    };
    let path = report::write_run(run.path(), &view, None)?;
    Ok(report::terminal::summary_for_stdout(&view, &path.display().to_string()))
}

/// What the report of a group says of its experiment.
pub fn described(experiment: &BaselineExperiment) -> view::Described<'_> {
    view::Described {
        description: &experiment.description,
        config: config::to_yaml(experiment),
        expect: experiment.expect.as_ref(),
        selected_on_test: false,
        has_heads: false,
    }
}
