//! Weights to frequencies and their gradients back.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type
#![allow(clippy::needless_range_loop)] // loops over const bounds, which the compiler turns into registers

use super::transform::{weight, weight_back};
use super::{FREQUENCIES, spacing};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared};
use crate::{Isa, scratch};

/// How weights lie in memory, and how their transforms do: `[frequency][panel][channel in][two vectors of channels
/// out]`.
#[derive(Clone, Copy)]
pub(super) struct Filter {
    pub channels_in: usize,
    pub channels_out: usize,
    /// Floats between neighbouring input and output channels of the weights.
    pub strides: (usize, usize),
    /// Take the kernel turned by 180 degrees, as the data gradient does.
    pub turned: bool,
}

impl Filter {
    /// Panels of two vectors of output channels.
    pub fn panels(&self, lanes: usize) -> usize {
        self.channels_out.div_ceil(2 * lanes)
    }

    /// Floats of a panel at one frequency.
    pub fn panel(&self, lanes: usize) -> usize {
        self.channels_in * 2 * lanes
    }

    /// Floats between frequencies.
    pub fn spacing(&self, lanes: usize) -> usize {
        spacing(self.panels(lanes) * self.panel(lanes))
    }

    /// Floats of all frequencies.
    pub fn size(&self, lanes: usize) -> usize {
        FREQUENCIES * self.spacing(lanes)
    }

    /// Transforms the weights.
    pub fn transform(&self, isa: Isa, w: &[f32]) -> scratch::Scratch {
        let lanes = simd::lanes(isa);
        let mut u = scratch::take(self.size(lanes));
        let shared = Shared::new(u.as_mut_ptr());
        self.vectors(isa, |first, channel| {
            // SAFETY: both buffers have the sizes of this filter; each unit writes its own vector of channels.
            unsafe { simd::dispatch(isa, Forth { filter: self, w, u: shared, first, channel }) };
        });
        u
    }

    /// The filter of one panel of output channels, and where its weights begin.
    pub fn of_panel(&self, panel: usize, lanes: usize) -> (Self, usize) {
        let first = panel * 2 * lanes;
        let channels_out = (self.channels_out - first).min(2 * lanes);
        (Self { channels_out, ..*self }, first * self.strides.1)
    }

    /// Transforms the weights of a filter of one panel.
    ///
    /// # Safety
    /// The weights are there, and room for the size of the filter.
    #[inline(always)]
    pub unsafe fn transform_panel<S: Simd>(&self, w: &[f32], u: *mut f32) {
        for first in [0, S::LANES] {
            let channel = 0..self.channels_in;
            Forth { filter: self, w, u: Shared::new(u), first, channel }.run::<S>();
        }
    }

    /// Transforms gradients at the frequencies to those of the weights.
    pub fn transform_back(&self, isa: Isa, d: &[f32], dw: Shared) {
        self.vectors(isa, |first, channel| {
            // SAFETY: as above.
            unsafe { simd::dispatch(isa, Back { filter: self, d, dw, first, channel }) };
        });
    }

    /// Runs `f` for each vector of output channels and a range of input channels.
    fn vectors(&self, isa: Isa, f: impl Fn(usize, std::ops::Range<usize>) + Sync + Send) {
        const CHANNELS: usize = 32;
        let lanes = simd::lanes(isa);
        let slices = self.channels_in.div_ceil(CHANNELS);
        let units = 2 * self.panels(lanes) * slices;
        units::run(units, 100 * self.channels_in * self.channels_out, |unit| {
            let first = unit % slices * CHANNELS;
            f(unit / slices * lanes, first..(first + CHANNELS).min(self.channels_in));
        });
    }

    /// Offset, within a frequency, of a vector of output channels for one input channel.
    fn place(&self, lanes: usize, first: usize, channel: usize) -> usize {
        first / (2 * lanes) * self.panel(lanes) + channel * 2 * lanes + first % (2 * lanes)
    }
}

struct Forth<'a> {
    filter: &'a Filter,
    w: &'a [f32],
    u: Shared,
    first: usize,
    channel: std::ops::Range<usize>,
}

impl Kernel for Forth<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let f = self.filter;
        let count = f.channels_out.saturating_sub(self.first).min(S::LANES);
        for channel in self.channel.clone() {
            let first = self.first.min(f.channels_out);
            let from = self.w.as_ptr().add(channel * f.strides.0 + first * f.strides.1);
            let taps = load_taps::<S>(from, f.strides.1, count);
            let mut t = [[S::zero(); 3]; 6];
            for j in 0..3 {
                let tap = |i: usize| taps[if f.turned { 8 - 3 * i - j } else { 3 * i + j }];
                let v = weight::<S>([tap(0), tap(1), tap(2)]);
                for i in 0..6 {
                    t[i][j] = v[i];
                }
            }
            let to = self.u.at(f.place(S::LANES, self.first, channel));
            for i in 0..6 {
                let v = weight::<S>(t[i]);
                for j in 0..6 {
                    S::store(to.add((6 * i + j) * f.spacing(S::LANES)), v[j]);
                }
            }
        }
    }
}

struct Back<'a> {
    filter: &'a Filter,
    d: &'a [f32],
    dw: Shared,
    first: usize,
    channel: std::ops::Range<usize>,
}

impl Kernel for Back<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let f = self.filter;
        let count = f.channels_out.saturating_sub(self.first).min(S::LANES);
        for channel in self.channel.clone() {
            let from = self.d.as_ptr().add(f.place(S::LANES, self.first, channel));
            let mut t = [[S::zero(); 6]; 3];
            for j in 0..6 {
                let mut d = [S::zero(); 6];
                for i in 0..6 {
                    d[i] = S::load(from.add((6 * i + j) * f.spacing(S::LANES)));
                }
                let v = weight_back::<S>(d);
                for i in 0..3 {
                    t[i][j] = v[i];
                }
            }
            let mut taps = [S::zero(); 9];
            for i in 0..3 {
                let v = weight_back::<S>(t[i]);
                for j in 0..3 {
                    taps[3 * i + j] = v[j];
                }
            }
            let to = self.dw.at(channel * f.strides.0 + self.first.min(f.channels_out) * f.strides.1);
            store_taps::<S>(&taps, to, f.strides.1, count);
        }
    }
}

/// Nine taps of `count` kernels, `stride` apart, one kernel to a lane. The other lanes are zero.
#[inline(always)]
unsafe fn load_taps<S: Simd>(from: *const f32, stride: usize, count: usize) -> [S::V; 9] {
    let mut taps = [S::zero(); 9];
    for first in (0..9).step_by(S::LANES) {
        let n = S::LANES.min(9 - first);
        let mut square = [S::zero(); 16];
        for lane in 0..count {
            square[lane] = S::load_first(from.add(lane * stride + first), n);
        }
        S::transpose(square.as_mut_ptr());
        taps[first..first + n].copy_from_slice(&square[..n]);
    }
    taps
}

/// The inverse of [`load_taps`].
#[inline(always)]
unsafe fn store_taps<S: Simd>(taps: &[S::V; 9], to: *mut f32, stride: usize, count: usize) {
    for first in (0..9).step_by(S::LANES) {
        let n = S::LANES.min(9 - first);
        let mut square = [S::zero(); 16];
        square[..n].copy_from_slice(&taps[first..first + n]);
        S::transpose(square.as_mut_ptr());
        for lane in 0..count {
            S::store_first(to.add(lane * stride + first), square[lane], n);
        }
    }
}
