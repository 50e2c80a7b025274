//! A network's predictions for a set.

use anyhow::{Context, Result};
use burn::tensor::Tensor;

use super::learner::images;
use super::progress::Progress;
use crate::config::Evaluate;
use crate::data::task::Subset;
use crate::data::{classes, labels};
use crate::evaluation::{Predictions, Scores, score};
use crate::model::Network;
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
    let votes: Option<Vec<Vec<f32>>> = vote_columns(subset).and_then(|columns| {
        let row = |&row: &u32| Some(pick(&labels::crowd_distribution(&subset.faces, row as usize)?, &columns));
        rows.iter().map(row).collect()
    });
    Predictions {
        classes: l.classes.clone(),
        rows,
        truth: subset.indices.iter().map(|&i| l.class(i)).collect(),
        targets: subset.indices.iter().flat_map(|&i| l.target(i)).copied().collect(),
        votes: votes.map(|v| v.concat()),
        logits: Vec::new(),
    }
}

/// For each class the place of its votes, where the votes are over just these classes. The crowd's distribution is over
/// FER+'s emotions: it says nothing of others.
fn vote_columns(subset: &Subset) -> Option<Vec<usize>> {
    let columns = labels::crowd_columns(&subset.faces)?;
    let classes = &subset.labelled.classes;
    (classes.len() == columns.len()).then(|| classes::places(classes, columns).ok()?.into_iter().collect())?
}

fn pick(values: &[f32], places: &[usize]) -> Vec<f32> {
    places.iter().map(|&place| values[place]).collect()
}

/// The logits of a batch on the host, row-major; with `flip_average` the mean over pictures and mirror images.
fn logits(network: &Network, x: Tensor<4>, flip_average: bool) -> Result<Vec<f32>> {
    let straight = network.forward(x.clone())?;
    let z = if flip_average { (straight + network.forward(x.flip([3]))?).div_scalar(2.0) } else { straight };
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
