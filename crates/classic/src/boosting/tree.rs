//! Regression trees of least squares, grown depth first, with Friedman's measure of a split.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;

/// Values of a feature that are no further apart are one value (scikit-learn's `FEATURE_THRESHOLD`).
const APART: f64 = 1e-7;

/// A tree; its root is the first node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Node {
    Leaf {
        value: f64,
    },
    /// Rows whose feature is at most the threshold go to the left.
    Split {
        feature: usize,
        threshold: f64,
        left: usize,
        right: usize,
    },
}

impl Tree {
    /// The value of the leaf that a row falls into.
    pub(super) fn value(&self, row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf { value } => return value,
                Node::Split { feature, threshold, left, right } => {
                    at = if row[feature] <= threshold { left } else { right };
                }
            }
        }
    }

    /// Checks a tree that was read from a file: features exist, and every way ends.
    pub(super) fn check(&self, features: usize) -> Result<()> {
        ensure!(!self.nodes.is_empty(), "one of its trees has no nodes");
        for (at, node) in self.nodes.iter().enumerate() {
            if let Node::Split { feature, left, right, .. } = *node {
                let leads_on = left > at && right > at && left.max(right) < self.nodes.len();
                ensure!(leads_on && feature < features, "node {at} of one of its trees leads nowhere");
            }
        }
        Ok(())
    }
}

/// Grows trees on the same rows.
pub(super) struct Grower<'a> {
    rows: &'a Matrix,
    depth: usize,
    smallest_leaf: usize,
}

impl<'a> Grower<'a> {
    pub(super) fn new(rows: &'a Matrix, depth: usize, smallest_leaf: usize) -> Self {
        Self { rows, depth, smallest_leaf }
    }

    /// The tree of these targets, one per row; `value` gives what a leaf with these rows says.
    pub(super) fn grow(&self, targets: &[f64], value: &dyn Fn(&[usize]) -> f64) -> Tree {
        let mut nodes = Vec::new();
        self.grow_node(&mut nodes, (0..targets.len()).collect(), targets, value, 0);
        Tree { nodes }
    }

    fn grow_node(
        &self,
        nodes: &mut Vec<Node>,
        members: Vec<usize>,
        targets: &[f64],
        value: &dyn Fn(&[usize]) -> f64,
        depth: usize,
    ) -> usize {
        let at = nodes.len();
        nodes.push(Node::Leaf { value: value(&members) });
        let is_leaf = depth == self.depth || members.len() < 2 * self.smallest_leaf || members.len() < 2;
        if is_leaf || variance(&members, targets) <= f64::EPSILON {
            return at;
        }
        let Some((feature, threshold)) = self.best_split(&members, targets) else { return at };
        let (low, high) = members.into_iter().partition(|&row| self.rows.row(row)[feature] <= threshold);
        let left = self.grow_node(nodes, low, targets, value, depth + 1);
        let right = self.grow_node(nodes, high, targets, value, depth + 1);
        nodes[at] = Node::Split { feature, threshold, left, right };
        at
    }

    /// The split of greatest improvement: `(n_r sum_l - n_l sum_r)^2 / (n_l n_r)`, Friedman's (35) up to a constant.
    fn best_split(&self, members: &[usize], targets: &[f64]) -> Option<(usize, f64)> {
        let total: f64 = members.iter().map(|&row| targets[row]).sum();
        let n = members.len();
        let (mut best, mut chosen) = (f64::NEG_INFINITY, None);
        let mut sorted: Vec<(f64, f64)> = Vec::with_capacity(n);
        for feature in 0..self.rows.columns() {
            sorted.clear();
            sorted.extend(members.iter().map(|&row| (self.rows.row(row)[feature], targets[row])));
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut left = 0.0;
            for count in 1..n {
                left += sorted[count - 1].1;
                let (below, above) = (sorted[count - 1].0, sorted[count].0);
                if above <= below + APART || count < self.smallest_leaf || n - count < self.smallest_leaf {
                    continue;
                }
                let (n_left, n_right) = (count as f64, (n - count) as f64);
                let improvement = (n_right * left - n_left * (total - left)).powi(2) / (n_left * n_right);
                if improvement > best {
                    let middle = below / 2.0 + above / 2.0;
                    best = improvement;
                    chosen = Some((feature, if middle < above { middle } else { below }));
                }
            }
        }
        chosen
    }
}

fn variance(members: &[usize], targets: &[f64]) -> f64 {
    let n = members.len() as f64;
    let mean = members.iter().map(|&row| targets[row]).sum::<f64>() / n;
    members.iter().map(|&row| targets[row] * targets[row]).sum::<f64>() / n - mean * mean
}
