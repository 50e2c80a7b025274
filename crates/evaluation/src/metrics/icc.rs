//! Intraclass correlation ICC(3,1) (Shrout and Fleiss, Psychological Bulletin 86, 1979, 420-428): `(BMS - EMS) / (BMS + EMS)`
//! of a two-way analysis of variance whose two raters are truth and prediction, as FERA 2015 and 2017 score intensities of
//! action units. With two raters it is `2 s_tp / (s_t^2 + s_p^2)`.

use super::pairs::Pairs;
use super::{Metric, Unit, plain_of};
use crate::Score;

/// See the module.
pub struct Icc;

impl Metric<Pairs> for Icc {
    fn name(&self) -> &'static str {
        "icc"
    }

    fn title(&self) -> &'static str {
        "ICC(3,1)"
    }

    fn meaning(&self) -> &'static str {
        "Intraclass correlation ICC(3,1) of true and predicted values as two raters, -1 to 1: consistency, blind to an offset."
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn undefined(&self) -> &'static str {
        "true values are all equal, and so are predicted ones"
    }

    fn score(&self, sample: &Pairs) -> Option<Score> {
        let m = sample.moments()?;
        let spread = m.truth_variance + m.predicted_variance;
        (spread > 0.0).then(|| plain_of(2.0 * m.covariance / spread, sample.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::tests::{check, pairs};
    use super::*;

    // x = np.stack([t, p], 1); n, k = x.shape; g = x.mean()   (t and p as in pairs.rs)
    // rows = k * ((x.mean(1) - g) ** 2).sum(); columns = n * ((x.mean(0) - g) ** 2).sum()
    // b = rows / (n - 1); e = (((x - g) ** 2).sum() - rows - columns) / ((n - 1) * (k - 1)); (b - e) / (b + (k - 1) * e)
    #[test]
    fn agrees_with_an_analysis_of_variance() {
        check(&Icc, 0.843_797_086_891_008_9);
    }

    #[test]
    fn an_offset_costs_nothing() {
        assert!((Icc.score(&pairs(&[0.0, 1.0, 2.0], &[5.0, 6.0, 7.0])).unwrap().value - 1.0).abs() < 1e-12);
        assert!(Icc.score(&pairs(&[0.3; 3], &[0.4; 3])).is_none());
    }
}
