//! Forward and data gradient passes of layers whose transformed weights do not fit the caches.
//!
//! Four times the size of the weights, they would be written to memory and read back. Here each task transforms one
//! panel of them, uses it on a chunk of tiles, and forgets it. Small batches go this way too: their few tiles would
//! not make units for several threads.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each type

use std::ops::Range;

use super::filter::Filter;
use super::forward::{Job, products};
use super::rows::{Channels, Output, Tiles, input_rows, output_rows, strip_size};
use super::{FREQUENCIES, Grid, spacing};
use crate::simd::{self, Kernel, Simd};
use crate::units::{self, Shared, share};
use crate::{Isa, scratch};

/// Floats of the transformed weights from which this way is taken (16 MB).
const LARGE: usize = 4 << 20;
/// Tiles up to which it is.
const FEW: usize = 48;
/// Floats of the transformed input of a chunk of tiles (8 MB).
const CHUNK: usize = 2 << 20;

/// Whether this way is the better one.
pub(super) fn applies(filter: &Filter, grid: &Grid) -> bool {
    FREQUENCIES * filter.channels_in * filter.channels_out >= LARGE || grid.rows * grid.wide <= FEW
}

/// Does the job.
pub(super) fn run(job: &Job, isa: Isa, w: &[f32]) {
    let (grid, filter, lanes) = (&job.grid, &job.filter, simd::lanes(isa));
    let blocks = filter.channels_in.div_ceil(lanes);
    let rows = (CHUNK / (FREQUENCIES * blocks * lanes * grid.wide)).clamp(1, grid.rows);
    let chunks = grid.rows.div_ceil(rows);
    let block = grid.rows.div_ceil(chunks) * grid.wide * lanes;
    let mut v = scratch::take(FREQUENCIES * spacing(blocks * block));
    let v = Shared::new(v.as_mut_ptr());
    for chunk in 0..chunks {
        let rows = share(grid.rows, chunks, chunk);
        let slices = rows.len().div_ceil((32 / grid.wide).max(1));
        units::run(blocks * slices, 400 * rows.len() * grid.wide * blocks * lanes, |unit| {
            let part = share(rows.len(), slices, unit / blocks);
            let tile = part.start * grid.wide;
            let rows = rows.start + part.start..rows.start + part.end;
            // SAFETY: the slices have the lengths of the shape; units write tiles of their own.
            unsafe { simd::dispatch(isa, Transform { job, block, b: unit % blocks, rows, tile, v }) };
        });
        let work = 2 * FREQUENCIES * rows.len() * grid.wide * filter.channels_in * filter.channels_out;
        units::run(filter.panels(lanes), work, |panel| {
            // SAFETY: as above; units write channels of their own.
            unsafe { simd::dispatch(isa, Panel { job, w, block, panel, rows: rows.clone(), v }) };
        });
    }
}

/// The transform of a vector of input channels in some rows of tiles.
struct Transform<'a> {
    job: &'a Job<'a>,
    block: usize,
    b: usize,
    rows: Range<usize>,
    tile: usize,
    v: Shared,
}

impl Kernel for Transform<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (grid, channels) = (&self.job.grid, self.job.filter.channels_in);
        let spacing = spacing(channels.div_ceil(S::LANES) * self.block);
        let mut strip = scratch::take(strip_size(grid, S::LANES));
        let first = self.b * S::LANES;
        let at = self.job.x.as_ptr().add(first * grid.input.size());
        let x = Channels { at, count: S::LANES.min(channels - first), image: channels * grid.input.size() };
        let to = Tiles { at: self.v.at(self.b * self.block + self.tile * S::LANES), spacing };
        input_rows::<S>(grid, self.rows, x, strip.as_mut_ptr(), to);
    }
}

/// One panel of output channels, for a chunk of tiles.
struct Panel<'a> {
    job: &'a Job<'a>,
    w: &'a [f32],
    block: usize,
    panel: usize,
    rows: Range<usize>,
    v: Shared,
}

impl Kernel for Panel<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (job, grid) = (self.job, &self.job.grid);
        let (filter, weights) = job.filter.of_panel(self.panel, S::LANES);
        let mut u = scratch::take(filter.size(S::LANES));
        filter.transform_panel::<S>(&self.w[weights..], u.as_mut_ptr());

        let tiles = self.rows.len() * grid.wide;
        let blocks = filter.channels_in.div_ceil(S::LANES);
        let m_spacing = spacing(2 * self.block);
        let mut m = scratch::take(FREQUENCIES * m_spacing);
        for f in 0..FREQUENCIES {
            let v = self.v.at(f * spacing(blocks * self.block));
            let u = u.as_ptr().add(f * filter.spacing(S::LANES));
            products::<S>(&filter, u, v, self.block, tiles, m.as_mut_ptr().add(f * m_spacing));
        }
        let mut strip = scratch::take(strip_size(grid, S::LANES));
        for first in (0..filter.channels_out).step_by(S::LANES) {
            let channel = self.panel * 2 * S::LANES + first;
            let out = Output { count: S::LANES.min(filter.channels_out - first), ..job.output(channel) };
            let from = m.as_ptr().add(first / S::LANES * self.block);
            output_rows::<S>(grid, self.rows.clone(), from, m_spacing, strip.as_mut_ptr(), out);
        }
        if job.stream {
            S::fence();
        }
    }
}
