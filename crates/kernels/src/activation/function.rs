//! Sigmoid and SiLU, and the forms of both that are made of straight lines: what gates channels, and what stands in place of
//! ReLU in MobileNetV3 and EfficientNet. Unlike a ReLU's, their gradients are not known from the output.

use std::mem::MaybeUninit;

use super::{Act, Relu6, exp, gradient, unary};
use crate::Isa;

/// An element-wise function that stands by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `min(max(x + 3, 0), 6) / 6`: PyTorch's `nn.Hardsigmoid` (not Keras' old one, which has the slope 0.2).
    HardSigmoid,
    /// `x * sigmoid(x)` (Elfwing et al., arXiv:1702.03118): PyTorch's `nn.SiLU`, also called swish.
    Silu,
    /// `x * min(max(x + 3, 0), 6) / 6` (Howard et al., arXiv:1905.02244): PyTorch's `nn.Hardswish`.
    HardSwish,
}

impl Function {
    /// `y = f(x)`; NaN stays NaN.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn forward(self, isa: Isa, x: &[f32], y: &mut [MaybeUninit<f32>]) {
        match self {
            Self::Sigmoid => unary(isa, x, y, sigmoid),
            Self::HardSigmoid => unary(isa, x, y, hard_sigmoid),
            Self::Silu => unary(
                isa,
                x,
                y,
                #[inline(always)]
                |x| x * sigmoid(x),
            ),
            Self::HardSwish => unary(
                isa,
                x,
                y,
                #[inline(always)]
                |x| x * hard_sigmoid(x),
            ),
        }
    }

    /// `dy` becomes the gradient of `x`, given `x` itself. Where two lines meet the gradient is PyTorch's: that of the line
    /// outside.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn backward(self, isa: Isa, x: &[f32], dy: &mut [f32]) {
        match self {
            Self::Sigmoid => gradient(isa, x, dy, sigmoid_gradient),
            Self::HardSigmoid => gradient(isa, x, dy, hard_sigmoid_gradient),
            Self::Silu => gradient(isa, x, dy, silu_gradient),
            Self::HardSwish => gradient(isa, x, dy, hard_swish_gradient),
        }
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn sigmoid_gradient(x: f32, dy: f32) -> f32 {
    let s = sigmoid(x);
    dy * s * (1.0 - s)
}

#[inline(always)]
fn silu_gradient(x: f32, dy: f32) -> f32 {
    let s = sigmoid(x);
    dy * s * (1.0 + x * (1.0 - s))
}

#[inline(always)]
fn hard_sigmoid(x: f32) -> f32 {
    Relu6::apply(x + 3.0) / 6.0
}

#[inline(always)]
fn hard_sigmoid_gradient(x: f32, dy: f32) -> f32 {
    Relu6::gate(x + 3.0, dy / 6.0)
}

#[inline(always)]
fn hard_swish_gradient(x: f32, dy: f32) -> f32 {
    let inside = dy * (x / 3.0 + 0.5);
    let low = if x <= -3.0 { 0.0 } else { inside };
    if x >= 3.0 { dy } else { low }
}
