//! Element-wise activations and the activated sum of a residual block.
//!
//! All slices of a call have the same length, whatever the shape. Backward passes work in place on the gradient.

mod function;
mod gelu;
mod smooth;

pub use function::Function;
pub use gelu::{gelu_backward, gelu_forward};
pub(crate) use smooth::{exp, tanh};
pub use smooth::{sigmoid_backward, sigmoid_forward, tanh_backward, tanh_forward};

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
