//! Support vector machines of several classes: one for each pair of classes (libsvm's C-SVC, scikit-learn's `SVC`).

use anyhow::{Result, ensure};
use ferrotype_base::statistics::first_largest;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{SvmOptions, smo};
use crate::matrix::{Matrix, dot};

/// Products of all pairs of rows by a kernel, `[rows, rows]`: computed once, for all machines over subsets of the rows.
pub struct Gram {
    values: Vec<f64>,
    rows: usize,
}

impl Gram {
    /// Scalar products.
    pub fn linear(rows: &Matrix) -> Self {
        Self::of(rows, dot)
    }

    /// `exp(-gamma |a - b|^2)`.
    ///
    /// # Errors
    /// When gamma is not above 0.
    pub fn rbf(rows: &Matrix, gamma: f64) -> Result<Self> {
        ensure!(gamma.is_finite() && gamma > 0.0, "gamma of an RBF kernel is {gamma}: it must be above 0");
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        Ok(Self::of(rows, |a, b| (-gamma * distance(a, b)).exp()))
    }

    fn of(rows: &Matrix, product: impl Fn(&[f64], &[f64]) -> f64 + Sync) -> Self {
        let n = rows.rows();
        let mut values = vec![0.0; n * n];
        values.par_chunks_mut(n).enumerate().for_each(|(a, line)| {
            line.iter_mut().enumerate().for_each(|(b, value)| *value = product(rows.row(a), rows.row(b)));
        });
        Self { values, rows: n }
    }

    /// The product of two rows.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn value(&self, a: usize, b: usize) -> f64 {
        self.values[a * self.rows + b]
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// Machines for all pairs of classes; each votes for one of its two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneVsOne {
    /// Number of classes; one that no training row had gets no vote.
    pub classes: usize,
    /// The machines.
    pub machines: Vec<PairMachine>,
}

/// The machine of two classes: a row is of the first where `sum coefficient k(support, row) + bias` is above 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairMachine {
    /// The two classes, the lower first.
    pub pair: [usize; 2],
    /// Rows of the gram matrix with a coefficient.
    pub support: Vec<usize>,
    /// Their coefficients `y alpha`.
    pub coefficients: Vec<f64>,
    /// The bias.
    pub bias: f64,
}

impl OneVsOne {
    /// Fits some rows of a gram matrix. `labels` are the classes of `rows`, and C is multiplied by the weight of a sample's
    /// class (see [`balanced`]).
    ///
    /// # Errors
    /// When labels or weights do not fit, the rows have fewer than two classes, or a machine cannot be fitted.
    pub fn fit(
        gram: &Gram,
        rows: &[usize],
        labels: &[usize],
        class_weights: &[f64],
        options: &SvmOptions,
    ) -> Result<Self> {
        options.check()?;
        let classes = class_weights.len();
        ensure!(rows.len() == labels.len(), "{} labels for {} rows", labels.len(), rows.len());
        ensure!(labels.iter().all(|&l| l < classes), "there is a label beyond the {classes} classes");
        let of = |class: usize| rows.iter().zip(labels).filter(move |(_, l)| **l == class).map(|(&row, _)| row);
        let present: Vec<usize> = (0..classes).filter(|&class| of(class).next().is_some()).collect();
        ensure!(
            present.len() > 1,
            "a support vector machine needs rows of at least two classes to be fitted on; these are all of one"
        );
        let pairs = present.iter().enumerate().flat_map(|(i, &a)| present[i + 1..].iter().map(move |&b| [a, b]));
        let machines = pairs.collect::<Vec<_>>().into_par_iter().map(|[a, b]| {
            // In libsvm's order: all of one class, then all of the other.
            let samples: Vec<usize> = of(a).chain(of(b)).collect();
            let positive = of(a).count();
            let labels: Vec<bool> = (0..samples.len()).map(|i| i < positive).collect();
            let weights = [class_weights[a], class_weights[b]];
            let solution = smo::solve_weighted(&Part { gram, samples: &samples }, &labels, options, weights)?;
            let (support, coefficients) =
                samples.iter().zip(solution.coefficients).filter(|(_, c)| *c != 0.0).map(|(&s, c)| (s, c)).unzip();
            Ok(PairMachine { pair: [a, b], support, coefficients, bias: solution.bias })
        });
        Ok(Self { classes, machines: machines.collect::<Result<_>>()? })
    }

    /// The predicted class of a row, and the [`decisions`](Self::decisions) for it.
    pub fn tell(&self, gram: &Gram, row: usize) -> (usize, Vec<f64>) {
        let (mut votes, mut sums) = (vec![0.0; self.classes], vec![0.0; self.classes]);
        for machine in &self.machines {
            let value = machine.decision(gram, row);
            let [first, second] = machine.pair;
            votes[if value > 0.0 { first } else { second }] += 1.0;
            sums[first] += value;
            sums[second] -= value;
        }
        let winner = first_largest(&votes);
        let decision = |(vote, sum): (&f64, &f64)| vote + sum / (3.0 * (sum.abs() + 1.0));
        (winner, votes.iter().zip(&sums).map(decision).collect())
    }

    /// The votes of each class for a row of the gram matrix, with a fraction below 1/3 that tells how clear they were
    /// (scikit-learn's `decision_function` of shape `ovr`). The largest is [`predict`](Self::predict)ed, unless classes have
    /// as many votes.
    pub fn decisions(&self, gram: &Gram, row: usize) -> Vec<f64> {
        self.tell(gram, row).1
    }

    /// The class with the most votes; of several, the first, as libsvm.
    pub fn predict(&self, gram: &Gram, row: usize) -> usize {
        self.tell(gram, row).0
    }
}

impl PairMachine {
    fn decision(&self, gram: &Gram, row: usize) -> f64 {
        let terms = self.support.iter().zip(&self.coefficients).map(|(&s, c)| c * gram.value(s, row));
        terms.sum::<f64>() + self.bias
    }
}

/// Weights that give every class the same total cost, `n / (classes n_c)` over the classes that occur (scikit-learn's
/// `class_weight="balanced"`); 1 for a class that does not.
pub fn balanced(labels: &[usize], classes: usize) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    let present = counts.iter().filter(|n| **n > 0).count();
    let weight = |&n: &usize| if n == 0 { 1.0 } else { labels.len() as f64 / (present * n) as f64 };
    counts.iter().map(weight).collect()
}

/// Some rows of a gram matrix.
struct Part<'a> {
    gram: &'a Gram,
    samples: &'a [usize],
}

impl smo::Kernel for Part<'_> {
    fn count(&self) -> usize {
        self.samples.len()
    }

    fn value(&self, a: usize, b: usize) -> f64 {
        self.gram.value(self.samples[a], self.samples[b])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::tests::drawn;

    /// Rows and classes of a problem, and rows to be predicted behind them.
    fn problem() -> (Matrix, Vec<usize>, Vec<usize>) {
        let (known, asked) = (drawn(60, 6, 1.3), drawn(12, 6, 2.1));
        let class = |(i, r): (usize, &[f64])| {
            let z = r[0] + 0.5 * r[1] + 0.6 * (5.0 * i as f64).sin();
            usize::from(z > -0.4) + usize::from(z > 0.9)
        };
        let labels = known.iter().enumerate().map(class).collect();
        let all: Vec<&[f64]> = known.iter().chain(asked.iter()).collect();
        (Matrix::from_rows(&all).unwrap(), labels, (0..60).collect())
    }

    #[test]
    fn machines_votes_and_classes_are_scikit_learns() {
        // X = draw(60, 6, 1.3); z = X[:, 0] + .5 * X[:, 1] + .6 * np.sin(5. * np.arange(60)); y = (z > -.4).astype(int) + (z > .9)
        // s = SVC(class_weight='balanced', tol=1e-10, **kw).fit(X, y); T = draw(12, 6, 2.1)
        // s.intercept_, s.predict(T), s.decision_function(T)[:2]
        let (rows, labels, at) = problem();
        let weights = balanced(&labels, 3);
        assert!(weights.iter().zip([0.8, 10.0 / 9.0, 20.0 / 17.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{weights:?}");
        let cases = [
            (
                Gram::linear(&rows),
                0.5,
                [-0.9473821110233924, 0.12456320357724807, 1.3808221943988912],
                [1, 0, 1, 1, 0, 2, 1, 0, 1, 1, 0, 2],
                [[-0.182572078, 2.203958899, 0.910777586], [2.220261355, 1.240133026, -0.272996057]],
            ),
            (
                Gram::rbf(&rows, 0.3).unwrap(),
                2.0,
                [-0.25962751466423994, 0.05513349373058646, 0.38586300754720737],
                [1, 0, 1, 1, 0, 2, 1, 0, 1, 1, 1, 1],
                [[1.055054051, 2.197200255, -0.207377097], [2.178962006, 1.153413782, -0.222663996]],
            ),
        ];
        for (gram, c, biases, classes, decisions) in cases {
            let machines = OneVsOne::fit(&gram, &at, &labels, &weights, &SvmOptions { c, tolerance: 1e-10 }).unwrap();
            let pairs: Vec<[usize; 2]> = machines.machines.iter().map(|m| m.pair).collect();
            assert_eq!(pairs, [[0, 1], [0, 2], [1, 2]]);
            for (machine, bias) in machines.machines.iter().zip(biases) {
                assert!((machine.bias - bias).abs() < 1e-6, "{} {bias}", machine.bias);
            }
            let said: Vec<usize> = (60..72).map(|row| machines.predict(&gram, row)).collect();
            assert_eq!(said, classes);
            for (row, wanted) in decisions.iter().enumerate() {
                let found = machines.decisions(&gram, 60 + row);
                assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {wanted:?}");
            }
        }
    }

    #[test]
    fn impossible_problems_are_refused_and_absent_classes_get_no_vote() {
        let (rows, labels, at) = problem();
        let gram = Gram::linear(&rows);
        let options = SvmOptions::default();
        let says = |labels: &[usize], at: &[usize]| {
            OneVsOne::fit(&gram, at, labels, &[1.0; 3], &options).unwrap_err().to_string()
        };
        assert!(says(&labels[1..], &at).contains("59 labels for 60 rows"));
        assert!(says(&[1; 60], &at).contains("two classes"));
        assert!(says(&[3; 60], &at).contains("beyond the 3 classes"));
        assert!(Gram::rbf(&rows, 0.0).is_err());
        let two: Vec<usize> = labels.iter().map(|&l| 2 * usize::from(l > 0)).collect();
        let machines = OneVsOne::fit(&gram, &at, &two, &balanced(&two, 3), &options).unwrap();
        assert_eq!(machines.machines.len(), 1);
        assert!((60..72).all(|row| machines.predict(&gram, row) != 1 && machines.decisions(&gram, row)[1] == 0.0));
    }
}
