//! Whether two models, or two groups of trained models, differ on the same rows.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Decisions;
use super::statistics::{binomial_half, mean, quantile};
use ferrotype_base::random::{Purpose, Stream};

/// The rows that every member of two sides scored, and who has which of them right.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// Number of classes.
    pub classes: usize,
    /// Rows in the dataset, in ascending order.
    pub rows: Vec<u32>,
    /// Their true classes.
    pub truth: Vec<usize>,
    /// Per member of the first side, whether it has each row right.
    pub first: Vec<Vec<bool>>,
    /// As `first`, of the second side.
    pub second: Vec<Vec<bool>>,
}

/// Accuracy and UAR, or differences of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Share of the rows that are right.
    pub accuracy: f64,
    /// Mean over the classes that occur of the share of their rows that are right.
    pub uar: f64,
}

impl Paired {
    /// Brings the decisions of two sides together.
    ///
    /// # Errors
    /// When a side has no member, the classes are others, a row has two truths, or no row is common to all.
    pub fn of(first: &[Decisions], second: &[Decisions]) -> Result<Self> {
        ensure!(!first.is_empty() && !second.is_empty(), "there is nothing to compare: a side has no member");
        let classes = &first[0].classes;
        let mut members = Vec::new();
        for side in [first, second] {
            for member in side {
                member.check()?;
                members.push(member.in_order_of(classes)?);
            }
        }
        let by_row = |m: &Decisions| -> HashMap<u32, usize> { m.rows.iter().copied().zip(0..).collect() };
        let places: Vec<HashMap<u32, usize>> = members.iter().map(by_row).collect();
        let mut rows: Vec<u32> =
            members[0].rows.iter().copied().filter(|row| places.iter().all(|p| p.contains_key(row))).collect();
        rows.sort_unstable();
        ensure!(!rows.is_empty(), "no row was scored by both: there is nothing to compare");
        let truth: Vec<usize> = rows.iter().map(|row| members[0].truth[places[0][row]]).collect();
        let mut hits = Vec::new();
        for (member, place) in members.iter().zip(&places) {
            let mut right = Vec::with_capacity(rows.len());
            for (row, &truth) in rows.iter().zip(&truth) {
                let i = place[row];
                ensure!(
                    member.truth[i] == truth,
                    "row {row} is {} for one and {} for the other: their labels are not the same, so they cannot be \
                     compared",
                    classes[truth],
                    classes[member.truth[i]]
                );
                right.push(member.predicted[i] == truth);
            }
            hits.push(right);
        }
        let second = hits.split_off(first.len());
        Ok(Self { classes: classes.len(), rows, truth, first: hits, second })
    }

    /// Accuracy and UAR of one member.
    pub fn rates_of(&self, right: &[bool]) -> Rates {
        self.rates(0..self.rows.len(), |i| if right[i] { 1.0 } else { 0.0 })
    }

    /// Means over some rows, each of which may come several times: of all of them, and of the means by class.
    fn rates(&self, rows: impl Iterator<Item = usize>, value: impl Fn(usize) -> f64) -> Rates {
        let mut sums = vec![(0.0, 0u64); self.classes];
        for i in rows {
            let sum = &mut sums[self.truth[i]];
            *sum = (sum.0 + value(i), sum.1 + 1);
        }
        let (total, n) = sums.iter().fold((0.0, 0), |all, s| (all.0 + s.0, all.1 + s.1));
        let by_class: Vec<f64> = sums.iter().filter(|s| s.1 > 0).map(|s| s.0 / s.1 as f64).collect();
        Rates { accuracy: total / n.max(1) as f64, uar: mean(&by_class).unwrap_or(0.0) }
    }

    /// By how much the first side's mean share of right answers exceeds the second's, row by row.
    fn gains(&self) -> Vec<f64> {
        let share =
            |side: &[Vec<bool>], i: usize| side.iter().filter(|member| member[i]).count() as f64 / side.len() as f64;
        (0..self.rows.len()).map(|i| share(&self.first, i) - share(&self.second, i)).collect()
    }
}

/// McNemar's exact test of two models on the rows that both have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Rows that both models scored.
    pub n: u64,
    /// Rows that only the first model has right.
    pub only_first: u64,
    /// Rows that only the second model has right.
    pub only_second: u64,
    /// Two-sided exact probability of so uneven a division, were the models equally good.
    pub p: f64,
}

impl McNemar {
    /// Compares two models by the rows that one has right and the other wrong: whether each has each row right, row by
    /// row.
    pub fn of(first: &[bool], second: &[bool]) -> Self {
        let count = |a: bool| first.iter().zip(second).filter(|&(&x, &y)| x == a && y != a).count() as u64;
        let (only_first, only_second) = (count(true), count(false));
        let n = first.len().min(second.len()) as u64;
        Self { n, only_first, only_second, p: binomial_half(only_first, only_first + only_second) }
    }
}

/// A difference with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// First minus second.
    pub difference: f64,
    /// From the 2.5 to the 97.5 % point.
    pub interval: [f64; 2],
}

/// The paired bootstrap over test rows (Efron and Tibshirani 1993, percentile interval): how the difference varies with
/// the choice of the test rows, for the models as they were trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// How often rows were drawn.
    pub resamples: usize,
    /// Difference of the sides' mean accuracy.
    pub accuracy: Difference,
    /// Difference of the sides' mean UAR; a drawing that lacks a class goes by the others.
    pub uar: Difference,
}

/// Draws the common rows `resamples` times with replacement; each drawing has its own key, so the result does not depend
/// on threads.
pub fn bootstrap(paired: &Paired, resamples: usize, seed: u64) -> Bootstrap {
    let gains = paired.gains();
    let n = gains.len();
    let drawn: Vec<Rates> = (0..resamples as u64)
        .into_par_iter()
        .map(|number| {
            let mut stream = Stream::of(seed, Purpose::Statistics, &[number]);
            paired.rates((0..n).map(|_| stream.below(n)), |i| gains[i])
        })
        .collect();
    let whole = paired.rates(0..n, |i| gains[i]);
    let difference = |of: fn(&Rates) -> f64| {
        let mut values: Vec<f64> = drawn.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        Difference { difference: of(&whole), interval: [quantile(&values, 0.025), quantile(&values, 0.975)] }
    };
    Bootstrap { resamples, accuracy: difference(|r| r.accuracy), uar: difference(|r| r.uar) }
}

#[cfg(test)]
mod tests {
    use super::super::mocks::sure;
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    fn decisions(truth: &[usize], predicted: &[usize]) -> Decisions {
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        Decisions { classes, rows: (0..).take(truth.len()).collect(), truth: truth.into(), predicted: predicted.into() }
    }

    const TRUTH: [usize; 12] = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2];

    /// Right where `hits` is 1, else the next class.
    fn with_hits(hits: [usize; 12]) -> Decisions {
        let predicted: Vec<usize> = (0..12).map(|i| (TRUTH[i] + 1 - hits[i]) % 3).collect();
        decisions(&TRUTH, &predicted)
    }

    #[test]
    fn mcnemar_counts_the_rows_that_differ() {
        let truth = vec![0; 20];
        let first = sure(&["a", "b"], truth.clone(), &[&[0; 17][..], &[1; 3]].concat());
        let second = sure(&["a", "b"], truth, &[&[1; 12][..], &[0; 8]].concat());
        let paired = Paired::of(&[Decisions::of(&first)], &[Decisions::of(&second)]).unwrap();
        let test = McNemar::of(&paired.first[0], &paired.second[0]);
        assert_eq!((test.n, test.only_first, test.only_second), (20, 12, 3));
        close(test.p, 0.035_156_25);
    }

    // The keyed stream written again in Python (splitmix64, key(7, 9, [drawing]), Lemire's `below`), 200 drawings of
    // d = A - B; accuracy is d.mean(), UAR the mean over the classes drawn of their means; numpy.quantile([.025, .975]):
    // [-0.08333333333333333, 0.5020833333333338] [-0.05595238095238094, 0.6388888888888888]
    #[test]
    fn the_bootstrap_draws_by_key() {
        let a = with_hits([1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1]);
        let b = with_hits([1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1]);
        let drawn = bootstrap(&Paired::of(&[a], &[b]).unwrap(), 200, 7);
        close(drawn.accuracy.difference, 3.0 / 12.0);
        close(drawn.uar.difference, (2.0 / 5.0 + 0.0 + 1.0 / 3.0) / 3.0);
        close(drawn.accuracy.interval[0], -0.083_333_333_333_333_33);
        close(drawn.accuracy.interval[1], 0.502_083_333_333_333_8);
        close(drawn.uar.interval[0], -0.055_952_380_952_380_94);
        close(drawn.uar.interval[1], 0.638_888_888_888_888_8);
    }

    #[test]
    fn a_model_does_not_differ_from_itself_and_sides_mirror_each_other() {
        let a = with_hits([1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1]);
        let b = with_hits([1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1]);
        let same = bootstrap(&Paired::of(&[a.clone(), b.clone()], &[b.clone(), a.clone()]).unwrap(), 100, 0);
        assert_eq!((same.accuracy.difference, same.accuracy.interval), (0.0, [0.0, 0.0]));
        let there = bootstrap(&Paired::of(std::slice::from_ref(&a), std::slice::from_ref(&b)).unwrap(), 500, 1);
        let back = bootstrap(&Paired::of(&[b], &[a]).unwrap(), 500, 1);
        close(there.uar.difference, -back.uar.difference);
        close(there.accuracy.interval[0], -back.accuracy.interval[1]);
    }

    #[test]
    fn rows_are_matched_by_number_and_classes_by_name() {
        let a = decisions(&[0, 1, 2], &[0, 1, 0]);
        let mut b = decisions(&[0, 1, 2], &[0, 0, 2]);
        // The same answers under other numbers of rows and in another order of classes.
        b.rows = vec![7, 1, 2];
        b.classes = ["c", "b", "a"].map(String::from).to_vec();
        b.truth = vec![2, 1, 0];
        b.predicted = vec![2, 0, 0];
        let paired = Paired::of(std::slice::from_ref(&a), std::slice::from_ref(&b)).unwrap();
        assert_eq!(paired.rows, [1, 2]);
        assert_eq!((&paired.first[0], &paired.second[0]), (&vec![true, false], &vec![false, true]));
        let refused = |change: fn(&mut Decisions)| {
            let mut other = b.clone();
            change(&mut other);
            Paired::of(std::slice::from_ref(&a), &[other]).unwrap_err().to_string()
        };
        assert!(refused(|d| d.classes[0] = "d".into()).contains("different classes"));
        assert!(refused(|d| d.truth[1] = 0).contains("row 1 is b for one and c for the other"));
        assert!(refused(|d| d.rows = vec![7, 8, 9]).contains("no row was scored by both"));
        assert!(refused(|d| d.rows = vec![1, 1, 2]).contains("row 1 was scored twice"));
    }
}
