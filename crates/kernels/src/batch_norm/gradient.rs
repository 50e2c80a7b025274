//! What the backward passes do to one channel.

use super::Norm;
use super::planes::Planes;
use crate::Isa;
use crate::activation::Act;
use crate::lanes::{Store, Sums, fence, map, pass, sum, vectorize};

/// How the gradient of a channel's input follows from the gated gradient `g`: `scale * g - (x - mean) * slope - offset`.
#[derive(Clone, Copy)]
pub(super) struct Gradient {
    pub(super) norm: Norm,
    pub(super) slope: f32,
    pub(super) offset: f32,
}

impl Gradient {
    /// Training: the statistics depend on `x` too.
    pub(super) fn training(norm: Norm, sums: ChannelSums, values: usize) -> Self {
        let scale = f64::from(norm.scale);
        let slope = scale * f64::from(norm.rstd) * sums.dgamma / values as f64;
        let offset = scale * sums.dbeta / values as f64;
        Self { norm, slope: slope as f32, offset: offset as f32 }
    }

    #[inline(always)]
    fn apply(self, x: f32, g: f32) -> f32 {
        self.norm.scale * g - (x - self.norm.mean) * self.slope - self.offset
    }
}

/// The gradients of a channel's shift and scale.
#[derive(Clone, Copy)]
pub(super) struct ChannelSums {
    pub(super) dbeta: f64,
    pub(super) dgamma: f64,
}

impl ChannelSums {
    /// From the sums of `g` and of `g * (x - mean)`.
    fn new(sums: &Sums<2>, norm: Norm) -> Self {
        let [dbeta, product] = sums.total();
        Self { dbeta, dgamma: product * f64::from(norm.rstd) }
    }
}

/// A gradient tensor that a channel is read from and one that it is written to; they may be the same.
#[derive(Clone, Copy)]
pub(super) struct Gradients {
    pub(super) dy: *const f32,
    pub(super) dx: *mut f32,
    pub(super) how: Store,
}

/// # Safety
/// The planes must lie within both tensors.
pub(super) unsafe fn gated_sums<A: Act>(
    isa: Isa,
    x: *const f32,
    dy: *const f32,
    planes: Planes,
    norm: Norm,
) -> ChannelSums {
    let mut sums = Sums::new();
    vectorize(
        isa,
        #[inline(always)]
        |isa| {
            for offset in planes.offsets() {
                // SAFETY: the caller's promise.
                unsafe {
                    sum(
                        isa,
                        [x.add(offset), dy.add(offset)],
                        planes.len(),
                        &mut sums,
                        #[inline(always)]
                        |[x, dy]| {
                            let g = A::gate(norm.apply(x), dy);
                            [g, g * (x - norm.mean)]
                        },
                    );
                }
            }
        },
    );
    ChannelSums::new(&sums, norm)
}

/// `dy` is gated by `y` in place; the sums are those of the gated gradient.
///
/// # Safety
/// The planes must lie within all tensors.
pub(super) unsafe fn gate_in_place<A: Act>(
    isa: Isa,
    x: *const f32,
    y: *const f32,
    dy: *mut f32,
    planes: Planes,
    norm: Norm,
) -> ChannelSums {
    let mut sums = Sums::new();
    vectorize(
        isa,
        #[inline(always)]
        |isa| {
            for offset in planes.offsets() {
                // SAFETY: the caller's promise.
                unsafe {
                    pass(
                        isa,
                        Store::Cached,
                        [x.add(offset), y.add(offset), dy.add(offset).cast_const()],
                        [dy.add(offset)],
                        planes.len(),
                        &mut sums,
                        #[inline(always)]
                        |[x, y, dy]| {
                            let g = A::gate(y, dy);
                            ([g], [g, g * (x - norm.mean)])
                        },
                    );
                }
            }
        },
    );
    ChannelSums::new(&sums, norm)
}

/// The gradient of the input, from the last image to the first: the last ones are still in cache from the sums.
///
/// # Safety
/// The planes must lie within all tensors.
pub(super) unsafe fn input_gradient<A: Act>(
    isa: Isa,
    x: *const f32,
    io: Gradients,
    planes: Planes,
    gradient: Gradient,
) {
    vectorize(
        isa,
        #[inline(always)]
        |isa| {
            for offset in planes.offsets().rev() {
                // SAFETY: the caller's promise.
                unsafe {
                    map(
                        isa,
                        io.how,
                        [x.add(offset), io.dy.add(offset)],
                        [io.dx.add(offset)],
                        planes.len(),
                        #[inline(always)]
                        |[x, dy]| [gradient.apply(x, A::gate(gradient.norm.apply(x), dy))],
                    );
                }
            }
            fence(io.how);
        },
    );
}
