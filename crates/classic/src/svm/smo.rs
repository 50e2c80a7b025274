//! Sequential minimal optimisation of the dual problem (libsvm's `Solver`, without shrinking).

use anyhow::{Result, ensure};

use super::SvmOptions;

/// Scalar products of the samples.
pub(crate) trait Kernel: Sync {
    /// Number of samples.
    fn count(&self) -> usize;
    /// The product of two of them.
    fn value(&self, a: usize, b: usize) -> f64;
}

/// Coefficients `y alpha`, one per sample, and the bias.
pub(crate) struct Solution {
    pub coefficients: Vec<f64>,
    pub bias: f64,
}

/// Bytes that kept rows of the kernel may take.
const CACHE: usize = 64 << 20;
/// Curvature where two samples are the same.
const TAU: f64 = 1e-12;

/// Minimises `alpha Q alpha / 2 - sum alpha` with `0 <= alpha <= C` and `sum y alpha = 0`.
pub(crate) fn solve(kernel: &dyn Kernel, labels: &[bool], options: &SvmOptions) -> Result<Solution> {
    solve_weighted(kernel, labels, options, [1.0; 2])
}

/// As [`solve`], with C times the first weight for samples of the positive class, and times the second for the others.
pub(crate) fn solve_weighted(
    kernel: &dyn Kernel,
    labels: &[bool],
    options: &SvmOptions,
    weights: [f64; 2],
) -> Result<Solution> {
    let mut state = State::new(kernel, labels, weights.map(|weight| weight * options.c));
    let mut rows = Rows::new(kernel);
    // libsvm's limit.
    let most = 10_000_000.max(100 * kernel.count());
    for _ in 0..most {
        let Some((i, j)) = state.working_set(&mut rows, options.tolerance) else {
            return Ok(state.solution());
        };
        rows.load(j, i);
        state.step(i, j, rows.row(i), rows.row(j));
    }
    ensure!(
        false,
        "the support vector machine was not fitted after {most} steps: standardise the features, or lower C"
    );
    unreachable!()
}

struct State {
    y: Vec<f64>,
    alpha: Vec<f64>,
    /// Gradient of the dual objective.
    gradient: Vec<f64>,
    diagonal: Vec<f64>,
    /// Each sample's bound.
    c: Vec<f64>,
}

impl State {
    fn new(kernel: &dyn Kernel, labels: &[bool], [positive, negative]: [f64; 2]) -> Self {
        let n = kernel.count();
        Self {
            y: labels.iter().map(|&label| if label { 1.0 } else { -1.0 }).collect(),
            alpha: vec![0.0; n],
            gradient: vec![-1.0; n],
            diagonal: (0..n).map(|i| kernel.value(i, i)).collect(),
            c: labels.iter().map(|&label| if label { positive } else { negative }).collect(),
        }
    }

    /// Whether `y alpha` can grow.
    fn can_grow(&self, t: usize) -> bool {
        if self.y[t] > 0.0 { self.alpha[t] < self.c[t] } else { self.alpha[t] > 0.0 }
    }

    /// Whether `y alpha` can shrink.
    fn can_shrink(&self, t: usize) -> bool {
        if self.y[t] > 0.0 { self.alpha[t] > 0.0 } else { self.alpha[t] < self.c[t] }
    }

    /// The pair to change: the one that violates its condition most, and its partner of the greatest decrease to second
    /// order. None when all conditions hold to the tolerance.
    fn working_set(&self, rows: &mut Rows, tolerance: f64) -> Option<(usize, usize)> {
        let n = self.y.len();
        let (mut greatest, mut first) = (f64::NEG_INFINITY, None);
        for t in (0..n).filter(|&t| self.can_grow(t)) {
            if -self.y[t] * self.gradient[t] >= greatest {
                (greatest, first) = (-self.y[t] * self.gradient[t], Some(t));
            }
        }
        let i = first?;
        rows.load(i, i);
        let row = rows.row(i);
        let (mut opposite, mut least, mut second) = (f64::NEG_INFINITY, f64::INFINITY, None);
        for t in (0..n).filter(|&t| self.can_shrink(t)) {
            let slope = self.y[t] * self.gradient[t];
            opposite = opposite.max(slope);
            let difference = greatest + slope;
            if difference > 0.0 {
                let curvature = (self.diagonal[i] + self.diagonal[t] - 2.0 * row[t]).max(TAU);
                let change = -difference * difference / curvature;
                if change <= least {
                    (least, second) = (change, Some(t));
                }
            }
        }
        if greatest + opposite < tolerance { None } else { Some((i, second?)) }
    }

    /// Moves along the pair as far as its box allows, and keeps the gradient.
    fn step(&mut self, i: usize, j: usize, row_i: &[f64], row_j: &[f64]) {
        let curvature = (self.diagonal[i] + self.diagonal[j] - 2.0 * row_i[j]).max(TAU);
        let wanted = (self.y[j] * self.gradient[j] - self.y[i] * self.gradient[i]) / curvature;
        // y_i alpha_i grows by as much as y_j alpha_j shrinks.
        let room_i = if self.y[i] > 0.0 { self.c[i] - self.alpha[i] } else { self.alpha[i] };
        let room_j = if self.y[j] > 0.0 { self.alpha[j] } else { self.c[j] - self.alpha[j] };
        let moved = wanted.min(room_i).min(room_j);
        for (t, room, sign) in [(i, room_i, 1.0), (j, room_j, -1.0)] {
            // Bounds are reached exactly: rounding must not leave a sample beside its bound.
            let up = self.y[t] * sign > 0.0;
            self.alpha[t] = match (moved == room, up) {
                (true, true) => self.c[t],
                (true, false) => 0.0,
                (false, true) => self.alpha[t] + moved,
                (false, false) => self.alpha[t] - moved,
            };
        }
        let terms = self.gradient.iter_mut().zip(&self.y).zip(row_i.iter().zip(row_j));
        terms.for_each(|((gradient, y), (a, b))| *gradient += y * moved * (a - b));
    }

    /// The bias is that of the samples on the margin, or the middle of what the others allow (libsvm's `rho`).
    fn solution(self) -> Solution {
        let (mut high, mut low, mut sum, mut free) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0);
        for t in 0..self.y.len() {
            let slope = self.y[t] * self.gradient[t];
            match (self.can_grow(t), self.can_shrink(t)) {
                (true, true) => (sum, free) = (sum + slope, free + 1.0),
                (true, false) => high = high.min(slope),
                (false, _) => low = low.max(slope),
            }
        }
        let rho = if free > 0.0 { sum / free } else { (high + low) / 2.0 };
        Solution { coefficients: self.alpha.iter().zip(&self.y).map(|(a, y)| a * y).collect(), bias: -rho }
    }
}

/// Rows of the kernel that have been needed so far, as many as fit.
struct Rows<'a> {
    kernel: &'a dyn Kernel,
    kept: Vec<Option<Vec<f64>>>,
    number: usize,
    most: usize,
}

impl<'a> Rows<'a> {
    fn new(kernel: &'a dyn Kernel) -> Self {
        let n = kernel.count();
        Self { kernel, kept: vec![None; n], number: 0, most: (CACHE / (8 * n)).max(2) }
    }

    /// Makes sure that row `at` is there, and that `beside` stays.
    fn load(&mut self, at: usize, beside: usize) {
        if self.kept[at].is_some() {
            return;
        }
        if self.number == self.most {
            let staying = self.kept[beside].take();
            self.kept.iter_mut().for_each(|row| *row = None);
            self.number = usize::from(staying.is_some());
            self.kept[beside] = staying;
        }
        self.kept[at] = Some((0..self.kernel.count()).map(|t| self.kernel.value(at, t)).collect());
        self.number += 1;
    }

    fn row(&self, at: usize) -> &[f64] {
        self.kept[at].as_deref().expect("a row is loaded before it is read")
    }
}
