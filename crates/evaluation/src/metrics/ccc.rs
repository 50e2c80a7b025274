//! Concordance correlation coefficient (Lin, Biometrics 45, 1989, 255-268): `2 s_tp / (s_t^2 + s_p^2 + (mean_t - mean_p)^2)`
//! with variances and covariance of divisor n, as AVEC and ABAW compute it.

use super::pairs::Pairs;
use super::{Metric, Unit, plain_of};
use crate::Score;

/// See the module.
pub struct Ccc;

impl Metric<Pairs> for Ccc {
    fn name(&self) -> &'static str {
        "ccc"
    }

    fn title(&self) -> &'static str {
        "CCC"
    }

    fn meaning(&self) -> &'static str {
        "Lin's concordance correlation, -1 to 1: as Pearson's, and a wrong scale or offset lowers it."
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn undefined(&self) -> &'static str {
        "all true and predicted values are one and the same number"
    }

    fn score(&self, sample: &Pairs) -> Option<Score> {
        let m = sample.moments()?;
        let spread = m.truth_variance + m.predicted_variance + (m.truth_mean - m.predicted_mean).powi(2);
        (spread > 0.0).then(|| plain_of(2.0 * m.covariance / spread, sample.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::{check, pairs};
    use super::*;

    // numpy: 2 * np.cov(t, p, bias=True)[0, 1] / (t.var() + p.var() + (t.mean() - p.mean()) ** 2), t and p as in pairs.rs
    #[test]
    fn agrees_with_numpy() {
        check(&Ccc, 0.836_236_933_797_909_4);
    }

    #[test]
    fn a_constant_prediction_is_worth_nothing() {
        assert_eq!(Ccc.score(&pairs(&[0.0, 1.0], &[0.5, 0.5])).unwrap().value, 0.0);
        assert!(Ccc.score(&pairs(&[0.3; 3], &[0.3; 3])).is_none());
    }
}
