//! Softmax, its logarithm, and cross-entropy against soft targets. Rows are independent; sums within a row are `f64`.

use std::mem::MaybeUninit;

use crate::Isa;
use crate::activation::exp;
use crate::lanes::{Store, Sums, map, sum, vectorize};
use crate::parallel::{Shared, for_each_item};

/// Cross-entropy of `softmax(logits)` against `targets`, with its gradient, in one pass.
///
/// `logits`, `targets` and `dlogits` are `[rows, classes]`, `weights` (1 where absent) and `loss` `[rows]`:
/// `loss = weight * sum(-target * log_softmax(logits))` and
/// `dlogits = scale * weight * (softmax(logits) * sum(target) - target)`, where `scale` is what the rows' mean, or any
/// other loss that is linear in them, puts before each row. Targets need not sum to 1. A target of 0 adds nothing,
/// even where the logit is minus infinity.
///
/// # Panics
/// When a slice has not the length that the shape says.
#[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
pub fn softmax_cross_entropy(
    isa: Isa,
    [rows, classes]: [usize; 2],
    logits: &[f32],
    targets: &[f32],
    weights: Option<&[f32]>,
    scale: f32,
    loss: &mut [MaybeUninit<f32>],
    dlogits: &mut [MaybeUninit<f32>],
) {
    assert_eq!(logits.len(), rows * classes, "length of logits");
    assert_eq!(targets.len(), rows * classes, "length of targets");
    assert_eq!(dlogits.len(), rows * classes, "length of dlogits");
    assert_eq!(loss.len(), rows, "length of loss");
    if let Some(w) = weights {
        assert_eq!(w.len(), rows, "length of weights");
    }
    let (loss, dlogits) = (Shared::output(loss), Shared::output(dlogits));
    for_each_item(rows, classes, |row| {
        let at = row * classes;
        let weight = weights.map_or(1.0, |w| w[row]);
        // SAFETY: the row lies within all tensors, and this unit alone writes it.
        unsafe {
            let dst = dlogits.ptr().add(at);
            let value = vectorize(
                isa,
                #[inline(always)]
                |isa| {
                    let (z, t) = (&logits[at..][..classes], &targets[at..][..classes]);
                    cross_entropy_row(isa, z, t, scale * weight, dst)
                },
            );
            loss.ptr().add(row).write((value * f64::from(weight)) as f32);
        }
    });
}

/// `y = log_softmax(x)` over each row of `x [rows, classes]`.
///
/// # Panics
/// When a slice has not the length that the shape says.
pub fn log_softmax_forward(isa: Isa, [rows, classes]: [usize; 2], x: &[f32], y: &mut [MaybeUninit<f32>]) {
    assert_eq!(y.len(), rows * classes, "length of y");
    each_row(isa, [rows, classes], x, Shared::output(y), |isa, x, y| {
        let norm = Normalizer::of(isa, x);
        let log = norm.log as f32;
        // SAFETY: `y` is a row as long as `x`.
        unsafe {
            map(
                isa,
                Store::Cached,
                [x.as_ptr()],
                [y],
                x.len(),
                #[inline(always)]
                |[v]| [v - norm.max - log],
            );
        }
    });
}

/// `dy` becomes the gradient of `x`, given `y = log_softmax(x)`; both `[rows, classes]`.
///
/// # Panics
/// When a slice has not the length that the shape says.
pub fn log_softmax_backward(isa: Isa, [rows, classes]: [usize; 2], y: &[f32], dy: &mut [f32]) {
    assert_eq!(dy.len(), rows * classes, "length of dy");
    each_row(isa, [rows, classes], y, Shared::new(dy), |isa, y, dy| {
        let mut sums = Sums::new();
        // SAFETY: `dy` is a row as long as `y`.
        unsafe {
            sum(
                isa,
                [dy.cast_const()],
                y.len(),
                &mut sums,
                #[inline(always)]
                |v| v,
            );
            let total = sums.total()[0] as f32;
            map(
                isa,
                Store::Cached,
                [y.as_ptr(), dy.cast_const()],
                [dy],
                y.len(),
                #[inline(always)]
                |[y, dy]| [dy - exp(y) * total],
            );
        }
    });
}

/// `y = softmax(x)` over each row of `x [rows, classes]`.
///
/// # Panics
/// When a slice has not the length that the shape says.
pub fn softmax_forward(isa: Isa, [rows, classes]: [usize; 2], x: &[f32], y: &mut [MaybeUninit<f32>]) {
    assert_eq!(y.len(), rows * classes, "length of y");
    each_row(isa, [rows, classes], x, Shared::output(y), |isa, x, y| {
        let norm = Normalizer::of(isa, x);
        // SAFETY: `y` is a row as long as `x`.
        unsafe {
            map(
                isa,
                Store::Cached,
                [x.as_ptr()],
                [y],
                x.len(),
                #[inline(always)]
                |[v]| [exp(v - norm.max) * norm.inverse],
            );
        }
    });
}

/// `dy` becomes the gradient of `x`, given `y = softmax(x)`; both `[rows, classes]`.
///
/// # Panics
/// When a slice has not the length that the shape says.
pub fn softmax_backward(isa: Isa, [rows, classes]: [usize; 2], y: &[f32], dy: &mut [f32]) {
    assert_eq!(dy.len(), rows * classes, "length of dy");
    each_row(isa, [rows, classes], y, Shared::new(dy), |isa, y, dy| {
        let mut sums = Sums::new();
        let src = [y.as_ptr(), dy.cast_const()];
        // SAFETY: `dy` is a row as long as `y`.
        unsafe {
            sum(
                isa,
                src,
                y.len(),
                &mut sums,
                #[inline(always)]
                |[y, dy]| [y * dy],
            );
            let inner = sums.total()[0] as f32;
            map(
                isa,
                Store::Cached,
                src,
                [dy],
                y.len(),
                #[inline(always)]
                |[y, dy]| [y * (dy - inner)],
            );
        }
    });
}

/// Runs `f` on each row of `src` and of `dst`, which has as many values, with the instruction set enabled.
fn each_row(
    isa: Isa,
    [rows, classes]: [usize; 2],
    src: &[f32],
    dst: Shared<f32>,
    f: impl Fn(Isa, &[f32], *mut f32) + Send + Sync,
) {
    assert_eq!(src.len(), rows * classes, "length of the input");
    for_each_item(rows, classes, |row| {
        vectorize(
            isa,
            #[inline(always)]
            |isa| {
                // SAFETY: the row lies within the buffer, and this unit alone uses it.
                let dst = unsafe { dst.ptr().add(row * classes) };
                f(isa, &src[row * classes..][..classes], dst);
            },
        );
    });
}

/// What turns a row into its softmax: `exp(x - max) * inverse`, or `x - max - log` for the logarithm.
#[derive(Clone, Copy)]
struct Normalizer {
    max: f32,
    log: f64,
    inverse: f32,
}

impl Normalizer {
    #[inline(always)]
    fn of(isa: Isa, x: &[f32]) -> Self {
        // NaN is not greater than anything; it comes through with the sum.
        let max = x.iter().fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
        let mut sums = Sums::new();
        // SAFETY: all of `x`.
        unsafe {
            sum(
                isa,
                [x.as_ptr()],
                x.len(),
                &mut sums,
                #[inline(always)]
                |[v]| [exp(v - max)],
            );
        }
        let [total] = sums.total();
        Self { max, log: total.ln(), inverse: (1.0 / total) as f32 }
    }
}

/// The row's cross-entropy; writes its gradient times `scale` to `dst`.
///
/// # Safety
/// `dst` must have room for a row; `z` and `t` are as long. Must run inside [`vectorize`].
#[inline(always)]
unsafe fn cross_entropy_row(isa: Isa, z: &[f32], t: &[f32], scale: f32, dst: *mut f32) -> f64 {
    let norm = Normalizer::of(isa, z);
    let log = norm.log as f32;
    let mut sums = Sums::new();
    // SAFETY: all three are rows of the same length.
    unsafe {
        sum(
            isa,
            [z.as_ptr(), t.as_ptr()],
            z.len(),
            &mut sums,
            #[inline(always)]
            |[z, t]| [t, if t == 0.0 { 0.0 } else { t * (log - (z - norm.max)) }],
        );
        let [mass, loss] = sums.total();
        let mass = mass as f32;
        map(
            isa,
            Store::Cached,
            [z.as_ptr(), t.as_ptr()],
            [dst],
            z.len(),
            #[inline(always)]
            |[z, t]| [scale * (exp(z - norm.max) * norm.inverse * mass - t)],
        );
        // A NaN logit whose target is 0 must show in the loss too.
        loss + norm.log * 0.0
    }
}
