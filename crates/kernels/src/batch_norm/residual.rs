//! Backward pass where a residual joined before the activation.

use std::mem::MaybeUninit;

use super::gradient::{ChannelSums, Gradient, Gradients, gate_in_place, input_gradient};
use super::planes::Planes;
use super::{BatchNorm, Channels, Norm};
use crate::Isa;
use crate::activation::{Identity, with_act};
use crate::lanes::Store;
use crate::parallel::{Shared, for_each_item};

impl BatchNorm {
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
