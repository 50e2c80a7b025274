//! Mean absolute error.

use super::pairs::Pairs;
use super::{Metric, Unit, plain_of};
use crate::Score;

/// See the module.
pub struct Mae;

impl Metric<Pairs> for Mae {
    fn name(&self) -> &'static str {
        "mae"
    }

    fn title(&self) -> &'static str {
        "MAE"
    }

    fn meaning(&self) -> &'static str {
        "Mean absolute difference, in the target's units."
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn undefined(&self) -> &'static str {
        "no value of this column is known"
    }

    fn score(&self, sample: &Pairs) -> Option<Score> {
        Some(plain_of(sample.mean_of(f64::abs)?, sample.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::check;
    use super::*;

    // numpy: np.abs(t - p).mean(), t and p as in pairs.rs
    #[test]
    fn agrees_with_numpy() {
        check(&Mae, 0.785_714_285_714_285_7);
    }
}
