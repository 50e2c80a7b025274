//! Optimizer steps: one pass over a parameter, its gradient and its state, all updated in place.
//!
//! Settings are `f64`, as in the frameworks that are reproduced here: `1 - 0.999` has only half of its digits in `f32`.

mod adam;
mod rmsprop;
mod sgd;

pub use adam::{Adam, AdamEpsilon};
pub use rmsprop::{RmsProp, RmsPropStyle};
pub use sgd::{Gain, Momentum, Sgd};

use crate::Isa;
use crate::lanes::{LANES, Store, map, vectorize};
use crate::parallel::{CHUNK, Shared, for_each_chunk, for_each_unit};

/// How weights shrink.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum WeightDecay {
    /// Not at all.
    #[default]
    None,
    /// `grad += decay * param`, after the gradient was scaled: L2 regularisation.
    Coupled(f64),
    /// `param *= 1 - lr * decay`, before the step: AdamW's way.
    Decoupled(f64),
}

/// What a step does to gradient and parameter before the optimizer's own rule: `g = g * scale + p * coupled`, then
/// `p *= keep`.
#[derive(Clone, Copy)]
struct Prepare {
    scale: f32,
    coupled: f32,
    keep: f32,
}

impl Prepare {
    fn new(decay: WeightDecay, lr: f64, grad_scale: f64) -> Self {
        let (coupled, keep) = match decay {
            WeightDecay::None => (0.0, 1.0),
            WeightDecay::Coupled(d) => (d, 1.0),
            WeightDecay::Decoupled(d) => (0.0, 1.0 - lr * d),
        };
        Self { scale: grad_scale as f32, coupled: coupled as f32, keep: keep as f32 }
    }

    /// The parameter and its gradient as the rule sees them.
    #[inline(always)]
    fn apply(self, p: f32, g: f32) -> (f32, f32) {
        (p * self.keep, g * self.scale + p * self.coupled)
    }
}

/// Updates all `state` in place: `state[..][i] = f(grad[i], state[..][i])`. The first of `state` is the parameter.
///
/// # Panics
/// When the lengths differ.
#[inline(always)]
fn update<const N: usize>(
    isa: Isa,
    grad: &[f32],
    state: [&mut [f32]; N],
    f: impl Fn(f32, [f32; N]) -> [f32; N] + Send + Sync,
) {
    for s in &state {
        assert_eq!(s.len(), grad.len(), "gradient, parameter and state differ in length");
    }
    let state = state.map(Shared::new);
    for_each_chunk(grad.len(), |start, len| {
        vectorize(
            isa,
            #[inline(always)]
            |isa| {
                // SAFETY: the chunk lies within all slices, and this unit alone uses its part of the state.
                unsafe { update_chunk(isa, grad.as_ptr().add(start), state.map(|s| s.ptr().add(start)), len, &f) };
            },
        );
    });
}

/// # Safety
/// As for [`crate::lanes::pass`].
#[inline(always)]
unsafe fn update_chunk<const N: usize>(
    isa: Isa,
    grad: *const f32,
    state: [*mut f32; N],
    len: usize,
    f: &impl Fn(f32, [f32; N]) -> [f32; N],
) {
    /// Sources: the gradient and up to three of parameter and state.
    const MAX: usize = 4;
    let mut src = [grad; MAX];
    for (s, p) in src[1..].iter_mut().zip(state) {
        *s = p.cast_const();
    }
    // SAFETY: the caller's promise. Sources beyond the state repeat the gradient.
    unsafe {
        map(
            isa,
            Store::Cached,
            src,
            state,
            len,
            #[inline(always)]
            |v: [f32; MAX]| {
                let mut old = [0.0; N];
                old.copy_from_slice(&v[1..=N]);
                f(v[0], old)
            },
        );
    }
}

/// The sum of the squares, in `f64`: what the global gradient norm is made of.
pub fn sum_squares(isa: Isa, x: &[f32]) -> f64 {
    let units = x.len().div_ceil(CHUNK);
    let mut partial = vec![0.0; units];
    let out = Shared::new(&mut partial);
    for_each_unit(units, x.len(), |unit| {
        let chunk = &x[unit * CHUNK..x.len().min((unit + 1) * CHUNK)];
        let total = vectorize(
            isa,
            #[inline(always)]
            |_| chunk_squares(chunk),
        );
        // SAFETY: one value for each unit.
        unsafe { out.ptr().add(unit).write(total) };
    });
    partial.iter().sum()
}

#[inline(always)]
fn chunk_squares(x: &[f32]) -> f64 {
    let mut acc = [0f64; LANES];
    let groups = x.chunks_exact(LANES);
    let rest = groups.remainder();
    for group in groups {
        for l in 0..LANES {
            let v = f64::from(group[l]);
            acc[l] += v * v;
        }
    }
    let whole: f64 = acc.iter().sum();
    whole + rest.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>()
}

/// `y = a * x + b * y`: gradient accumulation (1, 1), a moving average (1 - d, d), scaling in between.
///
/// # Panics
/// When the lengths differ.
pub fn axpby(isa: Isa, a: f32, x: &[f32], b: f32, y: &mut [f32]) {
    update(
        isa,
        x,
        [y],
        #[inline(always)]
        |x, [y]| [a * x + b * y],
    );
}
