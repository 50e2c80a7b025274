//! Root mean squared error.

use super::pairs::Pairs;
use super::{Metric, Unit, plain_of};
use crate::Score;

/// See the module.
pub struct Rmse;

impl Metric<Pairs> for Rmse {
    fn name(&self) -> &'static str {
        "rmse"
    }

    fn title(&self) -> &'static str {
        "RMSE"
    }

    fn meaning(&self) -> &'static str {
        "Root of the mean squared difference, in the target's units."
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
        Some(plain_of(sample.mean_of(|d| d * d)?.sqrt(), sample.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::check;
    use super::*;

    // numpy: np.sqrt(((t - p) ** 2).mean()), t and p as in pairs.rs
    #[test]
    fn agrees_with_numpy() {
        check(&Rmse, 0.916_125_381_312_904_3);
    }
}
