//! Temperature scaling of a trained run: what the logits are divided by, and the scores before that, for the report.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use ferrotype_evaluation::{Predictions, fit_temperature, score};
use ferrotype_model::Network;
use ferrotype_report::CalibrationView;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;
use ferrotype_training::checkpoint::{Checkpoint, Meta};

/// Metrics of probabilities; the others do not change.
const CHANGED: [&str; 2] = ["ece", "log_loss"];

/// Fits the temperature on predictions of the validation set, and gives it to the network and to the run's selected weights.
///
/// # Errors
/// When it cannot be fitted, the network's logits cannot be scaled, or a file cannot be written.
pub(super) fn apply(run: &RunFolder, network: &mut Network, meta: &mut Meta, validation: &Predictions) -> Result<f64> {
    let temperature = fit_temperature(validation).context("evaluate.calibrate")?;
    network.scale_logits((1.0 / temperature) as f32).context("evaluate.calibrate")?;
    let view = CalibrationView {
        temperature,
        rows: validation.len() as u64,
        before: BTreeMap::from([("validation".to_owned(), figures(validation)?)]),
    };
    // Before the weights: where this is interrupted, all of it is done anew.
    write_json(run.calibration(), &view)?;
    meta.temperature = Some(temperature);
    Checkpoint { tensors: network.state()?, meta: meta.clone() }.save(&run.best_weights())?;
    Ok(temperature)
}

/// Writes down what the scores of a set would be without the temperature, from its predictions with it.
///
/// # Errors
/// When the file cannot be read or written.
pub(super) fn before(run: &RunFolder, set: &str, after: &Predictions, temperature: f64) -> Result<()> {
    let mut view: CalibrationView = run.read_json(&run.calibration())?;
    let mut undone = after.clone();
    undone.logits.iter_mut().for_each(|v| *v = (f64::from(*v) * temperature) as f32);
    view.before.insert(set.to_owned(), figures(&undone)?);
    write_json(run.calibration(), &view)
}

fn figures(predictions: &Predictions) -> Result<BTreeMap<String, f64>> {
    let metrics = score(predictions)?.metrics;
    let of = |name: &&str| Some(((*name).to_owned(), metrics.get(*name)?.value));
    Ok(CHANGED.iter().filter_map(of).collect())
}
