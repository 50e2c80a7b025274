//! Forward passes.

use std::mem::MaybeUninit;

use super::planes::Planes;
use super::{BatchNorm, Channels, Norm};
use crate::Isa;
use crate::activation::{Act, with_act};
use crate::lanes::{Store, Sums, fence, map, sum, vectorize};
use crate::parallel::{Shared, for_each_item};

/// Values whose mean serves as the shift of the sums.
const SHIFT_VALUES: usize = 256;

impl BatchNorm {
    /// Training: normalises by the batch's own statistics. `y = act((x - mean) / sqrt(var + eps) * gamma + beta)`.
    ///
    /// `x` and `y` are `[batch, channels, spatial]`, `gamma` and `beta` `[channels]`; `mean` and `var` (biased)
    /// `[channels]` are outputs, which the backward pass needs and which feed the running statistics.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    #[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
    pub fn forward(
        &self,
        isa: Isa,
        x: &[f32],
        gamma: &[f32],
        beta: &[f32],
        y: &mut [MaybeUninit<f32>],
        mean: &mut [MaybeUninit<f32>],
        var: &mut [MaybeUninit<f32>],
    ) {
        self.train(isa, x, None, gamma, beta, y, mean, var);
    }

    /// As [`Self::forward`], with `residual` (shaped as `x`) added before the activation:
    /// `y = act((x - mean) / sqrt(var + eps) * gamma + beta + residual)`.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    #[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
    pub fn forward_residual(
        &self,
        isa: Isa,
        x: &[f32],
        residual: &[f32],
        gamma: &[f32],
        beta: &[f32],
        y: &mut [MaybeUninit<f32>],
        mean: &mut [MaybeUninit<f32>],
        var: &mut [MaybeUninit<f32>],
    ) {
        self.train(isa, x, Some(residual), gamma, beta, y, mean, var);
    }

    /// Frozen: normalises by given statistics. `residual`, shaped as `x`, is added before the activation.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn forward_frozen(
        &self,
        isa: Isa,
        x: &[f32],
        residual: Option<&[f32]>,
        p: Channels<'_>,
        y: &mut [MaybeUninit<f32>],
    ) {
        self.check(&p);
        self.check_tensor("x", x.len());
        self.check_tensor("y", y.len());
        let residual = self.residual(residual);
        let y = Shared::output(y);
        for_each_item(self.channels, self.batch * self.spatial, |channel| {
            let norm = self.norm(&p, channel);
            // SAFETY: every tensor has the shape's length, and this unit alone writes this channel.
            unsafe { self.channel(channel, x, residual, y, |_, _| norm, isa) };
        });
    }

    #[allow(clippy::too_many_arguments, reason = "one slice per tensor")]
    fn train(
        &self,
        isa: Isa,
        x: &[f32],
        residual: Option<&[f32]>,
        gamma: &[f32],
        beta: &[f32],
        y: &mut [MaybeUninit<f32>],
        mean: &mut [MaybeUninit<f32>],
        var: &mut [MaybeUninit<f32>],
    ) {
        self.check_tensor("x", x.len());
        self.check_tensor("y", y.len());
        self.check_channels("gamma", gamma.len());
        self.check_channels("beta", beta.len());
        self.check_channels("mean", mean.len());
        self.check_channels("var", var.len());
        let residual = self.residual(residual);
        let (y, means, vars) = (Shared::output(y), Shared::output(mean), Shared::output(var));
        for_each_item(self.channels, self.batch * self.spatial, |channel| {
            let norm = |x: *const f32, planes: Planes| {
                // SAFETY: `channel` hands on a pointer and planes that go together; the statistics have one value
                // for each channel and this unit alone writes this one's.
                unsafe {
                    let (mean, var) = vectorize(
                        isa,
                        #[inline(always)]
                        |isa| statistics(isa, x, planes),
                    );
                    means.ptr().add(channel).write(mean);
                    vars.ptr().add(channel).write(var);
                    Norm::new(mean, var, gamma[channel], beta[channel], self.eps)
                }
            };
            // SAFETY: every tensor has the shape's length, and this unit alone writes this channel.
            unsafe { self.channel(channel, x, residual, y, norm, isa) };
        });
    }

    fn residual<'a>(&self, residual: Option<&'a [f32]>) -> Option<&'a [f32]> {
        residual.inspect(|r| self.check_tensor("residual", r.len()))
    }

    /// One channel: finds its normalisation with `norm`, then applies it.
    ///
    /// # Safety
    /// All tensors must have the shape's length, and nobody else may write this channel.
    unsafe fn channel(
        &self,
        channel: usize,
        x: &[f32],
        residual: Option<&[f32]>,
        y: Shared<f32>,
        norm: impl FnOnce(*const f32, Planes) -> Norm,
        isa: Isa,
    ) {
        let planes = Planes::of(self, channel);
        // SAFETY: the planes lie within the tensors; packed buffers hold exactly the packed planes.
        unsafe {
            if planes.want_packing() {
                let packed = planes.packed();
                let mut values = planes.pack(x.as_ptr());
                let added = residual.map(|r| planes.pack(r.as_ptr()));
                let norm = norm(values.as_ptr(), packed);
                let dst = values.as_mut_ptr();
                self.normalize(isa, Store::Cached, dst, added.as_ref().map(|r| r.as_ptr()), dst, packed, norm);
                planes.unpack(&values, y.ptr());
            } else {
                let norm = norm(x.as_ptr(), planes);
                let how = Store::for_output(self.len());
                self.normalize(isa, how, x.as_ptr(), residual.map(|r| r.as_ptr()), y.ptr(), planes, norm);
            }
        }
    }

    /// # Safety
    /// The planes must lie within all tensors; `y` may be `x`.
    #[allow(clippy::too_many_arguments, reason = "one pointer per tensor")]
    unsafe fn normalize(
        &self,
        isa: Isa,
        how: Store,
        x: *const f32,
        residual: Option<*const f32>,
        y: *mut f32,
        planes: Planes,
        norm: Norm,
    ) {
        // SAFETY: the caller's promise.
        vectorize(
            isa,
            #[inline(always)]
            |isa| unsafe {
                with_act!(self.act, A => match residual {
                    None => normalize::<A>(isa, how, x, y, planes, norm),
                    Some(r) => normalize_add::<A>(isa, how, x, r, y, planes, norm),
                });
                fence(how);
            },
        );
    }
}

/// Mean and biased variance of a channel.
///
/// One pass over the data: both moments are taken about a value close to the mean, which costs no precision where the
/// mean is large beside the deviation, and in `f64` beyond a few dozen values per lane.
///
/// # Safety
/// The planes must lie within `x`. Must run inside [`vectorize`].
#[inline(always)]
unsafe fn statistics(isa: Isa, x: *const f32, planes: Planes) -> (f32, f32) {
    let values = planes.values() as f64;
    // SAFETY: every plane lies within `x`.
    unsafe {
        let shift = shift(isa, x, planes);
        let mut sums = Sums::new();
        for offset in planes.offsets() {
            sum(
                isa,
                [x.add(offset)],
                planes.len(),
                &mut sums,
                #[inline(always)]
                |[v]| {
                    let d = v - shift;
                    [d, d * d]
                },
            );
        }
        let [first, second] = sums.total().map(|s| s / values);
        let var = second - first * first;
        // A NaN must survive, so no `max`.
        ((f64::from(shift) + first) as f32, if var < 0.0 { 0.0 } else { var as f32 })
    }
}

/// The mean of the first few values.
///
/// # Safety
/// As for [`statistics`].
#[inline(always)]
unsafe fn shift(isa: Isa, x: *const f32, planes: Planes) -> f32 {
    let count = planes.len().min(SHIFT_VALUES);
    let Some(first) = planes.offsets().next().filter(|_| count > 0) else {
        return 0.0;
    };
    let mut sums = Sums::new();
    // SAFETY: `count` values of the first plane.
    unsafe {
        sum(
            isa,
            [x.add(first)],
            count,
            &mut sums,
            #[inline(always)]
            |v| v,
        );
    }
    (sums.total()[0] / count as f64) as f32
}

/// `y = act(norm(x))`. Runs from the last image to the first: the last ones are still in cache from the statistics.
///
/// # Safety
/// The planes must lie within both tensors. Must run inside [`vectorize`].
#[inline(always)]
unsafe fn normalize<A: Act>(isa: Isa, how: Store, x: *const f32, y: *mut f32, planes: Planes, norm: Norm) {
    for offset in planes.offsets().rev() {
        // SAFETY: the caller's promise.
        unsafe {
            map(
                isa,
                how,
                [x.add(offset)],
                [y.add(offset)],
                planes.len(),
                #[inline(always)]
                |[v]| [A::apply(norm.apply(v))],
            );
        }
    }
}

/// `y = act(norm(x) + r)`.
///
/// # Safety
/// As for [`normalize`].
#[inline(always)]
unsafe fn normalize_add<A: Act>(
    isa: Isa,
    how: Store,
    x: *const f32,
    r: *const f32,
    y: *mut f32,
    planes: Planes,
    norm: Norm,
) {
    for offset in planes.offsets().rev() {
        // SAFETY: the caller's promise.
        unsafe {
            map(
                isa,
                how,
                [x.add(offset), r.add(offset)],
                [y.add(offset)],
                planes.len(),
                #[inline(always)]
                |[v, r]| [A::apply(norm.apply(v) + r)],
            );
        }
    }
}
