//! Pearson's product-moment correlation coefficient.

use super::pairs::Pairs;
use super::{Metric, Unit, plain_of};
use crate::Score;

/// See the module.
pub struct Pcc;

impl Metric<Pairs> for Pcc {
    fn name(&self) -> &'static str {
        "pcc"
    }

    fn title(&self) -> &'static str {
        "PCC"
    }

    fn meaning(&self) -> &'static str {
        "Pearson's correlation of true and predicted values, -1 to 1: blind to a wrong scale or offset."
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn undefined(&self) -> &'static str {
        "true or predicted values are all equal"
    }

    fn score(&self, sample: &Pairs) -> Option<Score> {
        let m = sample.moments()?;
        // The roots apart: the product of two tiny variances may be 0.
        let scale = m.truth_variance.sqrt() * m.predicted_variance.sqrt();
        (scale > 0.0).then(|| plain_of(m.covariance / scale, sample.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::{check, pairs};
    use super::*;

    // numpy: np.corrcoef(t, p)[0, 1], t and p as in pairs.rs
    #[test]
    fn agrees_with_numpy() {
        check(&Pcc, 0.881_631_436_078_110_3);
    }

    #[test]
    fn of_a_constant_there_is_none() {
        assert!(Pcc.score(&pairs(&[1.0, 1.0], &[0.0, 1.0])).is_none());
        assert!(Pcc.score(&pairs(&[0.0, 1.0], &[0.1, 0.1])).is_none());
        assert!((Pcc.score(&pairs(&[0.0, 1.0], &[3.0, 1.0])).unwrap().value + 1.0).abs() < 1e-12);
    }
}
