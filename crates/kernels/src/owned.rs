//! The kernels with outputs of their own: a `Vec` per result, allocated but not cleared before the kernel fills it.
//!
//! These are the safe door for callers that keep whole tensors; the slice forms serve those that recycle memory.

use std::mem::MaybeUninit;

use crate::activation::Function;
use crate::pool::{self, Pool2d};
use crate::{Activation, BatchNorm, Channels, Conv2d, Gemm, Isa, activation, dropout, gates, loss, reduce};

/// A vector of `len` values that `fill` writes. Private, because it trusts `fill`: every closure in this file hands the
/// whole slice to kernels whose documentation promises to write every element, or panic (then the length stays 0).
fn filled<T>(len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    fill(&mut values.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is at least `len`, and `fill` wrote every element, as said above.
    unsafe { values.set_len(len) };
    values
}

impl Conv2d {
    fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.height * self.width
    }

    fn output_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height() * self.out_width()
    }

    fn weight_len(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups) * self.kernel[0] * self.kernel[1]
    }

    /// As [`Conv2d::forward`].
    pub fn output(&self, isa: Isa, x: &[f32], w: &[f32], bias: Option<&[f32]>, act: Activation) -> Vec<f32> {
        filled(self.output_len(), |y| self.forward(isa, x, w, bias, act, y))
    }

    /// As [`Conv2d::backward_data`].
    pub fn input_gradient(&self, isa: Isa, dy: &[f32], w: &[f32]) -> Vec<f32> {
        filled(self.input_len(), |dx| self.backward_data(isa, dy, w, dx))
    }

    /// As [`Conv2d::backward_weight`]: the gradients of weight and, where wanted, bias.
    pub fn weight_gradient(&self, isa: Isa, x: &[f32], dy: &[f32], bias: bool) -> (Vec<f32>, Option<Vec<f32>>) {
        if !bias {
            return (filled(self.weight_len(), |dw| self.backward_weight(isa, x, dy, dw, None)), None);
        }
        let mut dw = Vec::new();
        let db = filled(self.out_channels, |db| {
            dw = filled(self.weight_len(), |dw| self.backward_weight(isa, x, dy, dw, Some(db)));
        });
        (dw, Some(db))
    }
}

impl Conv2d {
    /// As [`Conv2d::backward_depthwise`]: the gradients of input, weight and, where wanted, bias, in one pass.
    pub fn all_gradients(
        &self,
        isa: Isa,
        x: &[f32],
        dy: &[f32],
        w: &[f32],
        bias: bool,
    ) -> (Vec<f32>, Vec<f32>, Option<Vec<f32>>) {
        let (mut dw, mut db) = (Vec::new(), None);
        let dx = filled(self.input_len(), |dx| {
            dw = filled(self.weight_len(), |dw| match bias {
                true => {
                    db = Some(filled(self.out_channels, |b| self.backward_depthwise(isa, x, dy, w, dx, dw, Some(b))))
                }
                false => self.backward_depthwise(isa, x, dy, w, dx, dw, None),
            });
        });
        (dx, dw, db)
    }
}

impl Gemm {
    /// As [`Gemm::run`].
    pub fn product(&self, isa: Isa, a: &[f32], b: &[f32], bias: Option<&[f32]>, act: Activation) -> Vec<f32> {
        filled(self.m * self.n, |c| self.run(isa, a, b, bias, act, c))
    }
}

impl BatchNorm {
    /// As [`BatchNorm::forward`]: output, mean and biased variance.
    pub fn normalised(&self, isa: Isa, x: &[f32], gamma: &[f32], beta: &[f32]) -> [Vec<f32>; 3] {
        let (mut mean, mut var) = (Vec::new(), Vec::new());
        let y = filled(x.len(), |y| {
            mean = filled(self.channels, |m| {
                var = filled(self.channels, |v| self.forward(isa, x, gamma, beta, y, m, v));
            });
        });
        [y, mean, var]
    }

    /// As [`BatchNorm::forward_residual`]: output, mean and biased variance.
    pub fn normalised_residual(
        &self,
        isa: Isa,
        x: &[f32],
        residual: &[f32],
        gamma: &[f32],
        beta: &[f32],
    ) -> [Vec<f32>; 3] {
        let (mut mean, mut var) = (Vec::new(), Vec::new());
        let y = filled(x.len(), |y| {
            mean = filled(self.channels, |m| {
                var = filled(self.channels, |v| self.forward_residual(isa, x, residual, gamma, beta, y, m, v));
            });
        });
        [y, mean, var]
    }

    /// As [`BatchNorm::forward_frozen`].
    pub fn frozen(&self, isa: Isa, x: &[f32], residual: Option<&[f32]>, p: Channels<'_>) -> Vec<f32> {
        filled(x.len(), |y| self.forward_frozen(isa, x, residual, p, y))
    }

    /// As [`BatchNorm::backward_in_place`]: the gradients of scale and shift; `dy` becomes that of the input.
    pub fn gradients_in_place(&self, isa: Isa, x: &[f32], p: Channels<'_>, dy: &mut [f32]) -> [Vec<f32>; 2] {
        let mut dbeta = Vec::new();
        let dgamma = filled(self.channels, |g| {
            dbeta = filled(self.channels, |b| self.backward_in_place(isa, x, p, dy, g, b));
        });
        [dgamma, dbeta]
    }

    /// As [`BatchNorm::backward_residual`]: the gradients of input, scale and shift; `dy` becomes the residual's.
    pub fn gradients_residual(&self, isa: Isa, x: &[f32], y: &[f32], p: Channels<'_>, dy: &mut [f32]) -> [Vec<f32>; 3] {
        let (mut dgamma, mut dbeta) = (Vec::new(), Vec::new());
        let dx = filled(x.len(), |dx| {
            dgamma = filled(self.channels, |g| {
                dbeta = filled(self.channels, |b| self.backward_residual(isa, x, y, p, dy, dx, g, b));
            });
        });
        [dx, dgamma, dbeta]
    }

    /// As [`BatchNorm::backward_frozen`]: the gradients of scale and shift; `dy` becomes that of the input.
    pub fn gradients_frozen(&self, isa: Isa, x: &[f32], p: Channels<'_>, dy: &mut [f32]) -> [Vec<f32>; 2] {
        let mut dbeta = Vec::new();
        let dgamma = filled(self.channels, |g| {
            dbeta = filled(self.channels, |b| self.backward_frozen(isa, x, p, dy, Some([g, b])));
        });
        [dgamma, dbeta]
    }
}

impl Pool2d {
    fn input_len(&self) -> usize {
        self.batch * self.channels * self.height * self.width
    }

    fn output_len(&self) -> usize {
        self.batch * self.channels * self.out_height() * self.out_width()
    }

    /// As [`Pool2d::max_forward`]: the maxima and where in their windows they stood.
    pub fn maxima(&self, isa: Isa, x: &[f32]) -> (Vec<f32>, Vec<u8>) {
        let mut index = Vec::new();
        let y = filled(self.output_len(), |y| {
            index = filled(self.output_len(), |i| self.max_forward(isa, x, y, i));
        });
        (y, index)
    }

    /// As [`Pool2d::max_backward`].
    pub fn max_gradient(&self, isa: Isa, dy: &[f32], index: &[u8]) -> Vec<f32> {
        filled(self.input_len(), |dx| self.max_backward(isa, dy, index, dx))
    }

    /// As [`Pool2d::average_forward`].
    pub fn averages(&self, isa: Isa, count_include_pad: bool, x: &[f32]) -> Vec<f32> {
        filled(self.output_len(), |y| self.average_forward(isa, count_include_pad, x, y))
    }

    /// As [`Pool2d::average_backward`].
    pub fn average_gradient(&self, isa: Isa, count_include_pad: bool, dy: &[f32]) -> Vec<f32> {
        filled(self.input_len(), |dx| self.average_backward(isa, count_include_pad, dy, dx))
    }
}

/// As [`pool::global_average_forward`]: `x` has `planes` planes.
pub fn plane_means(isa: Isa, planes: usize, x: &[f32]) -> Vec<f32> {
    filled(planes, |y| pool::global_average_forward(isa, x.len() / planes.max(1), x, y))
}

/// As [`pool::global_average_backward`].
pub fn plane_means_gradient(isa: Isa, spatial: usize, dy: &[f32]) -> Vec<f32> {
    filled(dy.len() * spatial, |dx| pool::global_average_backward(isa, spatial, dy, dx))
}

/// As [`activation::forward`].
pub fn activated(isa: Isa, act: Activation, x: &[f32]) -> Vec<f32> {
    filled(x.len(), |y| activation::forward(isa, act, x, y))
}

/// As [`activation::gelu_forward`].
pub fn gelu(isa: Isa, x: &[f32]) -> Vec<f32> {
    filled(x.len(), |y| activation::gelu_forward(isa, x, y))
}

/// As [`Function::forward`].
pub fn applied(isa: Isa, f: Function, x: &[f32]) -> Vec<f32> {
    filled(x.len(), |y| f.forward(isa, x, y))
}

/// As [`gates::forward`]: `factors` has one value for each plane of `x`.
pub fn gated(isa: Isa, factors: &[f32], x: &[f32]) -> Vec<f32> {
    filled(x.len(), |y| gates::forward(isa, factors, x, y))
}

/// As [`gates::backward`]: `dy` becomes the gradient of `x`; gives that of the factors.
pub fn gate_gradients(isa: Isa, factors: &[f32], x: &[f32], dy: &mut [f32]) -> Vec<f32> {
    filled(factors.len(), |d| gates::backward(isa, factors, x, dy, d))
}

/// As [`activation::add_forward`].
pub fn sum(isa: Isa, act: Activation, a: &[f32], b: &[f32]) -> Vec<f32> {
    filled(a.len(), |y| activation::add_forward(isa, act, a, b, y))
}

/// As [`dropout::forward`].
pub fn dropped(isa: Isa, key: u64, p: f64, x: &[f32]) -> Vec<f32> {
    filled(x.len(), |y| dropout::forward(isa, key, p, x, y))
}

/// As [`dropout::mask`], for `len` elements.
pub fn dropout_mask(isa: Isa, key: u64, p: f64, len: usize) -> Vec<f32> {
    filled(len, |y| dropout::mask(isa, key, p, y))
}

/// As [`loss::softmax_cross_entropy`] without weights: the loss of each row, and its gradient by the logits.
pub fn cross_entropy(isa: Isa, shape: [usize; 2], logits: &[f32], targets: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut gradient = Vec::new();
    let losses = filled(shape[0], |l| {
        gradient = filled(logits.len(), |d| loss::softmax_cross_entropy(isa, shape, logits, targets, None, 1.0, l, d));
    });
    (losses, gradient)
}

/// As [`reduce::row_sums`].
pub fn column_sums(isa: Isa, shape: [usize; 2], x: &[f32]) -> Vec<f32> {
    filled(shape[1], |y| reduce::row_sums(isa, shape, x, y))
}
