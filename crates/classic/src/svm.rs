//! Linear support vector machines of two classes (C-SVC), fitted as libsvm does.
//!
//! Minimises `|w|^2 / 2 + C sum max(0, 1 - y (w x + b))` in its dual form by sequential minimal optimisation with
//! second-order choice of the working set (Fan, Chen and Lin, JMLR 6, 2005). The bias is not regularised. Rows are not
//! shrunk away on the way; the solution is the same to the tolerance.

pub mod libsvm;
pub mod one_vs_one;
pub(crate) mod smo;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, check_labels, check_width, dot};

/// Settings of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvmOptions {
    /// Cost of a margin violated, above 0.
    pub c: f64,
    /// How far the solution may stay from the optimality conditions: libsvm's `eps`, 1e-3.
    pub tolerance: f64,
}

impl Default for SvmOptions {
    fn default() -> Self {
        Self { c: 1.0, tolerance: 1e-3 }
    }
}

impl SvmOptions {
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(
            self.c.is_finite() && self.c > 0.0,
            "the cost C of a support vector machine is {}: it must be above 0",
            self.c
        );
        ensure!(
            self.tolerance > 0.0 && self.tolerance < 1.0,
            "the tolerance of a support vector machine is {}: it must lie between 0 and 1",
            self.tolerance
        );
        Ok(())
    }
}

/// A plane: rows with `w x + b > 0` are of the positive class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plane {
    /// One weight per feature.
    pub weights: Vec<f64>,
    /// What is added to the scalar product.
    pub bias: f64,
}

impl Plane {
    /// Signed distance from the plane in units of the margin.
    ///
    /// # Errors
    /// When the row does not have the features that the machine was fitted on.
    pub fn decision(&self, row: &[f64]) -> Result<f64> {
        check_width(row, self.weights.len())?;
        Ok(dot(&self.weights, row) + self.bias)
    }
}

/// A fitted machine: its plane, and the training rows that hold it up.
#[derive(Clone, Debug, PartialEq)]
pub struct Svm {
    /// What decides.
    pub plane: Plane,
    /// Training rows with a coefficient, ascending.
    pub support: Vec<usize>,
    /// Their coefficients `y alpha`: between -C and C, positive for rows of the positive class.
    pub coefficients: Vec<f64>,
}

impl Svm {
    /// Fits rows whose label says whether they are of the positive class.
    ///
    /// # Errors
    /// When the labels are not one per row or all the same, an option is out of range, or the optimisation does not end
    /// (features of very different sizes).
    pub fn fit(rows: &Matrix, labels: &[bool], options: &SvmOptions) -> Result<Self> {
        check_labels(rows, labels)?;
        options.check()?;
        let solution = smo::solve(&Rows(rows), labels, options)?;
        let mut weights = vec![0.0; rows.columns()];
        let (support, coefficients): (Vec<usize>, Vec<f64>) =
            solution.coefficients.iter().enumerate().filter(|(_, c)| **c != 0.0).unzip();
        for (&at, coefficient) in support.iter().zip(&coefficients) {
            weights.iter_mut().zip(rows.row(at)).for_each(|(w, v)| *w += coefficient * v);
        }
        Ok(Self { plane: Plane { weights, bias: solution.bias }, support, coefficients })
    }
}

/// The linear kernel of rows.
struct Rows<'a>(&'a Matrix);

impl smo::Kernel for Rows<'_> {
    fn count(&self) -> usize {
        self.0.rows()
    }

    fn value(&self, a: usize, b: usize) -> f64 {
        dot(self.0.row(a), self.0.row(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::tests::drawn;

    fn problem() -> (Matrix, Vec<bool>) {
        let rows = drawn(60, 6, 1.3);
        let labels = rows.iter().enumerate().map(|(i, r)| r[0] + 0.5 * r[1] - 0.3 + 0.6 * (5.0 * i as f64).sin() > 0.0);
        let labels = labels.collect();
        (rows, labels)
    }

    #[test]
    fn planes_are_scikit_learns() {
        // X = draw(60, 6, 1.3); y = X[:, 0] + .5 * X[:, 1] - .3 + .6 * np.sin(5. * np.arange(60)) > 0
        // s = SVC(kernel='linear', C=C, tol=1e-10).fit(X, y); [*s.coef_[0], s.intercept_[0]], s.support_.size
        // libsvm holds products of rows as f32, hence 1e-6.
        let (rows, labels) = problem();
        let cases = [
            (
                0.1,
                [
                    1.3310754381270837,
                    0.12168274899892156,
                    0.03587061072130639,
                    -0.12150902645592299,
                    0.022738959717005916,
                    0.05457305087827852,
                    -0.25037033932065234,
                ],
                39,
            ),
            (
                1.0,
                [
                    2.5963045318597775,
                    0.6272495049134849,
                    -0.12235978401399039,
                    -0.07286569896036094,
                    0.13792738747005368,
                    0.37057933650679487,
                    -0.8404735410010588,
                ],
                19,
            ),
            (
                10.0,
                [
                    3.9270617027816472,
                    1.3698839583647882,
                    -0.019611478010742367,
                    -0.10354299608518946,
                    0.2158006389871101,
                    3.4800827781190193,
                    -3.885887725850065,
                ],
                13,
            ),
        ];
        for (c, theirs, support) in cases {
            let close = |tolerance: f64, within: f64| {
                let svm = Svm::fit(&rows, &labels, &SvmOptions { c, tolerance }).unwrap();
                let ours = svm.plane.weights.iter().chain([&svm.plane.bias]);
                let worst = ours.zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < within, "C {c}: {:?} differs by {worst}", svm.plane);
                svm
            };
            assert_eq!(close(1e-10, 1e-6).support.len(), support);
            close(1e-3, 5e-3);
        }
    }

    #[test]
    fn the_conditions_of_the_optimum_hold() {
        let (rows, labels) = problem();
        let options = SvmOptions { c: 0.5, tolerance: 1e-9 };
        let svm = Svm::fit(&rows, &labels, &options).unwrap();
        assert!(svm.coefficients.iter().sum::<f64>().abs() < 1e-12);
        for (at, &label) in labels.iter().enumerate() {
            let sign = if label { 1.0 } else { -1.0 };
            let margin = sign * svm.plane.decision(rows.row(at)).unwrap();
            let alpha = svm.support.binary_search(&at).map_or(0.0, |k| sign * svm.coefficients[k]);
            assert!((0.0..=0.5).contains(&alpha));
            let fits = match alpha {
                0.0 => margin > 1.0 - 1e-8,
                0.5 => margin < 1.0 + 1e-8,
                _ => (margin - 1.0).abs() < 1e-8,
            };
            assert!(fits, "row {at}: alpha {alpha}, margin {margin}");
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let rows = Matrix::from_rows(&[[0.0], [1.0]]).unwrap();
        let said = |labels: &[bool], options: &SvmOptions| Svm::fit(&rows, labels, options).unwrap_err().to_string();
        assert!(said(&[true, true], &SvmOptions::default()).contains("of one class"));
        assert!(said(&[true], &SvmOptions::default()).contains("2 rows have 1 labels"));
        assert!(said(&[true, false], &SvmOptions { c: 0.0, ..SvmOptions::default() }).contains("above 0"));
        assert!(said(&[true, false], &SvmOptions { tolerance: 2.0, c: 1.0 }).contains("between 0 and 1"));
        let svm = Svm::fit(&rows, &[false, true], &SvmOptions::default()).unwrap();
        assert!(svm.plane.decision(&[1.0, 2.0]).unwrap_err().to_string().contains("2 features"));
        // The same place with both labels: no plane separates, and the fit ends.
        let rows = Matrix::from_rows(&[[1.0], [1.0]]).unwrap();
        assert_eq!(Svm::fit(&rows, &[true, false], &SvmOptions::default()).unwrap().plane.weights, [0.0]);
    }
}
