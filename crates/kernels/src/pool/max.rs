//! Max pooling. Of equal maxima the first in row-major order wins; a NaN beats every number.

use std::mem::MaybeUninit;

use super::Pool2d;
use crate::Isa;
use crate::lanes::vectorize;
use crate::parallel::{Shared, for_each_item};

impl Pool2d {
    /// `y = max over each window of x`. `index`, shaped as `y`, receives the place of the maximum within its window,
    /// `ky * kernel_w + kx`, which the backward pass needs. Padding never wins.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says, or a window has more than 256 places.
    pub fn max_forward(&self, isa: Isa, x: &[f32], y: &mut [MaybeUninit<f32>], index: &mut [MaybeUninit<u8>]) {
        self.check(x.len(), y.len());
        self.check_index(index.len());
        let (y, index) = (Shared::output(y), Shared::output(index));
        let (inner, outer) = (self.in_plane(), self.out_plane());
        for_each_item(self.planes(), inner, |plane| {
            let x = &x[plane * inner..][..inner];
            // SAFETY: the plane lies within the outputs, and this unit alone writes it.
            let (y, index) = unsafe {
                (
                    std::slice::from_raw_parts_mut(y.ptr().add(plane * outer).cast(), outer),
                    std::slice::from_raw_parts_mut(index.ptr().add(plane * outer).cast(), outer),
                )
            };
            vectorize(
                isa,
                #[inline(always)]
                |_| self.max_plane(x, y, index),
            );
        });
    }

    /// The gradient of [`Self::max_forward`]: each `dy` goes to the place that `index` names. Windows that overlap add
    /// up, in the order of the windows. Every element of `dx` is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says, or an index lies outside of the image.
    pub fn max_backward(&self, isa: Isa, dy: &[f32], index: &[u8], dx: &mut [MaybeUninit<f32>]) {
        self.check(dx.len(), dy.len());
        self.check_index(index.len());
        let dx = Shared::output(dx);
        let (inner, outer) = (self.in_plane(), self.out_plane());
        for_each_item(self.planes(), inner, |plane| {
            let dy = &dy[plane * outer..][..outer];
            let index = &index[plane * outer..][..outer];
            // SAFETY: the plane lies within the output, and this unit alone writes it.
            let dx: &mut [MaybeUninit<f32>] =
                unsafe { std::slice::from_raw_parts_mut(dx.ptr().add(plane * inner).cast(), inner) };
            vectorize(
                isa,
                #[inline(always)]
                |_| {
                    if self.is_halving() {
                        self.halving_backward(dy, index, dx);
                    } else {
                        self.scatter(dy, index, dx);
                    }
                },
            );
        });
    }

    fn check_index(&self, len: usize) {
        assert!(self.kernel[0] * self.kernel[1] <= 256, "a window of more than 256 places");
        assert_eq!(len, self.planes() * self.out_plane(), "length of the index");
    }

    /// Whether this is the pooling of VGG: 2x2 windows side by side.
    fn is_halving(&self) -> bool {
        self.kernel == [2, 2] && self.stride == [2, 2] && self.padding == Default::default()
    }

    #[inline(always)]
    fn max_plane(&self, x: &[f32], y: &mut [MaybeUninit<f32>], index: &mut [MaybeUninit<u8>]) {
        let width = self.out_width();
        if self.is_halving() {
            for (oy, (y, index)) in y.chunks_exact_mut(width).zip(index.chunks_exact_mut(width)).enumerate() {
                halving_row(&x[2 * oy * self.width..][..2 * self.width], self.width, y, index);
            }
            return;
        }
        // The places of the best values as 32-bit numbers: lanes as wide as the values they go with.
        let mut places = vec![0u32; width];
        let first: Vec<u32> = (0..width).map(|ox| self.cols(ox).first as u32).collect();
        for (oy, (y, index)) in y.chunks_exact_mut(width).zip(index.chunks_exact_mut(width)).enumerate() {
            let rows = self.rows(oy);
            y.fill(MaybeUninit::new(f32::NEG_INFINITY));
            // SAFETY: just initialised.
            let best = unsafe { &mut *(std::ptr::from_mut(y) as *mut [f32]) };
            let row = (rows.first * self.kernel[1]) as u32;
            places.iter_mut().zip(&first).for_each(|(p, f)| *p = row + f);
            for ky in rows.first..rows.end {
                let line = &x[rows.input(ky) * self.width..][..self.width];
                self.max_row(line, ky, best, &mut places);
            }
            for (index, place) in index.iter_mut().zip(&places) {
                index.write(*place as u8);
            }
        }
    }

    /// Takes one input row into account as row `ky` of the windows of one output row.
    #[inline(always)]
    fn max_row(&self, line: &[f32], ky: usize, best: &mut [f32], places: &mut [u32]) {
        for kx in 0..self.kernel[1] {
            let columns = self.columns_of(kx);
            if columns.is_empty() {
                continue;
            }
            let place = (ky * self.kernel[1] + kx) as u32;
            let line = &line[columns.start * self.stride[1] + kx - self.padding.left..];
            let (best, places) = (&mut best[columns.clone()], &mut places[columns]);
            match self.stride[1] {
                1 => max_taps::<1>(line, 1, place, best, places),
                2 => max_taps::<2>(line, 2, place, best, places),
                stride => max_taps::<0>(line, stride, place, best, places),
            }
        }
    }

    /// Backward of [`Self::is_halving`]: every pixel has one window, so each is written once.
    #[inline(always)]
    fn halving_backward(&self, dy: &[f32], index: &[u8], dx: &mut [MaybeUninit<f32>]) {
        let (width, out) = (self.width, self.out_width());
        let (windows, rest) = dx.split_at_mut(2 * self.out_height() * width);
        for (lines, (dy, index)) in
            windows.chunks_exact_mut(2 * width).zip(dy.chunks_exact(out).zip(index.chunks_exact(out)))
        {
            let (top, bottom) = lines.split_at_mut(width);
            halving_row_backward(0, dy, index, top);
            halving_row_backward(2, dy, index, bottom);
        }
        rest.fill(MaybeUninit::new(0.0));
    }

    /// Backward of windows that may overlap.
    fn scatter(&self, dy: &[f32], index: &[u8], dx: &mut [MaybeUninit<f32>]) {
        dx.fill(MaybeUninit::new(0.0));
        // SAFETY: just initialised.
        let dx = unsafe { &mut *(std::ptr::from_mut(dx) as *mut [f32]) };
        let (width, kernel) = (self.out_width(), self.kernel[1]);
        for (oy, (dy, index)) in dy.chunks_exact(width).zip(index.chunks_exact(width)).enumerate() {
            let (y0, top) = (oy * self.stride[0], self.padding.top);
            for (ox, (&g, &place)) in dy.iter().zip(index).enumerate() {
                let (ky, kx) = (usize::from(place) / kernel, usize::from(place) % kernel);
                dx[(y0 + ky - top) * self.width + ox * self.stride[1] + kx - self.padding.left] += g;
            }
        }
    }
}

/// Whether `v` replaces `best`: greater, or NaN.
#[inline(always)]
fn wins(v: f32, best: f32) -> bool {
    (v > best) | v.is_nan()
}

/// One place of the windows of one output row. `STRIDE` is 0 if only known at run time.
#[inline(always)]
fn max_taps<const STRIDE: usize>(line: &[f32], stride: usize, place: u32, best: &mut [f32], places: &mut [u32]) {
    let stride = if STRIDE == 0 { stride } else { STRIDE };
    let line = &line[..(best.len() - 1) * stride + 1];
    for (i, (best, at)) in best.iter_mut().zip(places).enumerate() {
        let v = line[i * stride];
        let won = wins(v, *best);
        *best = if won { v } else { *best };
        *at = if won { place } else { *at };
    }
}

/// One output row of 2x2 windows side by side; `lines` holds its two input rows.
#[inline(always)]
fn halving_row(lines: &[f32], width: usize, y: &mut [MaybeUninit<f32>], index: &mut [MaybeUninit<u8>]) {
    let (top, bottom) = lines.split_at(width);
    let (top, bottom) = (top.chunks_exact(2), bottom.chunks_exact(2));
    for (((a, b), y), index) in top.zip(bottom).zip(y).zip(index) {
        let (mut best, mut place) = (a[0], 0u32);
        for (at, v) in [(1, a[1]), (2, b[0]), (3, b[1])] {
            let won = wins(v, best);
            best = if won { v } else { best };
            place = if won { at } else { place };
        }
        y.write(best);
        index.write(place as u8);
    }
}

/// One input row, which holds the places `row` and `row + 1` of its windows.
#[inline(always)]
fn halving_row_backward(row: u8, dy: &[f32], index: &[u8], dx: &mut [MaybeUninit<f32>]) {
    let mut pairs = dx.chunks_exact_mut(2);
    for ((pair, &g), &place) in (&mut pairs).zip(dy).zip(index) {
        pair[0].write(if place == row { g } else { 0.0 });
        pair[1].write(if place == row + 1 { g } else { 0.0 });
    }
    // The last column of an odd width has no window.
    pairs.into_remainder().fill(MaybeUninit::new(0.0));
}
