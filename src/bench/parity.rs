//! How far one device's numbers are from another's: of every kind of layer, and of networks in training.

use anyhow::{Result, ensure};
use burn::tensor::Device;
use serde::Serialize;

use ferrotype_model::samples;
use ferrotype_ops::Compute;

use super::{Optimizer, Subject, model};

/// Where something computes, and by whose operations.
#[derive(Clone, Debug)]
pub struct Side {
    /// The device.
    pub device: Device,
    /// The operations.
    pub compute: Compute,
}

/// The largest differences of a layer's numbers, each divided by the largest number of its tensor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerParity {
    /// Whose: a name of [`samples::SAMPLES`].
    pub layer: String,
    /// Of the output in evaluation and in training.
    pub output: f64,
    /// Of the gradients of all parameters.
    pub gradients: f64,
    /// Of the running statistics.
    pub statistics: f64,
}

impl LayerParity {
    /// The largest of them.
    pub fn largest(&self) -> f64 {
        [self.output, self.gradients, self.statistics].into_iter().fold(0.0, worse)
    }
}

/// How a network that is trained on both sides drifts apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkParity {
    /// The network of the zoo.
    pub model: String,
    /// Whether both begin with the same weights, bit for bit.
    pub same_weights: bool,
    /// The largest difference of the logits before the first step, divided by the largest logit.
    pub logits: f64,
    /// After how many steps the loss was compared, and the relative difference of the mean loss of that step.
    pub losses: Vec<(usize, f64)>,
}

/// A kind of layer on both sides.
///
/// # Errors
/// When a device cannot compute the layer.
pub fn layer(name: &str, reference: &Side, side: &Side) -> Result<LayerParity> {
    let (a, b) =
        (samples::run(name, reference.compute, &reference.device)?, samples::run(name, side.compute, &side.device)?);
    let all = |a: &[Vec<f32>], b: &[Vec<f32>]| -> Result<f64> {
        ensure!(a.len() == b.len(), "{name} has {} tensors on one device and {} on the other", a.len(), b.len());
        // A gradient that is zero but for rounding has no digits to agree on.
        let least = 1e-3 * largest(&a.concat());
        a.iter().zip(b).try_fold(0.0, |most, (a, b)| Ok(worse(most, difference(a, b, least)?)))
    };
    Ok(LayerParity {
        layer: name.to_owned(),
        output: worse(difference(&a.evaluated, &b.evaluated, 0.0)?, difference(&a.trained, &b.trained, 0.0)?),
        gradients: all(&a.gradients, &b.gradients)?,
        statistics: all(&a.statistics, &b.statistics)?,
    })
}

/// A network of the zoo on both sides: the same seed, the same random pictures, dropout by the same masks. `marks` are the
/// numbers of steps, ascending.
///
/// # Errors
/// When there is no such network, or a device cannot train it.
pub fn network(name: &str, batch: usize, marks: &[usize], reference: &Side, side: &Side) -> Result<NetworkParity> {
    let options = model(name)?;
    let new = |side: &Side| Subject::new(&options, batch, Optimizer::Sgd, side.compute, &side.device);
    let (mut a, mut b) = (new(reference)?, new(side)?);
    let same_weights = a.network().state()? == b.network().state()?;
    let logits = difference(&a.logits()?, &b.logits()?, 0.0)?;
    let steps = marks.last().copied().unwrap_or(0);
    let (a, b) = (a.losses(steps)?, b.losses(steps)?);
    let apart = |step: usize| worse(0.0, ((a[step - 1] - b[step - 1]) / a[step - 1]).abs());
    let losses = marks.iter().map(|&step| (step, apart(step))).collect();
    Ok(NetworkParity { model: name.to_owned(), same_weights, logits, losses })
}

/// The largest difference, divided by the largest value of `a`, or by `least` if that is more; infinite where one is not a number.
pub(crate) fn difference(a: &[f32], b: &[f32], least: f64) -> Result<f64> {
    ensure!(a.len() == b.len(), "{} values on one device and {} on the other", a.len(), b.len());
    let scale = largest(a).max(least);
    let apart = a.iter().zip(b).map(|(&a, &b)| f64::from(a) - f64::from(b));
    Ok(apart.fold(0.0, |worst, d| worse(worst, d.abs())) / if scale > 0.0 { scale } else { 1.0 })
}

fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0.0, |most, &v| worse(most, f64::from(v).abs()))
}

/// The larger; what is not a number is infinitely large.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}
