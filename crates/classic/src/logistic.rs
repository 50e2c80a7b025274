//! Logistic regression with an L2 penalty on the weights.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, check_labels, dot};
use crate::svm::Plane;

/// Most Newton steps; ten are usual.
const MOST_STEPS: usize = 200;
/// A step that changes no weight by more than this is the last.
const SMALLEST_STEP: f64 = 1e-10;

/// A fitted model: the probability of the positive class is `1 / (1 + exp(-(w x + b)))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Logistic {
    /// Weights and intercept.
    pub plane: Plane,
}

impl Logistic {
    /// Minimises `|w|^2 / 2 + C sum log(1 + exp(-y (w x + b)))` by Newton's method, which is what scikit-learn's
    /// `LogisticRegression(C=C)` minimises: the intercept is not penalised.
    ///
    /// # Errors
    /// When the labels are not one per row or all the same, C is not above 0, or the steps do not end (features of very
    /// different sizes).
    pub fn fit(rows: &Matrix, labels: &[bool], c: f64) -> Result<Self> {
        check_labels(rows, labels)?;
        ensure!(c.is_finite() && c > 0.0, "the cost C of a logistic regression is {c}: it must be above 0");
        let problem = Problem { rows, labels, c };
        let mut at = vec![0.0; rows.columns() + 1];
        let mut loss = problem.loss(&at);
        for _ in 0..MOST_STEPS {
            let step = problem.newton_step(&at)?;
            let size = step.iter().fold(0.0, |most: f64, s| most.max(s.abs()));
            // Far from the optimum a whole step can overshoot.
            let (next, smaller) = (0..60)
                .map(|halvings| {
                    let share = 0.5f64.powi(halvings);
                    let next: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a - share * s).collect();
                    let loss = problem.loss(&next);
                    (next, loss)
                })
                .find(|(_, next)| *next <= loss * (1.0 + 1e-14))
                .context("a logistic regression was not fitted: standardise the features")?;
            (at, loss) = (next, smaller);
            if size < SMALLEST_STEP {
                let bias = at.pop().unwrap_or_default();
                return Ok(Self { plane: Plane { weights: at, bias } });
            }
        }
        anyhow::bail!(
            "a logistic regression was not fitted after {MOST_STEPS} steps: standardise the features, or lower C"
        )
    }

    /// Probability of the positive class.
    ///
    /// # Errors
    /// When the row does not have the features that the model was fitted on.
    pub fn probability(&self, row: &[f64]) -> Result<f64> {
        Ok(sigmoid(self.plane.decision(row)?))
    }
}

/// `1 / (1 + exp(-x))` without overflow.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

struct Problem<'a> {
    rows: &'a Matrix,
    labels: &'a [bool],
    c: f64,
}

impl Problem<'_> {
    /// `w x + b` per row; the intercept is the last of the parameters.
    fn decision(&self, row: &[f64], at: &[f64]) -> f64 {
        dot(row, &at[..row.len()]) + at[row.len()]
    }

    fn loss(&self, at: &[f64]) -> f64 {
        let penalty: f64 = at[..at.len() - 1].iter().map(|w| w * w).sum();
        let terms = self.rows.iter().zip(self.labels).map(|(row, &label)| {
            let margin = if label { self.decision(row, at) } else { -self.decision(row, at) };
            (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
        });
        penalty / 2.0 + self.c * terms.sum::<f64>()
    }

    /// Hessian inverse times gradient.
    fn newton_step(&self, at: &[f64]) -> Result<Vec<f64>> {
        let size = at.len();
        let mut gradient: Vec<f64> = at.to_vec();
        gradient[size - 1] = 0.0;
        let mut hessian = vec![0.0; size * size];
        (0..size - 1).for_each(|i| hessian[i * size + i] = 1.0);
        for (row, &label) in self.rows.iter().zip(self.labels) {
            let p = sigmoid(self.decision(row, at));
            let slope = self.c * (p - f64::from(u8::from(label)));
            let curvature = self.c * p * (1.0 - p);
            let extended = |i: usize| if i < row.len() { row[i] } else { 1.0 };
            for i in 0..size {
                gradient[i] += slope * extended(i);
                let factor = curvature * extended(i);
                (0..=i).for_each(|j| hessian[i * size + j] += factor * extended(j));
            }
        }
        solve(&mut hessian, &mut gradient).context("a logistic regression was not fitted: standardise the features")?;
        Ok(gradient)
    }
}

/// Solves `A x = b` in place by Cholesky's decomposition; of the positive definite A the lower half is read.
fn solve(a: &mut [f64], b: &mut [f64]) -> Option<()> {
    let n = b.len();
    for j in 0..n {
        let (above, from_j) = a.split_at_mut(j * n);
        let row_j = &mut from_j[..n];
        for k in 0..j {
            let row_k = &above[k * n..k * n + k + 1];
            row_j[k] = (row_j[k] - dot(&row_j[..k], &row_k[..k])) / row_k[k];
        }
        let pivot = row_j[j] - dot(&row_j[..j], &row_j[..j]);
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        row_j[j] = pivot.sqrt();
        b[j] = (b[j] - dot(&row_j[..j], &b[..j])) / row_j[j];
    }
    for j in (0..n).rev() {
        b[j] /= a[j * n + j];
        let solved = b[j];
        (0..j).for_each(|k| b[k] -= a[j * n + k] * solved);
    }
    Some(())
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
    fn models_are_scikit_learns() {
        // X = draw(60, 6, 1.3); y = X[:, 0] + .5 * X[:, 1] - .3 + .6 * np.sin(5. * np.arange(60)) > 0
        // s = LogisticRegression(C=C, tol=1e-14, solver='newton-cholesky', max_iter=1000).fit(X, y)
        // [*s.coef_[0], s.intercept_[0], s.predict_proba(X[:1])[0, 1]]
        let (rows, labels) = problem();
        let cases = [
            (
                0.1,
                [
                    1.0415797520955659,
                    0.17838512808399487,
                    0.038902749807474664,
                    -0.06861320645274831,
                    0.06962091218505904,
                    0.016953830193782903,
                    -0.33174433054443203,
                    0.6282585987837672,
                ],
            ),
            (
                1.0,
                [
                    3.0656135516648897,
                    0.7336402011180055,
                    0.09260069159269574,
                    -0.18595893713932504,
                    0.21741051640442788,
                    0.17974470339095783,
                    -0.739330148664133,
                    0.8475006501069849,
                ],
            ),
            (
                100.0,
                [
                    10.784511641531791,
                    3.8034831889139724,
                    0.45388411433541276,
                    -0.5865192797833801,
                    0.8291153490680294,
                    3.6893323965802245,
                    -5.211521735689178,
                    0.9960608016566405,
                ],
            ),
        ];
        for (c, theirs) in cases {
            let model = Logistic::fit(&rows, &labels, c).unwrap();
            let probability = model.probability(rows.row(0)).unwrap();
            let ours = model.plane.weights.iter().chain([&model.plane.bias, &probability]);
            ours.zip(&theirs).for_each(|(a, b)| assert!((a - b).abs() < 1e-8, "{c}: {:?} {theirs:?}", model.plane));
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let rows = Matrix::from_rows(&[[0.0], [1.0]]).unwrap();
        assert!(Logistic::fit(&rows, &[false, false], 1.0).unwrap_err().to_string().contains("of one class"));
        assert!(Logistic::fit(&rows, &[false, true], -1.0).unwrap_err().to_string().contains("above 0"));
        let model = Logistic::fit(&rows, &[false, true], 1.0).unwrap();
        assert!(model.probability(&[0.0, 1.0]).is_err());
        let both = [0.0, 1.0].map(|x| model.probability(&[x]).unwrap());
        assert!((both[0] + both[1] - 1.0).abs() < 1e-12 && both[1] > 0.5, "{both:?}");
        assert_eq!([sigmoid(-1e4), sigmoid(0.0), sigmoid(1e4)], [0.0, 0.5, 1.0]);
    }
}
