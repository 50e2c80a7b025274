//! Backward passes.

use std::mem::MaybeUninit;

use super::gradient::{ChannelSums, Gradient, Gradients, gated_sums, input_gradient};
use super::planes::Planes;
use super::{BatchNorm, Channels, Norm};
use crate::Isa;
use crate::activation::with_act;
use crate::lanes::Store;
use crate::parallel::{Shared, for_each_item};

/// Outputs `[channels]`.
#[derive(Clone, Copy)]
pub(super) struct ParamGrads {
    dgamma: Shared<f32>,
    dbeta: Shared<f32>,
}

impl ParamGrads {
    /// # Safety
    /// `channel` must be within the outputs, and nobody else may write to it.
    pub(super) unsafe fn write(self, channel: usize, sums: ChannelSums) {
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

    pub(super) fn param_grads(&self, dgamma: &mut [MaybeUninit<f32>], dbeta: &mut [MaybeUninit<f32>]) -> ParamGrads {
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
}
