//! Share of rows whose predicted class is the true one, with Wilson's 95 % interval.

use super::{Metric, proportion};
use crate::{Sample, Score};

/// See the module.
pub struct Accuracy;

impl Metric for Accuracy {
    fn name(&self) -> &'static str {
        "accuracy"
    }

    fn title(&self) -> &'static str {
        "Accuracy"
    }

    fn meaning(&self) -> &'static str {
        "Share of rows whose predicted class is the true one, with Wilson's 95 % interval."
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        proportion(sample.count(|row| row.predicted == row.truth), sample)
    }
}
