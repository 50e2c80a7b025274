//! The weight gradient.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use std::ops::Range;

use super::super::Conv2d;
use super::filter::Filter;
use super::products::Weight;
use super::rows::{Channels, Tiles, gradient_rows, input_rows, strip_size};
use super::{FREQUENCIES, Grid, spacing};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared, share};
use crate::{Isa, scratch};

/// Floats of the transforms of a chunk of tiles (8 MB): they stay in a shared L3 cache.
const CHUNK: usize = 2 << 20;
/// Tiles that are summed before they are added to the gradient. Two levels of sums keep the rounding error of large
/// batches small.
const TILES: usize = 96;

/// The gradients of weight and bias. `dw` has room for it, `db` too unless it is null.
pub(crate) fn backward_weight(c: &Conv2d, isa: Isa, x: &[f32], dy: &[f32], dw: *mut f32, db: *mut f32) {
    let to = (Shared::new(dw), (!db.is_null()).then(|| Shared::new(db)));
    units::enter(c.flops(), || run(c, isa, x, dy, to));
}

fn run(c: &Conv2d, isa: Isa, x: &[f32], dy: &[f32], (dw, db): (Shared, Option<Shared>)) {
    let lanes = simd::lanes(isa);
    let grid = Grid::forward(c);
    let (channels_in, channels_out) = (c.in_channels, c.out_channels);
    let filter = Filter::forward(c);
    let blocks = (channels_in.div_ceil(lanes), 2 * filter.panels(lanes));
    let per_tile = FREQUENCIES * (blocks.0 + blocks.1) * lanes;
    let rows = (CHUNK / (per_tile * grid.wide)).clamp(1, grid.rows);
    let chunks = grid.rows.div_ceil(rows);
    let rows = grid.rows.div_ceil(chunks);
    let block = rows * grid.wide * lanes;
    let spacings = (spacing(blocks.0 * block), spacing(blocks.1 * block));
    let mut v = scratch::take(FREQUENCIES * spacings.0);
    let mut z = scratch::take(FREQUENCIES * spacings.1);
    let mut d = scratch::take(filter.size(lanes));
    let (v, z) = (Shared::new(v.as_mut_ptr()), Shared::new(z.as_mut_ptr()));
    let slices = rows.div_ceil((64 / grid.wide).max(1));
    let padded = blocks.1 * lanes;
    let mut sums = scratch::take(slices * padded);
    let mut totals = vec![0.0f64; channels_out];
    let sums_at = Shared::new(sums.as_mut_ptr());
    let plan =
        Plan { filter, grid, block, spacings, x, dy, v, z, d: Shared::new(d.as_mut_ptr()), slices, sums: sums_at };
    for chunk in 0..chunks {
        let rows = share(grid.rows, chunks, chunk);
        plan.transforms(isa, rows.clone(), blocks);
        plan.products(isa, rows.len() * grid.wide, chunk > 0);
        for (i, total) in totals.iter_mut().enumerate() {
            *total += (0..slices).map(|slice| f64::from(sums[slice * padded + i])).sum::<f64>();
        }
    }
    plan.filter.transform_back(isa, &d, dw);
    if let Some(db) = db {
        for (i, total) in totals.iter().enumerate() {
            // SAFETY: there is room for one float for each output channel.
            unsafe { *db.at(i) = *total as f32 };
        }
    }
}

struct Plan<'a> {
    filter: Filter,
    grid: Grid,
    /// Floats of a vector of channels, at one frequency, for the tiles of a chunk.
    block: usize,
    spacings: (usize, usize),
    x: &'a [f32],
    dy: &'a [f32],
    v: Shared,
    z: Shared,
    d: Shared,
    /// Slices of a chunk, and the sums of the output gradient over each: `[slice][channel]`.
    slices: usize,
    sums: Shared,
}

impl Plan<'_> {
    /// Transforms a chunk of the input and of the output gradient.
    fn transforms(&self, isa: Isa, rows: Range<usize>, blocks: (usize, usize)) {
        let slices = self.slices;
        let work = 400 * rows.len() * self.grid.wide * (blocks.0 + blocks.1) * simd::lanes(isa);
        units::run(slices * (blocks.0 + blocks.1), work, |unit| {
            let slice = unit / (blocks.0 + blocks.1);
            let part = share(rows.len(), slices, slice);
            let tile = part.start * self.grid.wide;
            let rows = rows.start + part.start..rows.start + part.end;
            let b = unit % (blocks.0 + blocks.1);
            let (gradient, b) = if b < blocks.0 { (false, b) } else { (true, b - blocks.0) };
            let work = Transform { plan: self, gradient, block: b, rows, tile, slice };
            // SAFETY: the slices have the lengths of the shape (checked at the entry); units write tiles of their own.
            unsafe { simd::dispatch(isa, work) };
        });
    }

    /// Adds the products of a chunk of tiles.
    fn products(&self, isa: Isa, tiles: usize, add: bool) {
        let panels = self.filter.panels(simd::lanes(isa));
        let slices = if self.filter.channels_in * self.filter.channels_out >= 128 * 128 { panels.min(4) } else { 1 };
        let work = 2 * FREQUENCIES * tiles * self.filter.channels_in * self.filter.channels_out;
        units::run(FREQUENCIES * slices, work, |unit| {
            let panels = share(panels, slices, unit % slices);
            let work = Products { plan: self, f: unit / slices, panels, tiles, add };
            // SAFETY: the buffers have the sizes that the plan says; units write panels of their own.
            unsafe { simd::dispatch(isa, work) };
        });
    }
}

struct Transform<'a> {
    plan: &'a Plan<'a>,
    /// Of the output gradient, not the input.
    gradient: bool,
    block: usize,
    rows: Range<usize>,
    /// The first tile's place in the chunk.
    tile: usize,
    slice: usize,
}

impl Kernel for Transform<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Plan { filter, grid, .. } = self.plan;
        let p = self.plan;
        let channel = self.block * S::LANES;
        let mut strip = scratch::take(strip_size(grid, S::LANES));
        let (from, channels, size, to, spacing) = match self.gradient {
            false => (p.x, filter.channels_in, grid.input.size(), p.v, p.spacings.0),
            true => (p.dy, filter.channels_out, grid.output.size(), p.z, p.spacings.1),
        };
        let to = Tiles { at: to.at(self.block * p.block + self.tile * S::LANES), spacing };
        // a vector beyond the last channel, which fills up a panel, is read nowhere
        if channel >= channels {
            return;
        }
        let at = from.as_ptr().add(channel * size);
        let from = Channels { at, count: S::LANES.min(channels - channel), image: channels * size };
        if self.gradient {
            let sum = gradient_rows::<S>(grid, self.rows, from, strip.as_mut_ptr(), to);
            S::store(p.sums.at(self.slice * 2 * filter.panels(S::LANES) * S::LANES + channel), sum);
        } else {
            input_rows::<S>(grid, self.rows, from, strip.as_mut_ptr(), to);
        }
    }
}

struct Products<'a> {
    plan: &'a Plan<'a>,
    f: usize,
    panels: Range<usize>,
    tiles: usize,
    add: bool,
}

impl Kernel for Products<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let p = self.plan;
        let filter = &p.filter;
        let rows = S::ROWS.min(S::TALL);
        let high = filter.channels_in.div_ceil(rows);
        let v = p.v.at(self.f * p.spacings.0);
        let z = p.z.at(self.f * p.spacings.1);
        for first in (0..self.tiles).step_by(TILES) {
            for panel in self.panels.clone() {
                let d = p.d.at(self.f * filter.spacing(S::LANES) + panel * filter.panel(S::LANES));
                for i in 0..high {
                    let channels = share(filter.channels_in, high, i);
                    let product = Weight {
                        v: v.add(first * S::LANES),
                        channel: channels.start,
                        z: z.add(2 * panel * p.block + first * S::LANES),
                        block: p.block,
                        tiles: TILES.min(self.tiles - first),
                        d: d.add(channels.start * 2 * S::LANES),
                        add: self.add || first > 0,
                        rows: channels.len(),
                        vectors: (filter.channels_out - panel * 2 * S::LANES).div_ceil(S::LANES).min(2),
                    };
                    product.call::<S>();
                }
            }
        }
    }
}
