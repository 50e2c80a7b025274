//! Which settings mattered: functional analysis of variance (fANOVA) on a random forest.
//!
//! Hutter, Hoos and Leyton-Brown (An Efficient Approach for Assessing Hyperparameter Importance, ICML 2014): a forest is
//! fitted to the trials' losses over the unit cube; the variance of its prediction is divided among the keys. A key's
//! share is the variance of the mean prediction as that key alone varies. Shares do not add up to 1: the rest belongs
//! to keys acting together.
//!
//! Choices stand in the order of the sweep file. A key that was not searched in a trial (its condition did not hold)
//! stands in the middle of its range there.

use ferrotype_base::random::{Purpose, Stream};
use ferrotype_base::statistics::moments;

use crate::curve::Goal;
use crate::space::Space;
use crate::study::{Snapshot, State};

/// A key's share of the variance of the forest's prediction, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The key.
    pub key: String,
    /// Mean over the trees.
    pub share: f64,
    /// Standard deviation over the trees.
    pub sd: f64,
}

/// With fewer trials a forest says nothing.
pub const FEWEST: usize = 6;

const TREES: usize = 64;
const DEPTH: usize = 16;
const LEAF: usize = 2;

/// The keys by their share, the largest first; empty with fewer than [`FEWEST`] finished trials. Pruned trials do not
/// count: their scores are those of shorter training.
pub fn shares(space: &Space, snapshot: &Snapshot, goal: Goal) -> Vec<Share> {
    let (mut points, mut losses) = (Vec::new(), Vec::new());
    for trial in snapshot.trials.iter().filter(|t| t.state == State::Finished) {
        let unit = |d: &crate::space::Dimension| trial.values.get(&d.key).and_then(|v| d.domain.unit(v)).unwrap_or(0.5);
        if let Some(value) = trial.value.filter(|v| v.is_finite()) {
            points.push(space.dimensions().iter().map(unit).collect::<Vec<f64>>());
            losses.push(goal.loss(value));
        }
    }
    if points.len() < FEWEST {
        return Vec::new();
    }
    let parts = variance_shares(&points, &losses);
    let mut all: Vec<Share> =
        space.dimensions().iter().zip(parts).map(|(d, (share, sd))| Share { key: d.key.clone(), share, sd }).collect();
    all.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.key.cmp(&b.key)));
    all
}

/// Mean and standard deviation over the trees of each coordinate's share.
fn variance_shares(points: &[Vec<f64>], losses: &[f64]) -> Vec<(f64, f64)> {
    let width = points[0].len();
    let trees: Vec<Vec<f64>> = (0..TREES).filter_map(|t| Tree::grow(points, losses, t as u64).shares(width)).collect();
    let column = |d: usize| moments(&trees.iter().map(|t| t[d]).collect::<Vec<_>>());
    (0..width).map(column).collect()
}

/// A box of the unit cube, with the mean loss of the trials in it.
struct Leaf {
    low: Vec<f64>,
    high: Vec<f64>,
    mean: f64,
}

impl Leaf {
    fn volume(&self) -> f64 {
        (0..self.low.len()).map(|d| self.high[d] - self.low[d]).product()
    }
}

/// A regression tree as the boxes of its leaves.
struct Tree {
    leaves: Vec<Leaf>,
}

impl Tree {
    /// Grown on a bootstrap sample of the trials.
    fn grow(points: &[Vec<f64>], losses: &[f64], number: u64) -> Self {
        let mut random = Stream::of(number, Purpose::Statistics, &[points.len() as u64]);
        let rows: Vec<usize> = (0..points.len()).map(|_| random.below(points.len())).collect();
        let width = points[0].len();
        let mut tree = Self { leaves: Vec::new() };
        tree.split(points, losses, rows, (vec![0.0; width], vec![1.0; width]), DEPTH, &mut random);
        tree
    }

    fn split(
        &mut self,
        points: &[Vec<f64>],
        losses: &[f64],
        rows: Vec<usize>,
        (low, high): (Vec<f64>, Vec<f64>),
        depth: usize,
        random: &mut Stream,
    ) {
        let best = if depth == 0 { None } else { best_cut(points, losses, &rows, random) };
        let Some((d, cut)) = best else {
            let mean = rows.iter().map(|&r| losses[r]).sum::<f64>() / rows.len() as f64;
            self.leaves.push(Leaf { low, high, mean });
            return;
        };
        let (left, right): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(|&r| points[r][d] <= cut);
        let (mut middle_high, mut middle_low) = (high.clone(), low.clone());
        (middle_high[d], middle_low[d]) = (cut, cut);
        self.split(points, losses, left, (low, middle_high), depth - 1, random);
        self.split(points, losses, right, (middle_low, high), depth - 1, random);
    }

    /// Each coordinate's share of the tree's variance over the unit cube; none for a tree without variance.
    fn shares(&self, width: usize) -> Option<Vec<f64>> {
        let mean: f64 = self.leaves.iter().map(|l| l.volume() * l.mean).sum();
        let total: f64 = self.leaves.iter().map(|l| l.volume() * (l.mean - mean).powi(2)).sum();
        (total > 1e-300).then(|| (0..width).map(|d| self.main_effect(d, mean) / total).collect())
    }

    /// The variance of the mean over all other coordinates as this one varies: constant between the tree's cuts.
    fn main_effect(&self, d: usize, mean: f64) -> f64 {
        let mut cuts: Vec<f64> = self.leaves.iter().flat_map(|l| [l.low[d], l.high[d]]).collect();
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        let marginal = |a: f64, b: f64| -> f64 {
            let over = self.leaves.iter().filter(|l| l.low[d] <= a && l.high[d] >= b);
            over.map(|l| l.volume() / (l.high[d] - l.low[d]) * l.mean).sum()
        };
        cuts.windows(2).map(|w| (w[1] - w[0]) * (marginal(w[0], w[1]) - mean).powi(2)).sum()
    }
}

/// The coordinate and place that lower the squared error most, among a random part of the coordinates (at least two
/// thirds, so that few keys still give different trees).
fn best_cut(points: &[Vec<f64>], losses: &[f64], rows: &[usize], random: &mut Stream) -> Option<(usize, f64)> {
    let width = points[0].len();
    let mut order: Vec<usize> = (0..width).collect();
    random.shuffle(&mut order);
    order.truncate((2 * width).div_ceil(3));
    let mut best: Option<(f64, usize, f64)> = None;
    for &d in &order {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|&a, &b| points[a][d].total_cmp(&points[b][d]).then(a.cmp(&b)));
        let total: f64 = sorted.iter().map(|&r| losses[r]).sum();
        let mut left = 0.0;
        for i in 1..sorted.len() {
            left += losses[sorted[i - 1]];
            let (a, b) = (points[sorted[i - 1]][d], points[sorted[i]][d]);
            if a == b || i < LEAF || sorted.len() - i < LEAF {
                continue;
            }
            let (n, m) = (i as f64, (sorted.len() - i) as f64);
            let gain = left * left / n + (total - left).powi(2) / m - total * total / (n + m);
            if gain > 1e-15 && best.is_none_or(|(g, ..)| gain > g) {
                best = Some((gain, d, (a + b) / 2.0));
            }
        }
    }
    best.map(|(_, d, cut)| (d, cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(n: usize, width: usize) -> Vec<Vec<f64>> {
        let mut random = Stream::new(5);
        (0..n).map(|_| (0..width).map(|_| random.unit()).collect()).collect()
    }

    /// For 3 x + y over the unit square the variances are 9/12 and 1/12: shares 0.9 and 0.1; z has none.
    #[test]
    fn shares_of_a_linear_function_are_those_of_its_variances() {
        let points = points(400, 3);
        let losses: Vec<f64> = points.iter().map(|p| 3.0 * p[0] + p[1]).collect();
        let shares = variance_shares(&points, &losses);
        assert!((shares[0].0 - 0.9).abs() < 0.04, "{shares:?}");
        assert!((shares[1].0 - 0.1).abs() < 0.04, "{shares:?}");
        assert!(shares[2].0 < 0.01, "{shares:?}");
    }

    /// (x - 1/2)(y - 1/2) has no main effects at all: nearly all variance belongs to the pair.
    #[test]
    fn what_only_acts_together_has_small_shares() {
        let points = points(400, 2);
        let losses: Vec<f64> = points.iter().map(|p| (p[0] - 0.5) * (p[1] - 0.5)).collect();
        let shares = variance_shares(&points, &losses);
        assert!(shares.iter().all(|s| s.0 < 0.25), "{shares:?}");
    }

    #[test]
    fn a_trees_boxes_fill_the_cube() {
        let points = points(60, 4);
        let losses: Vec<f64> = points.iter().map(|p| p[0] * p[1] + p[3]).collect();
        let tree = Tree::grow(&points, &losses, 1);
        assert!(tree.leaves.len() > 8);
        assert!((tree.leaves.iter().map(Leaf::volume).sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn equal_losses_have_no_shares() {
        let points = points(20, 2);
        assert!(variance_shares(&points, &[0.5; 20]).iter().all(|s| s.0 == 0.0));
    }
}
