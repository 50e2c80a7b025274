//! Expected calibration error: how far confidence is from accuracy, over 15 equal-width bins of confidence.

use super::{Metric, plain};
use crate::{CalibrationBin, Sample, Score};

/// Number of bins.
pub const BINS: usize = 15;

/// See the module.
pub struct Ece;

impl Metric for Ece {
    fn name(&self) -> &'static str {
        "ece"
    }

    fn title(&self) -> &'static str {
        "ECE"
    }

    fn meaning(&self) -> &'static str {
        "Expected calibration error: mean distance of confidence and accuracy over 15 equal-width bins, by rows."
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        let n = sample.rows.len() as f64;
        let error: f64 =
            calibration_bins(sample).iter().map(|b| b.count as f64 / n * (b.accuracy - b.confidence).abs()).sum();
        (n > 0.0).then(|| plain(error, sample))
    }
}

/// Rows by confidence, in bins of equal width that include their upper end (Guo et al. 2017).
pub fn calibration_bins(sample: &Sample) -> Vec<CalibrationBin> {
    let mut sums = [(0u64, 0.0, 0u64); BINS];
    for row in &sample.rows {
        let bin = ((row.confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        sums[bin].0 += 1;
        sums[bin].1 += row.confidence;
        sums[bin].2 += u64::from(row.predicted == row.truth);
    }
    let bin = |(i, (count, confidence, hits)): (usize, (u64, f64, u64))| {
        let n = count.max(1) as f64;
        CalibrationBin {
            lower: i as f64 / BINS as f64,
            upper: (i + 1) as f64 / BINS as f64,
            count,
            confidence: confidence / n,
            accuracy: hits as f64 / n,
        }
    };
    sums.into_iter().enumerate().map(bin).collect()
}
