//! Mean of minus the logarithm of the true class's probability.
//!
//! Computed from logits in double precision, so a very confident mistake keeps its size. (scikit-learn, which sees
//! probabilities only, clips them at 2e-16.)

use super::{Metric, Unit, mean_of};
use crate::{Sample, Score};

/// See the module.
pub struct LogLoss;

impl Metric for LogLoss {
    fn name(&self) -> &'static str {
        "log_loss"
    }

    fn title(&self) -> &'static str {
        "Log loss"
    }

    fn meaning(&self) -> &'static str {
        "Mean of minus the logarithm of the true class's probability."
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        mean_of(&sample.rows.iter().map(|row| row.loss).collect::<Vec<_>>())
    }
}
