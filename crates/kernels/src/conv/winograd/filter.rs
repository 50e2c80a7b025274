//! Weights to frequencies and their gradients back.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type
#![allow(clippy::needless_range_loop)] // loops over const bounds, which the compiler turns into registers

use super::super::Conv2d;
use super::transform::{weight_tile, weight_tile_back};
use super::{FREQUENCIES, spacing};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared};
use crate::{Isa, scratch};

/// How weights lie in memory, and how their transforms do: `[frequency][panel][channel in][two vectors of channels
/// out]`.
#[derive(Clone, Copy)]
pub(super) struct Filter {
    /// Rows and columns of a kernel.
    pub kernel: usize,
    pub channels_in: usize,
    pub channels_out: usize,
    /// Floats between neighbouring input and output channels of the weights.
    pub strides: (usize, usize),
    /// Take the kernel turned by 180 degrees, as the data gradient does.
    pub turned: bool,
}

impl Filter {
    /// The weights of a convolution, from input to output.
    pub fn forward(c: &Conv2d) -> Self {
        let taps = c.kernel[0] * c.kernel[0];
        let strides = (taps, taps * c.in_channels);
        let (channels_in, channels_out) = (c.in_channels, c.out_channels);
        Self { kernel: c.kernel[0], channels_in, channels_out, strides, turned: false }
    }

    /// The weights of the convolution from output gradient to input gradient.
    pub fn backward(c: &Conv2d) -> Self {
        let it = Self::forward(c);
        let (channels_in, channels_out) = (it.channels_out, it.channels_in);
        Self { channels_in, channels_out, strides: (it.strides.1, it.strides.0), turned: true, ..it }
    }

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
        match self.filter.kernel {
            3 => self.run_of::<S, 3>(),
            4 => self.run_of::<S, 4>(),
            _ => self.run_of::<S, 5>(),
        }
    }
}

impl Forth<'_> {
    #[inline(always)]
    unsafe fn run_of<S: Simd, const R: usize>(self) {
        let f = self.filter;
        let count = f.channels_out.saturating_sub(self.first).min(S::LANES);
        for channel in self.channel.clone() {
            let first = self.first.min(f.channels_out);
            let from = self.w.as_ptr().add(channel * f.strides.0 + first * f.strides.1);
            let taps = load_taps::<S>(from, f.strides.1, count, R * R);
            let mut g = [[S::zero(); R]; R];
            for i in 0..R {
                for j in 0..R {
                    let tap = i * R + j;
                    g[i][j] = taps[if f.turned { R * R - 1 - tap } else { tap }];
                }
            }
            let to = self.u.at(f.place(S::LANES, self.first, channel));
            weight_tile::<S, R>(g, to, f.spacing(S::LANES));
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
        match self.filter.kernel {
            3 => self.run_of::<S, 3>(),
            4 => self.run_of::<S, 4>(),
            _ => self.run_of::<S, 5>(),
        }
    }
}

impl Back<'_> {
    #[inline(always)]
    unsafe fn run_of<S: Simd, const R: usize>(self) {
        let f = self.filter;
        let count = f.channels_out.saturating_sub(self.first).min(S::LANES);
        for channel in self.channel.clone() {
            let from = self.d.as_ptr().add(f.place(S::LANES, self.first, channel));
            let g = weight_tile_back::<S, R>(from, f.spacing(S::LANES));
            let mut taps = [S::zero(); TAPS];
            for i in 0..R {
                taps[i * R..(i + 1) * R].copy_from_slice(&g[i]);
            }
            let to = self.dw.at(channel * f.strides.0 + self.first.min(f.channels_out) * f.strides.1);
            store_taps::<S>(&taps, to, f.strides.1, count, R * R);
        }
    }
}

/// Room for the taps of the largest kernel in whole squares of the widest vectors.
const TAPS: usize = 32;

/// The `n` taps of `count` kernels, `stride` apart, one kernel to a lane. The other lanes are zero.
#[inline(always)]
unsafe fn load_taps<S: Simd>(from: *const f32, stride: usize, count: usize, n: usize) -> [S::V; TAPS] {
    let mut taps = [S::zero(); TAPS];
    for first in (0..n).step_by(S::LANES) {
        let square = &mut taps[first..first + S::LANES];
        for lane in 0..count {
            square[lane] = S::load_first(from.add(lane * stride + first), S::LANES.min(n - first));
        }
        S::transpose(square.as_mut_ptr());
    }
    taps
}

/// The inverse of [`load_taps`].
#[inline(always)]
unsafe fn store_taps<S: Simd>(taps: &[S::V; TAPS], to: *mut f32, stride: usize, count: usize, n: usize) {
    for first in (0..n).step_by(S::LANES) {
        let mut square = [S::zero(); 16];
        square[..S::LANES].copy_from_slice(&taps[first..first + S::LANES]);
        S::transpose(square.as_mut_ptr());
        for lane in 0..count {
            S::store_first(to.add(lane * stride + first), square[lane], S::LANES.min(n - first));
        }
    }
}
