//! The forward and data gradient passes.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use super::super::{Activation, Conv2d};
use super::filter::Filter;
use super::products::Forward;
use super::rows::{Channels, Output, Tiles, input_rows, output_rows, strip_size};
use super::{FREQUENCIES, Grid, spacing};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared, share};
use crate::{Isa, scratch};

/// Tiles of a unit: with 64 channels the transformed input and output of a unit share the L2 cache.
const TILES: usize = 48;
/// Output channels that a unit does at a time.
const OUT: usize = 64;

/// `y = act(conv(x, w) + bias)`. `y` has room for the output.
pub(crate) fn forward(c: &Conv2d, isa: Isa, x: &[f32], w: &[f32], bias: Option<&[f32]>, act: Activation, y: *mut f32) {
    let (channels_in, channels_out) = (c.in_channels, c.out_channels);
    let filter = Filter { channels_in, channels_out, strides: (9, 9 * channels_in), turned: false };
    run(c, isa, &filter, x, w, bias, act, y);
}

/// The input gradient. `dx` has room for it.
pub(crate) fn backward_data(c: &Conv2d, isa: Isa, dy: &[f32], w: &[f32], dx: *mut f32) {
    let (channels_in, channels_out) = (c.out_channels, c.in_channels);
    let filter = Filter { channels_in, channels_out, strides: (9 * channels_out, 9), turned: true };
    run(c, isa, &filter, dy, w, None, Activation::None, dx);
}

#[allow(clippy::too_many_arguments)]
fn run(
    c: &Conv2d,
    isa: Isa,
    filter: &Filter,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    act: Activation,
    y: *mut f32,
) {
    let lanes = simd::lanes(isa);
    let grid = Grid::new(c);
    let u = filter.transform(isa, w);
    let padded = filter.panels(lanes) * 2 * lanes;
    let mut biases = scratch::take(padded);
    biases.fill(0.0);
    if let Some(bias) = bias {
        biases[..bias.len()].copy_from_slice(bias);
    }
    let units = units_of(&grid);
    let stream = streams(&grid, c.batch * filter.channels_out, y, lanes);
    let y = Shared::new(y);
    units::run(units, c.flops(), |unit| {
        let rows = share(grid.rows, units, unit);
        let work = Unit { filter, grid: &grid, rows, x, u: &u, bias: &biases, act, y, stream };
        // SAFETY: the slices have the lengths of the shape (checked at the entry); units write rows of their own.
        unsafe { simd::dispatch(isa, work) };
    });
}

/// Units of about [`TILES`] tiles, an even number of them where there is more than one.
fn units_of(grid: &Grid) -> usize {
    let rows = (TILES / grid.wide).max(1);
    let units = grid.rows.div_ceil(rows);
    units.next_multiple_of(2).min(grid.rows)
}

/// Whether to store past the caches: large outputs, whose every vector is aligned.
fn streams(grid: &Grid, planes: usize, y: *mut f32, lanes: usize) -> bool {
    let large = units::streams(planes * grid.size());
    let even = grid.size().is_multiple_of(lanes) && (4 * grid.width).is_multiple_of(lanes);
    large && even && (y as usize).is_multiple_of(4 * lanes)
}

struct Unit<'a> {
    filter: &'a Filter,
    grid: &'a Grid,
    rows: std::ops::Range<usize>,
    x: &'a [f32],
    u: &'a [f32],
    bias: &'a [f32],
    act: Activation,
    y: Shared,
    stream: bool,
}

impl Kernel for Unit<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (grid, filter) = (self.grid, self.filter);
        let block = self.rows.len() * grid.wide * S::LANES;
        let blocks = filter.channels_in.div_ceil(S::LANES);
        let mut strip = scratch::take(strip_size(grid, S::LANES));
        let v_spacing = spacing(blocks * block);
        let mut v = scratch::take(FREQUENCIES * v_spacing);
        let image = filter.channels_in * grid.size();
        for b in 0..blocks {
            let at = self.x.as_ptr().add(b * S::LANES * grid.size());
            let x = Channels { at, count: S::LANES.min(filter.channels_in - b * S::LANES), image };
            let to = Tiles { at: v.as_mut_ptr().add(b * block), spacing: v_spacing };
            input_rows::<S>(grid, self.rows.clone(), x, strip.as_mut_ptr(), to);
        }

        let panels = (OUT / (2 * S::LANES)).min(filter.panels(S::LANES));
        let m_spacing = spacing(panels * 2 * block);
        let mut m = scratch::take(FREQUENCIES * m_spacing);
        for first in (0..filter.panels(S::LANES)).step_by(panels) {
            let panels = first..(first + panels).min(filter.panels(S::LANES));
            for f in 0..FREQUENCIES {
                let (v, m) = (v.as_ptr().add(f * v_spacing), m.as_mut_ptr().add(f * m_spacing));
                self.products::<S>(f, v, panels.clone(), m);
            }
            for o in 0..panels.len() * 2 {
                self.put::<S>(panels.start * 2 + o, m.as_ptr().add(o * block), m_spacing, strip.as_mut_ptr());
            }
        }
        if self.stream {
            S::fence();
        }
    }
}

impl Unit<'_> {
    /// All tiles at one frequency.
    #[inline(always)]
    unsafe fn products<S: Simd>(&self, f: usize, v: *const f32, panels: std::ops::Range<usize>, m: *mut f32) {
        let filter = self.filter;
        let tiles = self.rows.len() * self.grid.wide;
        let block = tiles * S::LANES;
        let high = tiles.div_ceil(S::TALL);
        for (i, panel) in panels.enumerate() {
            let u = self.u.as_ptr().add(f * filter.spacing(S::LANES) + panel * filter.panel(S::LANES));
            let vectors = (filter.channels_out - panel * 2 * S::LANES).div_ceil(S::LANES).min(2);
            for j in 0..high {
                let some = share(tiles, high, j);
                let v = v.add(some.start * S::LANES);
                let m = m.add(2 * i * block + some.start * S::LANES);
                let (channels, tiles) = (filter.channels_in, some.len());
                Forward { v, block, channels, u, m, tiles, vectors }.call::<S>();
            }
        }
    }

    /// Stores vector `o` of output channels.
    #[inline(always)]
    unsafe fn put<S: Simd>(&self, o: usize, from: *const f32, spacing: usize, strip: *mut f32) {
        let grid = self.grid;
        let channel = o * S::LANES;
        let count = self.filter.channels_out.saturating_sub(channel).min(S::LANES);
        if count == 0 {
            return;
        }
        let out = Output {
            at: self.y.at(channel * grid.size()),
            count,
            image: self.filter.channels_out * grid.size(),
            bias: self.bias.as_ptr().add(channel),
            act: self.act,
            stream: self.stream,
        };
        output_rows::<S>(grid, self.rows.clone(), from, spacing, strip, out);
    }
}
