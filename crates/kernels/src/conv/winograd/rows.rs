//! Image rows to transformed tiles and back, `LANES` channels at a time.
#![allow(unsafe_op_in_unsafe_fn)] // pointer arithmetic from end to end; the contract is on each function

use std::ops::Range;

use super::super::Activation;
use super::super::tile::activate;
use super::transform::{gradient_tile, input_tile, output_tile};
use super::{Extent, Grid};
use crate::simd::Simd;

/// `LANES` channels of a batch of images.
#[derive(Clone, Copy)]
pub(super) struct Channels {
    /// The first of them in image 0.
    pub at: *const f32,
    /// How many there really are.
    pub count: usize,
    /// Floats from image to image.
    pub image: usize,
}

/// Where transformed tiles go: frequencies `spacing` apart, vectors of neighbouring tiles adjacent.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub at: *mut f32,
    pub spacing: usize,
}

/// Floats of the strip that [`input_rows`] works in.
pub(super) fn strip_size(grid: &Grid, lanes: usize) -> usize {
    6 * (grid.tile * grid.wide + 6 - grid.tile) * lanes
}

/// Transforms the input tiles of some rows of tiles.
///
/// # Safety
/// The channels belong to images of this grid; the strip has [`strip_size`] floats; `to` has room.
#[inline(always)]
pub(super) unsafe fn input_rows<S: Simd>(grid: &Grid, rows: Range<usize>, x: Channels, strip: *mut f32, to: Tiles) {
    let step = grid.tile;
    let columns = step * grid.wide + 6 - step;
    let pitch = columns * S::LANES;
    clear_sides::<S>(&grid.input, strip, 6, columns, grid.left);
    let mut to_tile = to.at;
    for row in rows.clone() {
        let (image, ty) = grid.place(row);
        // the first of the six rows are the last of the tiles above
        let fresh = if row > rows.start && ty > 0 {
            strip.copy_from(strip.add(step * pitch), (6 - step) * pitch);
            6 - step
        } else {
            0
        };
        let first = (step * ty + fresh) as isize - grid.top as isize;
        let channels = Channels { at: x.at.add(image * x.image), ..x };
        load_rows::<S>(&grid.input, channels, first, 6 - fresh, strip.add(fresh * pitch), pitch, grid.left);
        for tx in 0..grid.wide {
            input_tile::<S>(strip.add(step * tx * S::LANES), pitch, to_tile, to.spacing);
            to_tile = to_tile.add(S::LANES);
        }
    }
}

/// Transforms the output gradients of some rows of tiles and returns their sums over all pixels.
///
/// # Safety
/// As for [`input_rows`].
#[inline(always)]
pub(super) unsafe fn gradient_rows<S: Simd>(
    grid: &Grid,
    rows: Range<usize>,
    dy: Channels,
    strip: *mut f32,
    to: Tiles,
) -> S::V {
    match grid.tile {
        4 => gradient_rows_of::<S, 4>(grid, rows, dy, strip, to),
        3 => gradient_rows_of::<S, 3>(grid, rows, dy, strip, to),
        _ => gradient_rows_of::<S, 2>(grid, rows, dy, strip, to),
    }
}

#[inline(always)]
unsafe fn gradient_rows_of<S: Simd, const M: usize>(
    grid: &Grid,
    rows: Range<usize>,
    dy: Channels,
    strip: *mut f32,
    to: Tiles,
) -> S::V {
    let columns = M * grid.wide;
    let pitch = columns * S::LANES;
    clear_sides::<S>(&grid.output, strip, M, columns, 0);
    let mut to_tile = to.at;
    let mut total = S::zero();
    for row in rows {
        let (image, ty) = grid.place(row);
        let channels = Channels { at: dy.at.add(image * dy.image), ..dy };
        load_rows::<S>(&grid.output, channels, (M * ty) as isize, M, strip, pitch, 0);
        // what lies outside the image is zero
        let mut sums = [S::zero(); M];
        for pixel in 0..columns {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = S::add(*sum, S::load(strip.add(i * pitch + pixel * S::LANES)));
            }
        }
        for sum in sums {
            total = S::add(total, sum);
        }
        for tx in 0..grid.wide {
            gradient_tile::<S, M>(strip.add(M * tx * S::LANES), pitch, to_tile, to.spacing);
            to_tile = to_tile.add(S::LANES);
        }
    }
    total
}

/// Zeroes the columns of a strip that lie outside the image.
#[inline(always)]
unsafe fn clear_sides<S: Simd>(of: &Extent, strip: *mut f32, rows: usize, columns: usize, left: usize) {
    for r in 0..rows {
        let row = strip.add(r * columns * S::LANES);
        row.write_bytes(0, left * S::LANES);
        let inside = left + of.width;
        row.add(inside * S::LANES).write_bytes(0, (columns - inside) * S::LANES);
    }
}

/// Fills `count` rows of a strip from image row `first` on, zeros where there is none.
#[inline(always)]
unsafe fn load_rows<S: Simd>(
    of: &Extent,
    x: Channels,
    first: isize,
    count: usize,
    strip: *mut f32,
    pitch: usize,
    left: usize,
) {
    let (height, width) = (of.height as isize, of.width);
    let last = first + count as isize;
    let begin = first.max(0).min(last);
    let end = last.min(height).max(begin);
    let clear = |from: isize, to: isize| {
        for r in from - first..to - first {
            strip.add(r as usize * pitch + left * S::LANES).write_bytes(0, width * S::LANES);
        }
    };
    clear(first, begin);
    clear(end, last);
    if begin == end {
        return;
    }

    // Rows of a channel are contiguous, so vectors of pixels run across their ends.
    let mut to = strip.add((begin - first) as usize * pitch + left * S::LANES);
    let mut column = 0;
    let (mut p, stop) = (begin as usize * width, end as usize * width);
    let mut square = [S::zero(); 16];
    while p < stop {
        let n = S::LANES.min(stop - p);
        let from = x.at.add(p);
        if n == S::LANES && x.count == S::LANES {
            for (j, v) in square.iter_mut().enumerate().take(S::LANES) {
                *v = S::load(from.add(j * of.size()));
            }
        } else {
            for (j, v) in square.iter_mut().enumerate().take(S::LANES) {
                *v = if j < x.count { S::load_first(from.add(j * of.size()), n) } else { S::zero() };
            }
        }
        S::transpose(square.as_mut_ptr());
        for v in square.iter().take(n) {
            S::store(to, *v);
            to = to.add(S::LANES);
            column += 1;
            if column == width {
                column = 0;
                to = to.add(pitch - width * S::LANES);
            }
        }
        p += S::LANES;
    }
}

/// What becomes of output tiles.
#[derive(Clone, Copy)]
pub(super) struct Output {
    /// The first of up to `LANES` channels in image 0.
    pub at: *mut f32,
    pub count: usize,
    pub image: usize,
    /// Bias of the channels, `LANES` of them.
    pub bias: *const f32,
    pub act: Activation,
    /// Store past the caches; the places of all rows of tiles are aligned to vectors.
    pub stream: bool,
}

/// Transforms some rows of output tiles back and stores them.
///
/// # Safety
/// `from` holds the tiles, frequencies `spacing` apart; the channels belong to images of this grid and are ours to
/// write; the strip has [`strip_size`] floats.
#[inline(always)]
pub(super) unsafe fn output_rows<S: Simd>(
    grid: &Grid,
    rows: Range<usize>,
    from: *const f32,
    spacing: usize,
    strip: *mut f32,
    out: Output,
) {
    match grid.tile {
        4 => output_rows_of::<S, 4>(grid, rows, from, spacing, strip, out),
        3 => output_rows_of::<S, 3>(grid, rows, from, spacing, strip, out),
        _ => output_rows_of::<S, 2>(grid, rows, from, spacing, strip, out),
    }
}

#[inline(always)]
unsafe fn output_rows_of<S: Simd, const M: usize>(
    grid: &Grid,
    rows: Range<usize>,
    from: *const f32,
    spacing: usize,
    strip: *mut f32,
    out: Output,
) {
    let Extent { height, width } = grid.output;
    let bias = S::load(out.bias);
    let mut tile = from;
    for row in rows {
        let (image, ty) = grid.place(row);
        let high = (height - M * ty).min(M);
        for tx in 0..grid.wide {
            let y = output_tile::<S, M>(tile, spacing);
            tile = tile.add(S::LANES);
            let wide = (width - M * tx).min(M);
            for (i, values) in y.iter().enumerate().take(high) {
                let to = strip.add((i * width + M * tx) * S::LANES);
                for (j, v) in values.iter().enumerate().take(wide) {
                    S::store(to.add(j * S::LANES), activate::<S>(S::add(*v, bias), out.act));
                }
            }
        }
        let at = out.at.add(image * out.image + M * ty * width);
        store_pixels::<S>(strip, high * width, Output { at, ..out }, grid.output.size());
    }
}

/// Stores a run of pixels to the channels.
#[inline(always)]
unsafe fn store_pixels<S: Simd>(strip: *const f32, pixels: usize, out: Output, size: usize) {
    let mut square = [S::zero(); 16];
    for p in (0..pixels).step_by(S::LANES) {
        let n = S::LANES.min(pixels - p);
        for (i, v) in square.iter_mut().enumerate().take(n) {
            *v = S::load(strip.add((p + i) * S::LANES));
        }
        S::transpose(square.as_mut_ptr());
        let to = out.at.add(p);
        if n < S::LANES {
            for (j, v) in square.iter().enumerate().take(out.count) {
                S::store_first(to.add(j * size), *v, n);
            }
        } else if out.stream {
            for (j, v) in square.iter().enumerate().take(out.count) {
                S::stream(to.add(j * size), *v);
            }
        } else {
            for (j, v) in square.iter().enumerate().take(out.count) {
                S::store(to.add(j * size), *v);
            }
        }
    }
}
