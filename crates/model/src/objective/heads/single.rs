//! The losses of single heads.

use burn::tensor::Tensor;
use burn::tensor::activation::softplus;

use super::MaskedLoss;
use ferrotype_ops::{self as ops, Compute};

/// The mean over the known targets of a batch, as losses of its examples: `rows * sum_c(loss known) / known of the batch`.
fn over_known(losses: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
    let [rows, _] = losses.dims();
    let count = known.clone().sum().clamp_min(1.0).reshape([1]);
    let sums = (losses * known).sum_dim(1).reshape([rows]);
    sums.mul_scalar(rows as f32) / count
}

/// Cross-entropy of softmax against a target distribution; an example is known where its first share is.
#[derive(Clone, Debug)]
pub struct ClassLoss {
    /// Fraction of the target spread evenly over all classes.
    pub label_smoothing: f32,
    /// Weight of each class.
    pub class_weights: Vec<f32>,
}

impl MaskedLoss for ClassLoss {
    fn losses(&self, compute: Compute, outputs: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
        let [rows, classes] = outputs.dims();
        let weights = Tensor::<1>::from_floats(self.class_weights.as_slice(), &targets.device()).reshape([1, classes]);
        let weights = (targets.clone() * weights).sum_dim(1);
        let smooth = match self.label_smoothing {
            0.0 => targets,
            s => targets.mul_scalar(1.0 - s).add_scalar(s / classes as f32),
        };
        let losses = ops::cross_entropy(compute, outputs, smooth).reshape([rows, 1]) * weights;
        over_known(losses, known.narrow(1, 0, 1))
    }
}

/// Binary cross-entropy with logits: `-(w t log p + (1 - t) log(1 - p))`, p the sigmoid of the output, w the weight of
/// labels that are there (PyTorch's `pos_weight`).
#[derive(Clone, Debug)]
pub struct BinaryLoss {
    /// One weight per label.
    pub positive_weights: Vec<f32>,
}

impl MaskedLoss for BinaryLoss {
    fn losses(&self, _: Compute, outputs: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
        let columns = outputs.dims()[1];
        let weights = Tensor::<1>::from_floats(self.positive_weights.as_slice(), &outputs.device());
        let there = targets.clone() * weights.reshape([1, columns]);
        let absent = targets.neg().add_scalar(1.0);
        // -log p = softplus(-z), -log(1 - p) = softplus(z): exact for large z, where p would be rounded to 0 or 1.
        over_known(there * softplus(outputs.clone().neg(), 1.0) + absent * softplus(outputs, 1.0), known)
    }
}

/// What a difference costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Penalty {
    /// Its square.
    Squared,
    /// Its amount.
    Absolute,
    /// Half its square up to this amount d, beyond it `d (amount - d / 2)`.
    Huber(f32),
}

/// A penalty of the difference between output and target.
#[derive(Clone, Debug)]
pub struct ValueLoss(pub Penalty);

impl ValueLoss {
    /// The losses, each target's times its weight where there are weights, `[batch, columns]`.
    pub(super) fn weighted(
        &self,
        outputs: Tensor<2>,
        targets: Tensor<2>,
        known: Tensor<2>,
        weights: Option<Tensor<2>>,
    ) -> Tensor<1> {
        let difference = outputs - targets;
        let losses = match self.0 {
            Penalty::Squared => difference.clone() * difference,
            Penalty::Absolute => difference.abs(),
            Penalty::Huber(delta) => {
                let amount = difference.abs();
                let near = amount.clone().clamp_max(delta);
                // With n = min(|d|, delta): n^2 / 2 + delta (|d| - n) is both branches.
                (near.clone() * near.clone()).mul_scalar(0.5) + (amount - near).mul_scalar(delta)
            }
        };
        let losses = match weights {
            Some(weights) => losses * weights,
            None => losses,
        };
        over_known(losses, known)
    }
}

impl MaskedLoss for ValueLoss {
    fn losses(&self, _: Compute, outputs: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
        self.weighted(outputs, targets, known, None)
    }
}

/// `1 - CCC` of each column over the batch (Lin 1989, as trained with by AVEC's and ABAW's participants), the mean over the
/// columns that have at least two known targets in the batch. Every example is given the same loss.
#[derive(Clone, Debug)]
pub struct CccLoss;

/// Keeps the fraction finite where a batch's targets and outputs are all one number.
const EPSILON: f32 = 1e-8;

impl MaskedLoss for CccLoss {
    fn losses(&self, _: Compute, outputs: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
        let rows = outputs.dims()[0];
        let count = known.clone().sum_dim(0);
        let some = count.clone().clamp_min(1.0);
        let mean = |x: Tensor<2>| (x * known.clone()).sum_dim(0) / some.clone();
        let (truth_mean, output_mean) = (mean(targets.clone()), mean(outputs.clone()));
        let (t, p) = (targets - truth_mean.clone(), outputs - output_mean.clone());
        let offset = truth_mean - output_mean;
        let spread = mean(t.clone() * t.clone()) + mean(p.clone() * p.clone()) + offset.clone() * offset;
        let losses = (mean(t * p).mul_scalar(2.0) / spread.add_scalar(EPSILON)).neg().add_scalar(1.0);
        let counts = count.greater_equal_elem(2.0).float();
        let loss = (losses * counts.clone()).sum() / counts.sum().clamp_min(1.0);
        loss.reshape([1]).repeat_dim(0, rows)
    }
}
