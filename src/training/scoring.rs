//! A network's predictions for a set.

use anyhow::{Context, Result};
use burn::tensor::Tensor;

use super::learner::images;
use super::progress::Progress;
use crate::config::Evaluate;
use crate::data::labels;
use crate::data::task::Subset;
use crate::evaluation::{Predictions, Scores, score};
use crate::model::{Network, flip_averaged};
use crate::ops;

/// Predicts every row of a set, in order.
///
/// # Errors
/// When the set cannot be loaded or does not fit the network.
pub fn predict(
    network: &Network,
    subset: &Subset,
    options: &Evaluate,
    progress: &mut dyn Progress,
) -> Result<Predictions> {
    let loader = subset.evaluation_loader(options.batch_size)?;
    let mut predictions = without_logits(subset);
    for batch in loader.epoch(0, 0) {
        let batch = batch?;
        let x = images(&batch, network.device());
        let logits = logits(network, x, options.flip_average)?;
        predictions.logits.extend(logits);
        progress.work("scoring", predictions.logits.len() / predictions.classes.len().max(1), loader.examples());
    }
    Ok(predictions)
}

/// What is known of each example before it is predicted.
pub fn without_logits(subset: &Subset) -> Predictions {
    let l = &subset.labelled;
    let rows = subset.rows();
    // The crowd's distribution is over FER+'s emotions: it says nothing of other classes.
    let votes: Option<Vec<Vec<f32>>> =
        rows.iter().map(|&row| labels::crowd_distribution(&subset.faces, row as usize)).collect();
    let fits = |v: &Vec<Vec<f32>>| v.iter().all(|row| row.len() == l.classes.len());
    Predictions {
        classes: l.classes.clone(),
        rows,
        truth: subset.indices.iter().map(|&i| l.class(i)).collect(),
        targets: subset.indices.iter().flat_map(|&i| l.target(i)).copied().collect(),
        votes: votes.filter(fits).map(|v| v.concat()),
        logits: Vec::new(),
    }
}

/// The logits of a batch on the host, row-major; with `flip_average` the mean over pictures and mirror images.
///
/// # Errors
/// When the pictures do not fit the network.
pub fn logits(network: &Network, x: Tensor<4>, flip_average: bool) -> Result<Vec<f32>> {
    let z = flip_averaged(flip_average, x, |x| network.forward(x))?;
    let [rows, classes] = z.dims();
    ops::host(z.reshape([rows * classes])).context("cannot read the logits from the device")
}

/// Scores a set.
///
/// # Errors
/// As [`predict`], and when a logit is not finite.
pub fn scores(network: &Network, subset: &Subset, options: &Evaluate, progress: &mut dyn Progress) -> Result<Scores> {
    score(&predict(network, subset, options, progress)?)
}
