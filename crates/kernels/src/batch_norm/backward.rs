//! Backward passes.

use std::mem::MaybeUninit;

use super::planes::Planes;
use super::{BatchNorm, Channels, Norm};
use crate::Isa;
use crate::activation::{Act, Identity, with_act};
use crate::lanes::{Store, Sums, fence, map, pass, sum, vectorize};
use crate::parallel::{Shared, for_each_item};

/// How the gradient of a channel's input follows from the gated gradient `g`: `scale * g - (x - mean) * slope - offset`.
#[derive(Clone, Copy)]
struct Gradient {
    norm: Norm,
    slope: f32,
    offset: f32,
}

impl Gradient {
    /// Training: the statistics depend on `x` too.
    fn training(norm: Norm, sums: ChannelSums, values: usize) -> Self {
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
struct ChannelSums {
    dbeta: f64,
    dgamma: f64,
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
struct Gradients {
    dy: *const f32,
    dx: *mut f32,
    how: Store,
}

/// Outputs `[channels]`.
#[derive(Clone, Copy)]
struct ParamGrads {
    dgamma: Shared<f32>,
    dbeta: Shared<f32>,
}

impl ParamGrads {
    /// # Safety
    /// `channel` must be within the outputs, and nobody else may write to it.
    unsafe fn write(self, channel: usize, sums: ChannelSums) {
        // SAFETY: the caller's promise.
        unsafe {
            self.dgamma.ptr().add(channel).write(sums.dgamma as f32);
            self.dbeta.ptr().add(channel).write(sums.dbeta as f32);
        }
    }
}

impl BatchNorm {
    /// The gradients of [`Self::forward`] in `x`, `gamma` and `beta`. `p` holds the batch statistics that the forward
    /// pass put out. What the activation cut is recovered from `x`, so `y` is not needed.
    ///
    /// `x`, `dy` and `dx` are `[batch, channels, spatial]`, `dgamma` and `dbeta` `[channels]`.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    #[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
    pub fn backward(
        &self,
        isa: Isa,
        x: &[f32],
        p: Channels<'_>,
        dy: &[f32],
        dx: &mut [MaybeUninit<f32>],
        dgamma: &mut [MaybeUninit<f32>],
        dbeta: &mut [MaybeUninit<f32>],
    ) {
        self.check_tensor("dy", dy.len());
        self.check_tensor("dx", dx.len());
        let how = Store::for_output(self.len());
        let dx = Shared::output(dx);
        self.train_gradient(isa, x, p, how, |_| dy.as_ptr(), dx, dgamma, dbeta);
    }

    /// As [`Self::backward`]; `dy` becomes `dx`.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn backward_in_place(
        &self,
        isa: Isa,
        x: &[f32],
        p: Channels<'_>,
        dy: &mut [f32],
        dgamma: &mut [MaybeUninit<f32>],
        dbeta: &mut [MaybeUninit<f32>],
    ) {
        self.check_tensor("dy", dy.len());
        let dy = Shared::new(dy);
        self.train_gradient(isa, x, p, Store::Cached, |dx| dx.ptr().cast_const(), dy, dgamma, dbeta);
    }

    /// The gradients of [`Self::forward_residual`]. `y` is its output; `dy` becomes the gradient of the residual (`dy`
    /// where the activation passes it), and `dx` that of `x`.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    #[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
    pub fn backward_residual(
        &self,
        isa: Isa,
        x: &[f32],
        y: &[f32],
        p: Channels<'_>,
        dy: &mut [f32],
        dx: &mut [MaybeUninit<f32>],
        dgamma: &mut [MaybeUninit<f32>],
        dbeta: &mut [MaybeUninit<f32>],
    ) {
        self.check(&p);
        self.check_tensor("x", x.len());
        self.check_tensor("y", y.len());
        self.check_tensor("dy", dy.len());
        self.check_tensor("dx", dx.len());
        let params = self.param_grads(dgamma, dbeta);
        let (dy, dx) = (Shared::new(dy), Shared::output(dx));
        let how = Store::for_output(self.len());
        for_each_item(self.channels, self.batch * self.spatial, |channel| {
            let norm = self.norm(&p, channel);
            let planes = Planes::of(self, channel);
            // SAFETY: the planes lie within all tensors, and this unit alone touches this channel.
            unsafe {
                if planes.want_packing() {
                    let (px, py) = (planes.pack(x.as_ptr()), planes.pack(y.as_ptr()));
                    let mut g = planes.pack(dy.ptr());
                    let mut out = px.clone();
                    let sums = self.residual_gradient(
                        isa,
                        px.as_ptr(),
                        py.as_ptr(),
                        g.as_mut_ptr(),
                        out.as_mut_ptr(),
                        Store::Cached,
                        planes.packed(),
                        norm,
                    );
                    planes.unpack(&g, dy.ptr());
                    planes.unpack(&out, dx.ptr());
                    params.write(channel, sums);
                } else {
                    let (x, y) = (x.as_ptr(), y.as_ptr());
                    let sums = self.residual_gradient(isa, x, y, dy.ptr(), dx.ptr(), how, planes, norm);
                    params.write(channel, sums);
                }
            }
        });
    }

    /// The gradient of [`Self::forward_frozen`] without a residual: `dy` becomes `dx`. `grads` receives the gradients
    /// of `gamma` and `beta`, where these are trained. With a residual, pass `dy` through
    /// [`activation::backward`](crate::activation::backward) first, keep that as the residual's gradient, and call
    /// this on a copy with no activation.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn backward_frozen(
        &self,
        isa: Isa,
        x: &[f32],
        p: Channels<'_>,
        dy: &mut [f32],
        grads: Option<[&mut [MaybeUninit<f32>]; 2]>,
    ) {
        self.check(&p);
        self.check_tensor("x", x.len());
        self.check_tensor("dy", dy.len());
        let params = grads.map(|[dgamma, dbeta]| self.param_grads(dgamma, dbeta));
        let dy = Shared::new(dy);
        for_each_item(self.channels, self.batch * self.spatial, |channel| {
            let gradient = |norm| Gradient { norm, slope: 0.0, offset: 0.0 };
            let io = Gradients { dy: dy.ptr(), dx: dy.ptr(), how: Store::Cached };
            // SAFETY: the tensors have the shape's length, and this unit alone touches this channel.
            unsafe {
                let norm = self.norm(&p, channel);
                self.channel_gradient(isa, channel, x, norm, io, params, |_| gradient(norm));
            }
        });
    }

    #[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
    fn train_gradient(
        &self,
        isa: Isa,
        x: &[f32],
        p: Channels<'_>,
        how: Store,
        dy: impl Fn(Shared<f32>) -> *const f32 + Send + Sync,
        dx: Shared<f32>,
        dgamma: &mut [MaybeUninit<f32>],
        dbeta: &mut [MaybeUninit<f32>],
    ) {
        self.check(&p);
        self.check_tensor("x", x.len());
        let params = self.param_grads(dgamma, dbeta);
        for_each_item(self.channels, self.batch * self.spatial, |channel| {
            let norm = self.norm(&p, channel);
            let io = Gradients { dy: dy(dx), dx: dx.ptr(), how };
            // SAFETY: the tensors have the shape's length, and this unit alone touches this channel.
            unsafe {
                self.channel_gradient(isa, channel, x, norm, io, Some(params), |sums| {
                    Gradient::training(norm, sums, self.batch * self.spatial)
                });
            }
        });
    }

    fn param_grads(&self, dgamma: &mut [MaybeUninit<f32>], dbeta: &mut [MaybeUninit<f32>]) -> ParamGrads {
        self.check_channels("dgamma", dgamma.len());
        self.check_channels("dbeta", dbeta.len());
        ParamGrads { dgamma: Shared::output(dgamma), dbeta: Shared::output(dbeta) }
    }

    /// One channel: its sums where `params` wants them, then its gradient.
    ///
    /// # Safety
    /// The tensors must have the shape's length, and nobody else may touch this channel of the gradients.
    #[allow(clippy::too_many_arguments, reason = "internal")]
    unsafe fn channel_gradient(
        &self,
        isa: Isa,
        channel: usize,
        x: &[f32],
        norm: Norm,
        io: Gradients,
        params: Option<ParamGrads>,
        gradient: impl Fn(ChannelSums) -> Gradient,
    ) {
        let planes = Planes::of(self, channel);
        let run = |x: *const f32, io: Gradients, planes: Planes| {
            with_act!(self.act, A => {
                // SAFETY: called below with pointers and planes that go together.
                let sums = params.map(|_| unsafe { gated_sums::<A>(isa, x, io.dy, planes, norm) });
                let gradient = gradient(sums.unwrap_or(ChannelSums { dbeta: 0.0, dgamma: 0.0 }));
                // SAFETY: as above.
                unsafe { input_gradient::<A>(isa, x, io, planes, gradient) };
                sums
            })
        };
        // SAFETY: the planes lie within all tensors; packed buffers hold exactly the packed planes.
        unsafe {
            let sums = if planes.want_packing() {
                let values = planes.pack(x.as_ptr());
                let mut g = planes.pack(io.dy);
                let dx = g.as_mut_ptr();
                let sums = run(values.as_ptr(), Gradients { dy: dx, dx, how: Store::Cached }, planes.packed());
                planes.unpack(&g, io.dx);
                sums
            } else {
                run(x.as_ptr(), io, planes)
            };
            if let (Some(params), Some(sums)) = (params, sums) {
                params.write(channel, sums);
            }
        }
    }

    /// One channel of [`Self::backward_residual`].
    ///
    /// # Safety
    /// The planes must lie within all tensors.
    #[allow(clippy::too_many_arguments, reason = "one pointer per tensor")]
    unsafe fn residual_gradient(
        &self,
        isa: Isa,
        x: *const f32,
        y: *const f32,
        dy: *mut f32,
        dx: *mut f32,
        how: Store,
        planes: Planes,
        norm: Norm,
    ) -> ChannelSums {
        // SAFETY: the caller's promise.
        unsafe {
            let sums = with_act!(self.act, A => gate_in_place::<A>(isa, x, y, dy, planes, norm));
            let gradient = Gradient::training(norm, sums, planes.values());
            input_gradient::<Identity>(isa, x, Gradients { dy, dx, how }, planes, gradient);
            sums
        }
    }
}

/// # Safety
/// The planes must lie within both tensors.
unsafe fn gated_sums<A: Act>(isa: Isa, x: *const f32, dy: *const f32, planes: Planes, norm: Norm) -> ChannelSums {
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
unsafe fn gate_in_place<A: Act>(
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
unsafe fn input_gradient<A: Act>(isa: Isa, x: *const f32, io: Gradients, planes: Planes, gradient: Gradient) {
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
