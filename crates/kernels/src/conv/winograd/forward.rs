//! The forward and data gradient passes.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use std::ops::Range;

use super::super::{Activation, Conv2d};
use super::filter::Filter;
use super::products::Forward;
use super::rows::{Channels, Output, Tiles, input_rows, output_rows, strip_size};
use super::{FREQUENCIES, Grid, spacing, wide};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared, share};
use crate::{Isa, scratch};

/// Tiles of a unit: with 64 channels the transformed input and output of a unit share the L2 cache.
const TILES: usize = 48;
/// Output channels that a unit does at a time.
const OUT: usize = 64;

/// `y = act(conv(x, w) + bias)`. `y` has room for the output.
pub(crate) fn forward(c: &Conv2d, isa: Isa, x: &[f32], w: &[f32], bias: Option<&[f32]>, act: Activation, y: *mut f32) {
    let (grid, filter) = (Grid::forward(c), Filter::forward(c));
    let job = Job::new(isa, grid, filter, x, bias, act, y);
    units::enter(c.flops(), || job.run(isa, w));
}

/// The input gradient. `dx` has room for it.
pub(crate) fn backward_data(c: &Conv2d, isa: Isa, dy: &[f32], w: &[f32], dx: *mut f32) {
    let (grid, filter) = (Grid::backward(c), Filter::backward(c));
    let job = Job::new(isa, grid, filter, dy, None, Activation::None, dx);
    units::enter(c.flops(), || job.run(isa, w));
}

/// A pass, seen as the convolution of `x` into `y`.
pub(super) struct Job<'a> {
    pub grid: Grid,
    pub filter: Filter,
    pub x: &'a [f32],
    /// Of all channels, those too that fill up the last panel.
    bias: scratch::Scratch,
    act: Activation,
    y: Shared,
    /// Store past the caches.
    pub stream: bool,
}

impl<'a> Job<'a> {
    fn new(
        isa: Isa,
        grid: Grid,
        filter: Filter,
        x: &'a [f32],
        bias: Option<&[f32]>,
        act: Activation,
        y: *mut f32,
    ) -> Self {
        let lanes = simd::lanes(isa);
        let mut all = scratch::take(filter.panels(lanes) * 2 * lanes);
        all.fill(0.0);
        if let Some(bias) = bias {
            all[..bias.len()].copy_from_slice(bias);
        }
        let size = grid.output.size();
        let large = units::streams(grid.rows / grid.high * filter.channels_out * size);
        let even = size.is_multiple_of(lanes) && (grid.tile * grid.output.width).is_multiple_of(lanes);
        let stream = large && even && (y as usize).is_multiple_of(4 * lanes);
        Self { grid, filter, x, bias: all, act, y: Shared::new(y), stream }
    }

    fn run(&self, isa: Isa, w: &[f32]) {
        if wide::applies(&self.filter, &self.grid) {
            wide::run(self, isa, w);
            return;
        }
        let u = self.filter.transform(isa, w);
        let units = units_of(&self.grid);
        let work =
            2 * FREQUENCIES * self.grid.rows * self.grid.wide * self.filter.channels_in * self.filter.channels_out;
        units::run(units, work, |unit| {
            let rows = share(self.grid.rows, units, unit);
            // SAFETY: the slices have the lengths of the shape (checked at the entry); units write rows of their own.
            unsafe { simd::dispatch(isa, Unit { job: self, rows, u: &u }) };
        });
    }

    /// Where a vector of output channels goes.
    ///
    /// # Safety
    /// There is such a channel.
    pub(super) unsafe fn output(&self, channel: usize) -> Output {
        Output {
            at: self.y.at(channel * self.grid.output.size()),
            count: 0,
            image: self.filter.channels_out * self.grid.output.size(),
            bias: self.bias[channel..].as_ptr(),
            act: self.act,
            stream: self.stream,
        }
    }
}

/// Units of about [`TILES`] tiles, an even number of them where there is more than one.
fn units_of(grid: &Grid) -> usize {
    let rows = (TILES / grid.wide).max(1);
    let units = grid.rows.div_ceil(rows);
    units.next_multiple_of(2).min(grid.rows)
}

/// Some rows of tiles, all channels.
struct Unit<'a> {
    job: &'a Job<'a>,
    rows: Range<usize>,
    u: &'a [f32],
}

impl Kernel for Unit<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (grid, filter) = (&self.job.grid, &self.job.filter);
        let tiles = self.rows.len() * grid.wide;
        let block = tiles * S::LANES;
        let blocks = filter.channels_in.div_ceil(S::LANES);
        let mut strip = scratch::take(strip_size(grid, S::LANES));
        let v_spacing = spacing(blocks * block);
        let mut v = scratch::take(FREQUENCIES * v_spacing);
        let image = filter.channels_in * grid.input.size();
        for b in 0..blocks {
            let at = self.job.x.as_ptr().add(b * S::LANES * grid.input.size());
            let x = Channels { at, count: S::LANES.min(filter.channels_in - b * S::LANES), image };
            let to = Tiles { at: v.as_mut_ptr().add(b * block), spacing: v_spacing };
            input_rows::<S>(grid, self.rows.clone(), x, strip.as_mut_ptr(), to);
        }

        let all = filter.panels(S::LANES);
        let group = (OUT / (2 * S::LANES)).min(all);
        let m_spacing = spacing(group * 2 * block);
        let mut m = scratch::take(FREQUENCIES * m_spacing);
        for first in (0..all).step_by(group) {
            let panels = first..(first + group).min(all);
            for f in 0..FREQUENCIES {
                let v = v.as_ptr().add(f * v_spacing);
                for (i, panel) in panels.clone().enumerate() {
                    let u = self.u.as_ptr().add(f * filter.spacing(S::LANES) + panel * filter.panel(S::LANES));
                    let m = m.as_mut_ptr().add(f * m_spacing + 2 * i * block);
                    products::<S>(&filter.of_panel(panel, S::LANES).0, u, v, block, tiles, m);
                }
            }
            let channels = panels.start * 2 * S::LANES..(panels.end * 2 * S::LANES).min(filter.channels_out);
            for (i, channel) in channels.clone().step_by(S::LANES).enumerate() {
                let out = Output { count: S::LANES.min(channels.end - channel), ..self.job.output(channel) };
                let from = m.as_ptr().add(i * block);
                output_rows::<S>(grid, self.rows.clone(), from, m_spacing, strip.as_mut_ptr(), out);
            }
        }
        if self.job.stream {
            S::fence();
        }
    }
}

/// All tiles of one panel of output channels at one frequency: `m = v * u`.
///
/// # Safety
/// The buffers hold so many tiles, vectors of channels `block` floats apart, and the panel of the filter.
#[inline(always)]
pub(super) unsafe fn products<S: Simd>(
    panel: &Filter,
    u: *const f32,
    v: *const f32,
    block: usize,
    tiles: usize,
    m: *mut f32,
) {
    let vectors = panel.channels_out.div_ceil(S::LANES);
    let high = tiles.div_ceil(S::TALL);
    for j in 0..high {
        let some = share(tiles, high, j);
        let (v, m) = (v.add(some.start * S::LANES), m.add(some.start * S::LANES));
        let (channels, tiles) = (panel.channels_in, some.len());
        Forward { v, block, channels, u, m, tiles, vectors }.call::<S>();
    }
}
