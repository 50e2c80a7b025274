//! Max pooling by windows that lie side by side: the stride is the window.
//!
//! First the maxima down the columns of a row of windows, where neighbours in memory are neighbours in a register. Then, at every
//! column, the maximum of it and the next few, of which each window keeps one. More is computed than needed, but nothing is
//! dealt out or branched upon, and narrow rows, which follow each other in the buffer, fill the registers, too: two to ten
//! times as fast as splitting every row by the phase of its columns, which windows that overlap need.

use std::mem::MaybeUninit;

use super::{Pool2d, Taps};
use crate::lanes::LANES;

/// Columns of windows that are worked on at once; what the buffer holds stays in the nearest cache.
const BLOCK: usize = 1024;

/// Output rows of fewer windows are worked on here.
const NARROW: usize = 32;

impl Pool2d {
    /// Whether [`Self::max_tiles`] does this pooling, and faster: wide rows fill the registers by themselves.
    #[inline(always)]
    pub(super) fn is_tiling(&self, x: &[f32]) -> bool {
        self.stride == self.kernel
            && (2..=4).contains(&self.kernel[1])
            && self.out_width() < NARROW
            && !x.iter().fold(false, |any, v| any | v.is_nan())
    }

    /// The maxima of a plane under [`Self::is_tiling`], which has no NaN, and their places.
    #[inline(always)]
    pub(super) fn max_tiles(&self, x: &[f32], y: &mut [MaybeUninit<f32>], index: &mut [MaybeUninit<u8>]) {
        match self.kernel[1] {
            2 => self.max_tiles_of::<2, { 2 * LANES }>(x, y, index),
            3 => self.max_tiles_of::<3, { 3 * LANES }>(x, y, index),
            _ => self.max_tiles_of::<4, { 4 * LANES }>(x, y, index),
        }
    }

    /// [`Self::max_tiles`] for windows of `K` columns; `GROUP` is the width of 16 of them.
    #[inline(always)]
    fn max_tiles_of<const K: usize, const GROUP: usize>(
        &self,
        x: &[f32],
        y: &mut [MaybeUninit<f32>],
        index: &mut [MaybeUninit<u8>],
    ) {
        let width = self.out_width();
        let rows = (BLOCK / (width * K)).max(1).min(self.out_height());
        let mut columns = Columns::new(self, rows, GROUP);
        let blocks = y.chunks_mut(rows * width).zip(index.chunks_mut(rows * width));
        for (block, (y, index)) in blocks.enumerate() {
            for row in 0..y.len() / width {
                columns.fill(row, self.rows(block * rows + row), K as u32, x);
            }
            for (group, (y, index)) in y.chunks_mut(LANES).zip(index.chunks_mut(LANES)).enumerate() {
                columns.windows::<K, GROUP>(group * GROUP, y, index);
            }
        }
    }
}

/// The maxima down the columns of some rows of windows, one row behind the other.
struct Columns {
    /// Width of the input.
    width: usize,
    /// Padding before the first pixel of a row.
    left: usize,
    /// Pixels of a row that windows see.
    pixels: usize,
    /// Columns of a row of windows.
    row: usize,
    values: Vec<f32>,
    /// The place of each in its window, were it in the first column.
    places: Vec<u32>,
}

impl Columns {
    #[inline(always)]
    fn new(pool: &Pool2d, rows: usize, group: usize) -> Self {
        let row = pool.out_width() * pool.kernel[1];
        let left = pool.padding.left;
        let len = (rows * row).next_multiple_of(group) + pool.kernel[1];
        // Padding loses against pixels of minus infinity, too: of equal values the earlier place wins.
        let (values, places) = (vec![f32::NEG_INFINITY; len], vec![u32::MAX >> 1; len]);
        Self { width: pool.width, left, pixels: pool.width.min(row - left), row, values, places }
    }

    /// The columns of one row of windows.
    #[inline(always)]
    fn fill(&mut self, row: usize, rows: Taps, columns: u32, x: &[f32]) {
        let at = row * self.row + self.left..row * self.row + self.left + self.pixels;
        let (values, places) = (&mut self.values[at.clone()], &mut self.places[at]);
        let x = &x[rows.input(rows.first) * self.width..];
        let first = rows.first as u32 * columns;
        let down = Down { x, width: self.width, count: rows.count(), first, columns };
        match self.pixels {
            LANES.. => down.all::<LANES>(values, places),
            8.. => down.all::<8>(values, places),
            4.. => down.all::<4>(values, places),
            _ => down.all::<1>(values, places),
        }
    }

    /// The maxima of up to 16 windows from column `at` on.
    #[inline(always)]
    fn windows<const K: usize, const GROUP: usize>(
        &self,
        at: usize,
        y: &mut [MaybeUninit<f32>],
        index: &mut [MaybeUninit<u8>],
    ) {
        let (values, places) = (&self.values[at..][..GROUP + K], &self.places[at..][..GROUP + K]);
        let mut best: [f32; GROUP] = *values.first_chunk().expect("a whole group");
        let mut place: [u32; GROUP] = *places.first_chunk().expect("a whole group");
        for kx in 1..K {
            let (values, places) = (&values[kx..][..GROUP], &places[kx..][..GROUP]);
            for c in 0..GROUP {
                let (v, at) = (values[c], places[c] + kx as u32);
                // Of equal values the earlier place wins, which may be in a later column.
                let won = (v > best[c]) | ((v == best[c]) & (at < place[c]));
                best[c] = if won { v } else { best[c] };
                place[c] = if won { at } else { place[c] };
            }
        }
        for (window, (y, index)) in y.iter_mut().zip(index).enumerate() {
            y.write(best[window * K]);
            index.write(place[window * K] as u8);
        }
    }
}

/// Rows of the input under one row of windows.
struct Down<'a> {
    /// From the first of them on.
    x: &'a [f32],
    width: usize,
    count: usize,
    /// The place of the first row's first column.
    first: u32,
    /// Places of a row.
    columns: u32,
}

impl Down<'_> {
    /// All columns, `G` at a time. The last group lies over the one before it: the same values are found twice.
    #[inline(always)]
    fn all<const G: usize>(&self, values: &mut [f32], places: &mut [u32]) {
        let last = values.len() - G;
        for group in 0..values.len().div_ceil(G) {
            let at = (group * G).min(last);
            let row = |k: usize| -> &[f32; G] { self.x[k * self.width + at..].first_chunk().expect("a row's group") };
            let (mut best, mut place) = (*row(0), [self.first; G]);
            for k in 1..self.count {
                let (row, at) = (row(k), self.first + k as u32 * self.columns);
                for l in 0..G {
                    let won = row[l] > best[l];
                    best[l] = if won { row[l] } else { best[l] };
                    place[l] = if won { at } else { place[l] };
                }
            }
            values[at..][..G].copy_from_slice(&best);
            places[at..][..G].copy_from_slice(&place);
        }
    }
}
