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
        // taps by lanes; lanes without a channel stay zero
        let mut taps = [[0.0f32; 16]; 9];
        for channel in self.channel.clone() {
            let from = self.w.as_ptr().add(channel * f.strides.0 + self.first.min(f.channels_out) * f.strides.1);
            for lane in 0..count {
                let kernel = from.add(lane * f.strides.1);
                for tap in 0..9 {
                    taps[tap][lane] = *kernel.add(if f.turned { 8 - tap } else { tap });
                }
            }
            let mut t = [[S::zero(); 3]; 6];
            for j in 0..3 {
                let load = |i: usize| S::load(taps[3 * i + j].as_ptr());
                let v = weight::<S>([load(0), load(1), load(2)]);
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
        let mut taps = [[0.0f32; 16]; 9];
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
            for i in 0..3 {
                let v = weight_back::<S>(t[i]);
                for j in 0..3 {
                    S::store(taps[3 * i + j].as_mut_ptr(), v[j]);
                }
            }
            for lane in 0..count {
                let to = self.dw.at(channel * f.strides.0 + (self.first + lane) * f.strides.1);
                for tap in 0..9 {
                    *to.add(tap) = taps[tap][lane];
                }
            }
        }
    }
}
