//! Scaled dot-product attention of several heads (Vaswani et al., arXiv:1706.03762): `softmax(q k^T / sqrt(width)) v`.
//!
//! Queries, keys and values of a token stand side by side, as one linear layer gives them. A unit of work is one group
//! of tokens with all its heads, so nothing is summed across units.

use crate::activation::exp;
use crate::lanes::{LANES, vectorize};
use crate::parallel::for_each_pair;
use crate::{Activation, Gemm, Isa};

/// The shape of attention among groups of tokens: its input is `[groups, tokens, 3, heads, width]`, its output `[groups,
/// tokens, heads, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attention {
    /// Groups that do not see each other: examples, or windows of them.
    pub groups: usize,
    /// Tokens of a group.
    pub tokens: usize,
    /// Heads.
    pub heads: usize,
    /// Features of a head.
    pub width: usize,
}

/// Which of the three that stand side by side.
#[derive(Clone, Copy)]
enum Part {
    Query,
    Key,
    Value,
}

impl Attention {
    /// The output, and the weights `[groups, heads, tokens, tokens]` that the backward pass needs: row `i` says how much
    /// token `i` takes of each.
    ///
    /// # Panics
    /// When the input has not the length that the shape says.
    pub fn forward(&self, isa: Isa, qkv: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let [n, inner] = [self.tokens, self.heads * self.width];
        self.check(qkv);
        let mut y = vec![0.0; self.groups * n * inner];
        let mut weights = vec![0.0; self.groups * self.heads * n * n];
        let lens = [n * inner, self.heads * n * n];
        for_each_pair(self.work(), &mut y, &mut weights, lens, |group, y, weights| {
            let qkv = &qkv[group * 3 * n * inner..][..3 * n * inner];
            if n == 1 {
                // One token takes all of itself.
                y.copy_from_slice(&qkv[2 * inner..]);
                weights.fill(1.0);
                return;
            }
            for (head, weights) in weights.chunks_exact_mut(n * n).enumerate() {
                let [q, k, v] = [Part::Query, Part::Key, Part::Value].map(|part| self.gather(qkv, part, head));
                let scores =
                    self.product([n, n, self.width], [false, true]).product(isa, &q, &k, None, Activation::None);
                weights.copy_from_slice(&scores);
                softmax_rows(isa, n, weights);
                let out =
                    self.product([n, self.width, n], [false; 2]).product(isa, weights, &v, None, Activation::None);
                scatter(&out, self.width, y, inner, head * self.width);
            }
        });
        (y, weights)
    }

    /// The gradient of the input, from that of the output and what [`Attention::forward`] gave.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn backward(&self, isa: Isa, qkv: &[f32], weights: &[f32], dy: &[f32]) -> Vec<f32> {
        let [n, d, inner] = [self.tokens, self.width, self.heads * self.width];
        self.check(qkv);
        assert_eq!(weights.len(), self.groups * self.heads * n * n, "weights of {self:?}");
        assert_eq!(dy.len(), self.groups * n * inner, "gradient of {self:?}");
        let mut dx = vec![0.0; qkv.len()];
        let mut units = vec![(); self.groups];
        for_each_pair(2 * self.work(), &mut dx, &mut units, [3 * n * inner, 1], |group, dx, _| {
            let qkv = &qkv[group * 3 * n * inner..][..3 * n * inner];
            let dy = &dy[group * n * inner..][..n * inner];
            if n == 1 {
                dx[2 * inner..].copy_from_slice(dy);
                return;
            }
            let multiply = |sizes, transposed, a: &[f32], b: &[f32]| {
                self.product(sizes, transposed).product(isa, a, b, None, Activation::None)
            };
            for head in 0..self.heads {
                let weights = &weights[(group * self.heads + head) * n * n..][..n * n];
                let [q, k, v] = [Part::Query, Part::Key, Part::Value].map(|part| self.gather(qkv, part, head));
                let dout = columns(dy, inner, head * d, d);
                let dv = multiply([n, d, n], [true, false], weights, &dout);
                let mut scores = multiply([n, n, d], [false, true], &dout, &v);
                softmax_rows_gradient(isa, n, weights, &mut scores);
                let mut dq = multiply([n, d, n], [false; 2], &scores, &k);
                dq.iter_mut().for_each(|v| *v *= self.scale());
                // The queries were scaled as they were gathered.
                let dk = multiply([n, d, n], [true, false], &scores, &q);
                for (part, gradient) in [(Part::Query, &dq), (Part::Key, &dk), (Part::Value, &dv)] {
                    scatter(gradient, d, dx, 3 * inner, part as usize * inner + head * d);
                }
            }
        });
        dx
    }

    fn check(&self, qkv: &[f32]) {
        assert_eq!(qkv.len(), self.groups * self.tokens * 3 * self.heads * self.width, "input of {self:?}");
    }

    /// Multiplications of the forward pass.
    fn work(&self) -> usize {
        2 * self.groups * self.heads * self.tokens * self.tokens * self.width
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    fn product(&self, [m, n, k]: [usize; 3], [a_transposed, b_transposed]: [bool; 2]) -> Gemm {
        Gemm { m, n, k, a_transposed, b_transposed }
    }

    /// A head's queries, keys or values, `[tokens, width]`; queries are scaled.
    fn gather(&self, qkv: &[f32], part: Part, head: usize) -> Vec<f32> {
        let inner = self.heads * self.width;
        let mut own = columns(qkv, 3 * inner, part as usize * inner + head * self.width, self.width);
        if let Part::Query = part {
            own.iter_mut().for_each(|v| *v *= self.scale());
        }
        own
    }
}

/// Some columns of a matrix with rows of `pitch` values.
fn columns(x: &[f32], pitch: usize, first: usize, width: usize) -> Vec<f32> {
    let mut own = Vec::with_capacity(x.len() / pitch * width);
    x.chunks_exact(pitch).for_each(|row| own.extend_from_slice(&row[first..first + width]));
    own
}

/// Puts a matrix of `width` columns in its place among rows of `pitch` values.
fn scatter(own: &[f32], width: usize, x: &mut [f32], pitch: usize, first: usize) {
    for (own, row) in own.chunks_exact(width).zip(x.chunks_exact_mut(pitch)) {
        row[first..first + width].copy_from_slice(own);
    }
}

/// Each row becomes its softmax.
fn softmax_rows(isa: Isa, n: usize, x: &mut [f32]) {
    vectorize(
        isa,
        #[inline(always)]
        |_| {
            for row in x.chunks_exact_mut(n) {
                let max = lanes(
                    row,
                    f32::NEG_INFINITY,
                    #[inline(always)]
                    |m, v| if v > m { v } else { m },
                );
                row.iter_mut().for_each(|v| *v = exp(*v - max));
                let inverse = 1.0
                    / lanes(
                        row,
                        0.0,
                        #[inline(always)]
                        |sum, v| sum + v,
                    );
                row.iter_mut().for_each(|v| *v *= inverse);
            }
        },
    );
}

/// `dy` becomes the gradient of what the rows of `y` are the softmax of.
fn softmax_rows_gradient(isa: Isa, n: usize, y: &[f32], dy: &mut [f32]) {
    vectorize(
        isa,
        #[inline(always)]
        |_| {
            for (y, dy) in y.chunks_exact(n).zip(dy.chunks_exact_mut(n)) {
                dy.iter_mut().zip(y).for_each(|(dy, y)| *dy *= y);
                let inner = lanes(
                    dy,
                    0.0,
                    #[inline(always)]
                    |sum, v| sum + v,
                );
                dy.iter_mut().zip(y).for_each(|(dy, y)| *dy -= y * inner);
            }
        },
    );
}

/// Folds a row, lane by lane, then the lanes.
#[inline(always)]
fn lanes(row: &[f32], start: f32, f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut all = [start; LANES];
    let mut groups = row.chunks_exact(LANES);
    for group in &mut groups {
        for (lane, &v) in all.iter_mut().zip(group) {
            *lane = f(*lane, v);
        }
    }
    for (lane, &v) in all.iter_mut().zip(groups.remainder()) {
        *lane = f(*lane, v);
    }
    all.into_iter().fold(start, f)
}
