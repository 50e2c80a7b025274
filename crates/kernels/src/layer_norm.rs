//! Layer normalisation (Ba et al., arXiv:1607.06450): each row by its own mean and variance.
//!
//! Rows are independent. The gradients of scale and shift are sums over rows: within blocks of rows that the shape
//! fixes, then over the blocks in order.

use crate::lanes::{LANES, vectorize};
use crate::parallel::for_each_pair;
use crate::{Isa, owned};

/// The shape of a normalisation over the last axis: `x` and `y` are `[rows, features]`, scale and shift `[features]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Rows that are normalised each by itself.
    pub rows: usize,
    /// Values of a row.
    pub features: usize,
    /// Added to the variance.
    pub eps: f32,
}

/// What [`LayerNorm::backward`] gives beside the gradient of the input.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNormGradients {
    /// The scale's, `[features]`.
    pub weight: Vec<f32>,
    /// The shift's, `[features]`.
    pub bias: Vec<f32>,
}

/// Rows of a unit of work, and of a partial sum of the parameters' gradients.
const ROWS: usize = 64;

impl LayerNorm {
    /// `(x - mean) / sqrt(variance + eps) * weight + bias` with each row's mean and biased variance, and per row the mean
    /// and `1 / sqrt(variance + eps)` for the backward pass.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn forward(&self, isa: Isa, x: &[f32], weight: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<[f32; 2]>) {
        let n = self.features;
        self.check(x, weight);
        assert_eq!(bias.len(), n, "shift of {self:?}");
        let mut y = vec![0.0; x.len()];
        let mut moments = vec![[0.0; 2]; self.rows];
        for_each_pair(x.len(), &mut y, &mut moments, [ROWS * n, ROWS], |unit, y, moments| {
            let x = &x[unit * ROWS * n..][..y.len()];
            vectorize(
                isa,
                #[inline(always)]
                |_| {
                    for ((x, y), m) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(moments) {
                        *m = self.moments(x);
                        let [mean, inverse] = *m;
                        for (((y, x), w), b) in y.iter_mut().zip(x).zip(weight).zip(bias) {
                            *y = (x - mean) * inverse * w + b;
                        }
                    }
                },
            );
        });
        (y, moments)
    }

    /// Given the input and what [`LayerNorm::forward`] kept of each row, `dy` becomes the gradient of the input.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn backward(
        &self,
        isa: Isa,
        x: &[f32],
        weight: &[f32],
        moments: &[[f32; 2]],
        dy: &mut [f32],
    ) -> LayerNormGradients {
        let n = self.features;
        self.check(x, weight);
        assert_eq!(dy.len(), x.len(), "gradient of {self:?}");
        assert_eq!(moments.len(), self.rows, "moments of {self:?}");
        let blocks = self.rows.div_ceil(ROWS);
        let mut partial = vec![0.0; blocks * 2 * n];
        for_each_pair(x.len(), dy, &mut partial, [ROWS * n, 2 * n], |unit, dy, partial| {
            let x = &x[unit * ROWS * n..][..dy.len()];
            let moments = &moments[unit * ROWS..];
            let (dw, db) = partial.split_at_mut(n);
            vectorize(
                isa,
                #[inline(always)]
                |_| {
                    for ((x, dy), m) in x.chunks_exact(n).zip(dy.chunks_exact_mut(n)).zip(moments) {
                        self.row_gradient(x, weight, *m, dy, dw, db);
                    }
                },
            );
        });
        let mut weight = owned::column_sums(isa, [blocks, 2 * n], &partial);
        let bias = weight.split_off(n);
        LayerNormGradients { weight, bias }
    }

    fn check(&self, x: &[f32], weight: &[f32]) {
        assert!(self.features > 0, "{self:?} has rows of nothing");
        assert_eq!(x.len(), self.rows * self.features, "input of {self:?}");
        assert_eq!(weight.len(), self.features, "scale of {self:?}");
    }

    /// A row's mean and `1 / sqrt(variance + eps)`.
    #[inline(always)]
    fn moments(&self, x: &[f32]) -> [f32; 2] {
        let n = self.features as f64;
        let [sum] = sums(
            [x],
            #[inline(always)]
            |[x]| [x],
        );
        let mean = (sum / n) as f32;
        let [squares] = sums(
            [x],
            #[inline(always)]
            |[x]| [(x - mean) * (x - mean)],
        );
        [mean, (1.0 / (squares / n + f64::from(self.eps)).sqrt()) as f32]
    }

    /// One row: `dy` becomes the gradient of the input, and what it adds to those of scale and shift is added to them.
    #[inline(always)]
    fn row_gradient(
        &self,
        x: &[f32],
        weight: &[f32],
        [mean, inverse]: [f32; 2],
        dy: &mut [f32],
        dw: &mut [f32],
        db: &mut [f32],
    ) {
        let n = self.features as f64;
        let [plain, along] = sums(
            [x, weight, dy],
            #[inline(always)]
            |[x, w, dy]| [dy * w, dy * w * ((x - mean) * inverse)],
        );
        let (plain, along) = ((plain / n) as f32, (along / n) as f32);
        for ((((dy, x), w), dw), db) in dy.iter_mut().zip(x).zip(weight).zip(dw).zip(db) {
            let normalised = (x - mean) * inverse;
            *dw += *dy * normalised;
            *db += *dy;
            *dy = inverse * (*dy * w - plain - normalised * along);
        }
    }
}

/// Sums of `f` over slices of one length, lane by lane, in an order that the length alone fixes.
#[inline(always)]
fn sums<const I: usize, const S: usize>(src: [&[f32]; I], f: impl Fn([f32; I]) -> [f32; S]) -> [f64; S] {
    let mut lanes = [[0f32; LANES]; S];
    let len = src[0].len();
    let whole = len / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let group: [&[f32; LANES]; I] =
            std::array::from_fn(|i| src[i][at..at + LANES].first_chunk().unwrap_or(&[0.0; LANES]));
        for l in 0..LANES {
            let part = f(std::array::from_fn(|i| group[i][l]));
            for (sum, v) in lanes.iter_mut().zip(part) {
                sum[l] += v;
            }
        }
    }
    for at in whole..len {
        let part = f(std::array::from_fn(|i| src[i][at]));
        for (sum, v) in lanes.iter_mut().zip(part) {
            sum[at - whole] += v;
        }
    }
    lanes.map(|sum| sum.iter().map(|&v| f64::from(v)).sum())
}
