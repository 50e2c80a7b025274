//! Label distribution smoothing: weights of continuous targets by how rare values like them are (Yang et al., "Delving into Deep
//! Imbalanced Regression", ICML 2021, arXiv:2102.09554; the rule is that of the authors' code).

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MaskedLoss, Penalty, ValueLoss};
use ferrotype_ops::Compute;

/// Counts of a bin that inverse weights take as they are; others are cut off, as in the authors' code.
const COUNTS: [f64; 2] = [5.0, 1000.0];

/// Options of label distribution smoothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LdsOptions {
    /// What a value's weight is the inverse of.
    pub reweight: Reweight,
    /// Bins that the target's range is divided into.
    pub bins: usize,
    /// Bins that the Gaussian kernel covers, an odd number; 1 smooths nothing.
    pub kernel_size: usize,
    /// Its standard deviation in bins.
    pub sigma: f64,
}

impl Default for LdsOptions {
    fn default() -> Self {
        Self { reweight: Reweight::default(), bins: 50, kernel_size: 5, sigma: 2.0 }
    }
}

/// What the weights are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reweight {
    /// The square root of the training rows in the bin, smoothed.
    #[default]
    SqrtInverse,
    /// The training rows in the bin, at least 5 and at most 1000, smoothed.
    Inverse,
}

/// A penalty of the difference between output and target, times the weight of the target's bin.
#[derive(Clone, Debug)]
pub struct DensityLoss {
    penalty: Penalty,
    range: [f32; 2],
    bins: usize,
    /// Of each column its bins, one column after another.
    weights: Vec<f32>,
}

impl DensityLoss {
    /// The loss for columns with these known training values, in a range.
    pub fn new(penalty: Penalty, options: &LdsOptions, range: [f32; 2], columns: &[Vec<f32>]) -> Self {
        let weights = columns.iter().flat_map(|values| weights(options, range, values)).collect();
        Self { penalty, range, bins: options.bins, weights }
    }

    /// The weight of each target.
    fn of(&self, targets: &Tensor<2>) -> Tensor<2> {
        let [rows, columns] = targets.dims();
        let plain = if targets.is_autodiff() { targets.clone().inner() } else { targets.clone() };
        let [low, high] = self.range;
        let bin = plain.sub_scalar(low).div_scalar(high - low).mul_scalar(self.bins as f32);
        let bin = bin.clamp(0.0, (self.bins - 1) as f32).int();
        let first: Vec<i32> = (0..columns).map(|c| (c * self.bins) as i32).collect();
        let device = bin.device();
        let first = Tensor::<1, burn::tensor::Int>::from_ints(first.as_slice(), &device).reshape([1, columns]);
        let table = Tensor::<1>::from_floats(self.weights.as_slice(), &device);
        let weights = table.select(0, (bin + first).reshape([rows * columns])).reshape([rows, columns]);
        if targets.is_autodiff() { weights.autodiff() } else { weights }
    }
}

impl MaskedLoss for DensityLoss {
    fn losses(&self, _: Compute, outputs: Tensor<2>, targets: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
        let weights = self.of(&targets);
        ValueLoss(self.penalty).weighted(outputs, targets, known, Some(weights))
    }
}

/// The weight of each bin, scaled so that the mean over the values is 1. A bin far from all values has the largest weight.
fn weights(options: &LdsOptions, range: [f32; 2], values: &[f32]) -> Vec<f32> {
    let bin = |value: f32| {
        let place = (value - range[0]) / (range[1] - range[0]) * options.bins as f32;
        place.clamp(0.0, (options.bins - 1) as f32) as usize
    };
    let mut counts = vec![0.0f64; options.bins];
    values.iter().for_each(|&value| counts[bin(value)] += 1.0);
    let mass: Vec<f64> = match options.reweight {
        Reweight::SqrtInverse => counts.iter().map(|n| n.sqrt()).collect(),
        Reweight::Inverse => counts.iter().map(|n| n.clamp(COUNTS[0], COUNTS[1])).collect(),
    };
    let kernel = kernel(options.kernel_size, options.sigma);
    let half = options.kernel_size / 2;
    let smooth = |at: usize| -> f64 {
        let near =
            kernel.iter().enumerate().filter_map(|(k, weight)| Some(weight * mass.get((at + k).checked_sub(half)?)?));
        near.sum()
    };
    let inverse: Vec<Option<f64>> = (0..options.bins).map(smooth).map(|m| (m > 0.0).then(|| 1.0 / m)).collect();
    let largest = inverse.iter().flatten().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let inverse: Vec<f64> = inverse.into_iter().map(|w| w.unwrap_or(largest)).collect();
    let sum: f64 = counts.iter().zip(&inverse).map(|(n, w)| n * w).sum();
    let scale = if sum > 0.0 { values.len() as f64 / sum } else { 1.0 / largest };
    inverse.iter().map(|w| (w * scale) as f32).collect()
}

/// SciPy's `gaussian_filter1d` of a one among zeros, `mode="reflect"`, divided by its largest value: the authors' kernel window.
fn kernel(size: usize, sigma: f64) -> Vec<f64> {
    let (size, radius) = (size as i64, (4.0 * sigma + 0.5) as i64);
    let gauss = |k: i64| (-0.5 * (k as f64 / sigma).powi(2)).exp();
    let reflected = |at: i64| {
        let at = at.rem_euclid(2 * size);
        at.min(2 * size - 1 - at)
    };
    let value = |i: i64| (-radius..=radius).filter(|&k| reflected(i + k) == size / 2).map(gauss).sum::<f64>();
    let values: Vec<f64> = (0..size).map(value).collect();
    let largest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    values.iter().map(|v| v / largest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 values, most of them near 0.2.
    fn values() -> Vec<f32> {
        (0..60).map(|i| (((i * 37 + 11) % 101) as f32 / 50.5 - 1.0).powi(3) * 0.75 + 0.2).collect()
    }

    // scripts/density_weights.py
    #[test]
    fn weights_are_those_of_the_authors_code() {
        for (options, known) in [
            (LdsOptions { bins: 8, ..LdsOptions::default() }, KNOWN[0]),
            (LdsOptions { bins: 8, reweight: Reweight::Inverse, kernel_size: 3, sigma: 1.0 }, KNOWN[1]),
        ] {
            let got = weights(&options, [-1.0, 1.0], &values());
            for (got, want) in got.iter().zip(known) {
                assert!((f64::from(*got) - want).abs() < 1e-5, "{got} instead of {want}");
            }
        }
    }

    #[test]
    fn losses_are_weighed_by_the_bin_of_the_target() {
        let options = LdsOptions { bins: 8, ..LdsOptions::default() };
        let columns = [values(), vec![0.0; 5]];
        let loss = DensityLoss::new(Penalty::Squared, &options, [-1.0, 1.0], &columns);
        let device = crate::device::tested().autodiff();
        let tensor = |v: [f32; 4]| Tensor::<1>::from_floats(v, &device).reshape([2, 2]);
        let (outputs, targets) = (tensor([0.5, 0.5, 0.0, 0.0]).require_grad(), tensor([-1.0, 0.1, 1.0, 0.0]));
        let known = tensor([1.0, 1.0, 1.0, 0.0]);
        let losses = loss.losses(Compute::Burn, outputs.clone(), targets, known);
        let of = |column: usize, bin: usize| f64::from(loss.weights[8 * column + bin]);
        let expected = (of(0, 0) * 2.25 + of(1, 4) * 0.16 + of(0, 7)) / 3.0;
        let mean = f64::from(losses.clone().inner().mean().into_scalar::<f32>());
        assert!((mean - expected).abs() < 1e-5, "{mean} {expected}");
        let gradient = outputs.grad(&losses.sum().backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        assert!((f64::from(gradient[0]) - of(0, 0) * 2.0 * 1.5 * 2.0 / 3.0).abs() < 1e-4 && gradient[3] == 0.0);
    }

    const KNOWN: [[f64; 8]; 2] = [
        [4.710374, 2.511183, 1.248924, 0.95153, 0.864216, 0.887391, 1.077027, 1.911394],
        [3.100022, 2.182117, 2.060118, 0.832468, 0.627782, 0.740326, 1.683607, 3.100022],
    ];
}
