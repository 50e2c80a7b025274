//! Element-wise activations and the activated sum of a residual block.
//!
//! All slices of a call have the same length, whatever the shape. Backward passes work in place on the gradient.

use std::mem::MaybeUninit;

use crate::conv::Activation;
use crate::lanes::{Store, fence, map};
use crate::parallel::{Shared, for_each_chunk};
use crate::{Isa, lanes};

/// An activation that the compiler knows at compile time.
pub(crate) trait Act: Copy + Send + Sync + 'static {
    /// The activated value; NaN stays NaN.
    fn apply(v: f32) -> f32;

    /// The gradient `dy` where the activation passes it, else 0. `v` may be the value before or after the activation.
    fn gate(v: f32, dy: f32) -> f32;
}

/// [`Activation::None`].
#[derive(Clone, Copy)]
pub(crate) struct Identity;

/// [`Activation::Relu`].
#[derive(Clone, Copy)]
pub(crate) struct Relu;

/// [`Activation::Relu6`].
#[derive(Clone, Copy)]
pub(crate) struct Relu6;

impl Act for Identity {
    #[inline(always)]
    fn apply(v: f32) -> f32 {
        v
    }

    #[inline(always)]
    fn gate(_v: f32, dy: f32) -> f32 {
        dy
    }
}

impl Act for Relu {
    #[inline(always)]
    fn apply(v: f32) -> f32 {
        if v < 0.0 { 0.0 } else { v }
    }

    #[inline(always)]
    fn gate(v: f32, dy: f32) -> f32 {
        if v <= 0.0 { 0.0 } else { dy }
    }
}

impl Act for Relu6 {
    #[inline(always)]
    fn apply(v: f32) -> f32 {
        let low = if v < 0.0 { 0.0 } else { v };
        if low > 6.0 { 6.0 } else { low }
    }

    #[inline(always)]
    fn gate(v: f32, dy: f32) -> f32 {
        if (v <= 0.0) | (v >= 6.0) { 0.0 } else { dy }
    }
}

/// Evaluates the expression with the type alias `$A` set to the activation's type.
macro_rules! with_act {
    ($act:expr, $A:ident => $body:expr) => {
        match $act {
            $crate::conv::Activation::None => {
                type $A = $crate::activation::Identity;
                $body
            }
            $crate::conv::Activation::Relu => {
                type $A = $crate::activation::Relu;
                $body
            }
            $crate::conv::Activation::Relu6 => {
                type $A = $crate::activation::Relu6;
                $body
            }
        }
    };
}
pub(crate) use with_act;

/// `y = act(x)`.
///
/// # Panics
/// When the lengths differ.
pub fn forward(isa: Isa, act: Activation, x: &[f32], y: &mut [MaybeUninit<f32>]) {
    with_act!(act, A => unary(isa, x, y, A::apply));
}

/// `dy` becomes the gradient of `x`, given `y = act(x)` (or `x` itself).
///
/// # Panics
/// When the lengths differ.
pub fn backward(isa: Isa, act: Activation, y: &[f32], dy: &mut [f32]) {
    with_act!(act, A => gradient(isa, y, dy, A::gate));
}

/// `y = act(a + b)`. The gradient of both `a` and `b` is what [`backward`] makes of `y` and `dy`.
///
/// # Panics
/// When the lengths differ.
pub fn add_forward(isa: Isa, act: Activation, a: &[f32], b: &[f32], y: &mut [MaybeUninit<f32>]) {
    with_act!(act, A => binary(isa, a, b, y, #[inline(always)] |a, b| A::apply(a + b)));
}

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

/// `y = f(x)`.
fn unary(isa: Isa, x: &[f32], y: &mut [MaybeUninit<f32>], f: impl Fn(f32) -> f32 + Send + Sync) {
    assert_eq!(x.len(), y.len(), "input and output differ in length");
    let out = Shared::output(y);
    let how = Store::for_output(x.len());
    for_each_chunk(x.len(), |start, len| {
        // SAFETY: the chunk lies within both slices, and no other unit writes to it.
        unsafe {
            map_chunk(
                isa,
                how,
                [x.as_ptr().add(start)],
                out.ptr().add(start),
                len,
                #[inline(always)]
                |[v]| f(v),
            )
        };
    });
}

/// `y = f(a, b)`.
fn binary(isa: Isa, a: &[f32], b: &[f32], y: &mut [MaybeUninit<f32>], f: impl Fn(f32, f32) -> f32 + Send + Sync) {
    assert_eq!(a.len(), y.len(), "input and output differ in length");
    assert_eq!(b.len(), y.len(), "input and output differ in length");
    let out = Shared::output(y);
    let how = Store::for_output(a.len());
    for_each_chunk(a.len(), |start, len| {
        // SAFETY: the chunk lies within all slices, and no other unit writes to it.
        unsafe {
            let src = [a.as_ptr().add(start), b.as_ptr().add(start)];
            map_chunk(
                isa,
                how,
                src,
                out.ptr().add(start),
                len,
                #[inline(always)]
                |[a, b]| f(a, b),
            );
        }
    });
}

/// `dy = f(y, dy)`.
fn gradient(isa: Isa, y: &[f32], dy: &mut [f32], f: impl Fn(f32, f32) -> f32 + Send + Sync) {
    assert_eq!(y.len(), dy.len(), "output and gradient differ in length");
    let out = Shared::new(dy);
    for_each_chunk(y.len(), |start, len| {
        // SAFETY: the chunk lies within both slices, and no other unit touches it.
        unsafe {
            let dst = out.ptr().add(start);
            map_chunk(
                isa,
                Store::Cached,
                [y.as_ptr().add(start), dst],
                dst,
                len,
                #[inline(always)]
                |[y, dy]| f(y, dy),
            );
        }
    });
}

/// One chunk of an element-wise kernel with one output.
///
/// # Safety
/// As for [`lanes::pass`], but may be called outside of `vectorize`.
#[inline(always)]
unsafe fn map_chunk<const I: usize>(
    isa: Isa,
    how: Store,
    src: [*const f32; I],
    dst: *mut f32,
    len: usize,
    f: impl Fn([f32; I]) -> f32,
) {
    lanes::vectorize(
        isa,
        #[inline(always)]
        |isa| {
            // SAFETY: the caller's promise.
            unsafe {
                map(
                    isa,
                    how,
                    src,
                    [dst],
                    len,
                    #[inline(always)]
                    |v| [f(v)],
                );
            }
            fence(how);
        },
    );
}
