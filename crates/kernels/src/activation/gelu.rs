//! The Gaussian error linear unit (Hendrycks and Gimpel, arXiv:1606.08415) in its exact form, `x * Phi(x)`: PyTorch's
//! `nn.GELU()`.

use std::mem::MaybeUninit;

use super::{exp, gradient, unary};
use crate::Isa;

/// `y = x * Phi(x)`, where `Phi` is the distribution function of the standard normal.
///
/// # Panics
/// When the lengths differ.
pub fn gelu_forward(isa: Isa, x: &[f32], y: &mut [MaybeUninit<f32>]) {
    unary(
        isa,
        x,
        y,
        #[inline(always)]
        |x| x * phi(x),
    );
}

/// `dy` becomes the gradient of `x`, given `x` itself: `Phi(x) + x * exp(-x^2 / 2) / sqrt(2 pi)`.
///
/// # Panics
/// When the lengths differ.
pub fn gelu_backward(isa: Isa, x: &[f32], dy: &mut [f32]) {
    /// `1 / sqrt(2 pi)`
    const DENSITY: f32 = 0.398_942_3;
    gradient(
        isa,
        x,
        dy,
        #[inline(always)]
        |x, dy| dy * (phi(x) + x * DENSITY * exp(-0.5 * x * x)),
    );
}

/// The distribution function of the standard normal, `(1 + erf(x / sqrt(2))) / 2`, to 2e-7; NaN stays NaN.
#[inline(always)]
fn phi(x: f32) -> f32 {
    /// Beyond it, `erf` is 1 in `f32`.
    const LIMIT: f32 = 4.0;
    let z = x * std::f32::consts::FRAC_1_SQRT_2;
    let high = if z > LIMIT { LIMIT } else { z };
    let v = if high < -LIMIT { -LIMIT } else { high };
    // A rational approximation, as Eigen and XLA have it.
    let s = v * v;
    let mut num = -2.726_142_3e-10;
    for c in [2.770_681_4e-8, -2.101_024e-6, -5.692_506_5e-5, -7.349_906_3e-4, -2.954_6e-3, -1.609_603_3e-2] {
        num = num * s + c;
    }
    let mut den = -1.456_607_2e-5;
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
        den = den * s + c;
    }
    let half = 0.5 + 0.5 * (v * num / den);
    // Not what rounding leaves of 0: it would be multiplied by a large x.
    let low = if z <= -LIMIT { 0.0 } else { half };
    if z >= LIMIT { 1.0 } else { low }
}
