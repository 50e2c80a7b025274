//! Sigmoid and hyperbolic tangent.

use std::mem::MaybeUninit;

use super::{gradient, unary};
use crate::Isa;

/// `y = 1 / (1 + exp(-x))`.
///
/// # Panics
/// When the lengths differ.
pub fn sigmoid_forward(isa: Isa, x: &[f32], y: &mut [MaybeUninit<f32>]) {
    unary(
        isa,
        x,
        y,
        #[inline(always)]
        |v| 1.0 / (1.0 + exp(-v)),
    );
}

/// `dy` becomes the gradient of `x`, given `y = sigmoid(x)`.
///
/// # Panics
/// When the lengths differ.
pub fn sigmoid_backward(isa: Isa, y: &[f32], dy: &mut [f32]) {
    gradient(
        isa,
        y,
        dy,
        #[inline(always)]
        |y, dy| dy * y * (1.0 - y),
    );
}

/// `y = tanh(x)`.
///
/// # Panics
/// When the lengths differ.
pub fn tanh_forward(isa: Isa, x: &[f32], y: &mut [MaybeUninit<f32>]) {
    unary(isa, x, y, tanh);
}

/// `dy` becomes the gradient of `x`, given `y = tanh(x)`.
///
/// # Panics
/// When the lengths differ.
pub fn tanh_backward(isa: Isa, y: &[f32], dy: &mut [f32]) {
    gradient(
        isa,
        y,
        dy,
        #[inline(always)]
        |y, dy| dy * (1.0 - y * y),
    );
}

/// `exp(x)` to 2 ulp without branches, so that it vectorises. 0 below -87, infinite above 88, NaN stays NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few bits: n * LN2_HIGH is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = if x > 88.0 { 88.0 } else { x };
    let clamped = if clamped < -87.0 { -87.0 } else { clamped };
    let rounded = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (clamped - n * LN2_HIGH) - n * LN2_LOW;
    let mut p = 1.987_569_1e-4;
    for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
        p = p * r + c;
    }
    let mantissa = p * r * r + r + 1.0;
    // The low bits of `rounded` hold n in two's complement; shifted into the exponent they give 2^n.
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(0x3f80_0000));
    let inside = mantissa * power;
    let below = if x < -87.0 { 0.0 } else { inside };
    if x > 88.0 { f32::INFINITY } else { below }
}

/// `tanh(x)` by a rational approximation on the range in which it is not yet 1 in `f32`; NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    const LIMIT: f32 = 7.905_311;
    let high = if x > LIMIT { LIMIT } else { x };
    let v = if high < -LIMIT { -LIMIT } else { high };
    let s = v * v;
    let mut num = -2.760_768_5e-16;
    for c in [2.000_188e-13, -8.604_672e-11, 5.122_297e-8, 1.485_722_4e-5, 6.372_619e-4, 4.893_524_6e-3] {
        num = num * s + c;
    }
    let mut den = 1.198_258_4e-6;
    for c in [1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3] {
        den = den * s + c;
    }
    v * num / den
}
