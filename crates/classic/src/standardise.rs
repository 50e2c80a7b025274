//! Z-scores with mean and deviation of the training rows.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, check_width};

/// `(x - mean) / scale` per feature, as scikit-learn's `StandardScaler`: the deviation is that of the population (divided
/// by n), and features that are constant up to rounding keep scale 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardiser {
    /// Mean per feature.
    pub mean: Vec<f64>,
    /// What differences from the mean are divided by; never 0.
    pub scale: Vec<f64>,
}

impl Standardiser {
    /// Means and deviations of these rows.
    pub fn fit(rows: &Matrix) -> Self {
        let n = rows.rows() as f64;
        let mut mean = vec![0.0; rows.columns()];
        rows.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, v)| *m += v));
        mean.iter_mut().for_each(|m| *m /= n);
        let mut variance = vec![0.0; rows.columns()];
        for row in rows.iter() {
            variance.iter_mut().zip(row.iter().zip(&mean)).for_each(|(s, (v, m))| *s += (v - m).powi(2));
        }
        variance.iter_mut().for_each(|s| *s /= n);
        let scale = mean.iter().zip(&variance).map(|(&mean, &variance)| scale(n, mean, variance)).collect();
        Self { mean, scale }
    }

    /// Z-scores of a row.
    ///
    /// # Errors
    /// When the row does not have the features that this was fitted on.
    pub fn apply(&self, row: &[f64]) -> Result<Vec<f64>> {
        check_width(row, self.mean.len())?;
        let mut row = row.to_vec();
        self.apply_in_place(&mut row);
        Ok(row)
    }

    /// Z-scores of all rows.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_all(&self, rows: &Matrix) -> Result<Matrix> {
        check_width(rows.row(0), self.mean.len())?;
        Ok(rows.mapped(|row| self.apply_in_place(row)))
    }

    fn apply_in_place(&self, row: &mut [f64]) {
        let (means, scales) = (&self.mean, &self.scale);
        row.iter_mut().zip(means.iter().zip(scales)).for_each(|(v, (mean, scale))| *v = (*v - mean) / scale);
    }

    /// Checks values that were read from a file.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(
            self.mean.len() == self.scale.len(),
            "its standardiser has {} means and {} scales",
            self.mean.len(),
            self.scale.len()
        );
        ensure!(self.scale.iter().all(|&scale| scale > 0.0), "its standardiser has a scale that is not positive");
        Ok(())
    }
}

/// The deviation, or 1 where the variance is within what rounding makes of a constant (scikit-learn's
/// `_is_constant_feature`).
pub(crate) fn scale(n: f64, mean: f64, variance: f64) -> f64 {
    let rounding = n * f64::EPSILON * variance + (n * mean * f64::EPSILON).powi(2);
    if variance <= rounding { 1.0 } else { variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_scikit_learns_and_constants_keep_scale_1() {
        // s = StandardScaler().fit(np.array([[1, .1, 3], [2, .1, 5], [6, .1, 4]])); s.mean_, s.scale_
        let rows = Matrix::from_rows(&[[1.0, 0.1, 3.0], [2.0, 0.1, 5.0], [6.0, 0.1, 4.0]]).unwrap();
        let fitted = Standardiser::fit(&rows);
        assert_eq!((fitted.mean[0], fitted.mean[2]), (3.0, 4.0));
        assert!((fitted.mean[1] - 0.1).abs() < 1e-15);
        assert!((fitted.scale[0] - 2.160_246_899_469_286_7).abs() < 1e-15);
        assert!((fitted.scale[2] - 0.816_496_580_927_726).abs() < 1e-15);
        assert_eq!(fitted.scale[1], 1.0);
        let scores = fitted.apply_all(&rows).unwrap();
        assert_eq!(scores.row(2), fitted.apply(rows.row(2)).unwrap());
        assert!((scores.row(2)[0] - 1.388_730_149_658_827).abs() < 1e-15);
        assert!(fitted.apply(&[1.0]).unwrap_err().to_string().contains("1 features and the model was fitted on 3"));
    }
}
