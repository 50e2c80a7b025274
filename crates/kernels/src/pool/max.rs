//! Max pooling. Of equal maxima the first in row-major order wins; a NaN beats every number.

use std::mem::MaybeUninit;

use super::Pool2d;
use super::phases::{Image, Phases};
use crate::Isa;
use crate::lanes::{LANES, Lanes, load, vectorize};
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
            let (y, index) = unsafe { (y.part(plane * outer, outer), index.part(plane * outer, outer)) };
            vectorize(
                isa,
                #[inline(always)]
                |_| {
                    if self.is_tiling(x) {
                        self.max_tiles(x, y, index);
                    } else if self.is_halving() {
                        self.halve(x, y, index);
                    } else {
                        self.max_plane(x, y, index);
                    }
                },
            );
        });
    }

    /// The gradient of [`Self::max_forward`]: each `dy` goes to the place that `index` names. Windows that overlap add
    /// up, in the order of the windows. An index that names a place in the padding is ignored. Every element of `dx`
    /// is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn max_backward(&self, isa: Isa, dy: &[f32], index: &[u8], dx: &mut [MaybeUninit<f32>]) {
        self.check(dx.len(), dy.len());
        self.check_index(index.len());
        let dx = Shared::output(dx);
        let (inner, outer) = (self.in_plane(), self.out_plane());
        let places = self.places();
        for_each_item(self.planes(), inner, |plane| {
            let dy = &dy[plane * outer..][..outer];
            let index = &index[plane * outer..][..outer];
            // SAFETY: the plane lies within the output, and this unit alone writes it.
            let dx = unsafe { dx.part(plane * inner, inner) };
            vectorize(
                isa,
                #[inline(always)]
                |_| {
                    if self.is_halving() {
                        self.halving_backward(dy, index, dx);
                    } else if self.is_disjoint() {
                        self.scatter_plane(&places, dy, index, dx);
                    } else {
                        self.gather_plane(dy, index, dx);
                    }
                },
            );
        });
    }

    fn check_index(&self, len: usize) {
        assert!(self.kernel[0] * self.kernel[1] <= 256, "a window of more than 256 places");
        assert_eq!(len, self.planes() * self.out_plane(), "length of the index");
    }

    /// Whether windows do not overlap.
    fn is_disjoint(&self) -> bool {
        self.stride[0] >= self.kernel[0] && self.stride[1] >= self.kernel[1]
    }

    #[inline(always)]
    fn max_plane(&self, x: &[f32], y: &mut [MaybeUninit<f32>], index: &mut [MaybeUninit<u8>]) {
        let width = self.out_width();
        let image = Image::new(self, x, f32::NEG_INFINITY);
        // Where a window of minus infinities has its maximum: the first column inside.
        let mut first = vec![0; width.next_multiple_of(LANES)];
        first.iter_mut().zip(0..width).for_each(|(f, ox)| *f = self.cols(ox).first as u32);
        for (oy, (y, index)) in y.chunks_exact_mut(width).zip(index.chunks_exact_mut(width)).enumerate() {
            let outputs = y.chunks_mut(LANES).zip(index.chunks_mut(LANES));
            for (group, (y, index)) in outputs.enumerate() {
                let first = first[group * LANES..].first_chunk().expect("whole groups");
                let (best, places) = self.max_group(&image, oy, group * LANES, first);
                for ((y, index), (best, place)) in y.iter_mut().zip(index).zip(best.iter().zip(&places)) {
                    y.write(*best);
                    index.write(*place as u8);
                }
            }
        }
    }

    /// The maxima of 16 windows from output `(oy, ox)` on, and their places.
    #[inline(always)]
    fn max_group(&self, image: &Image, oy: usize, ox: usize, first: &[u32; LANES]) -> (Lanes, [u32; LANES]) {
        let rows = self.rows(oy);
        let mut best = [f32::NEG_INFINITY; LANES];
        let mut places = first.map(|f| f + (rows.first * self.kernel[1]) as u32);
        for ky in rows.first..rows.end {
            let row = (ky * self.kernel[1]) as u32;
            for kx in 0..self.kernel[1] {
                let values = image.tap(rows.input(ky), ox, kx);
                let place = row + kx as u32;
                for l in 0..LANES {
                    let won = wins(values[l], best[l]);
                    best[l] = if won { values[l] } else { best[l] };
                    places[l] = if won { place } else { places[l] };
                }
            }
        }
        (best, places)
    }

    /// Forward of [`Self::is_halving`].
    #[inline(always)]
    fn halve(&self, x: &[f32], y: &mut [MaybeUninit<f32>], index: &mut [MaybeUninit<u8>]) {
        let width = self.out_width();
        let outputs = y.chunks_exact_mut(width).zip(index.chunks_exact_mut(width));
        for ((y, index), lines) in outputs.zip(x.chunks_exact(2 * self.width)) {
            halving_row(lines, self.width, y, index);
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

    /// Row and column of each place of a window: to divide for every output takes longer than all the rest.
    fn places(&self) -> Vec<[usize; 2]> {
        let [rows, columns] = self.kernel;
        (0..rows).flat_map(|ky| (0..columns).map(move |kx| [ky, kx])).collect()
    }

    /// Backward of [`Self::is_disjoint`]: a pixel has one window at most.
    #[inline(always)]
    fn scatter_plane(&self, places: &[[usize; 2]], dy: &[f32], index: &[u8], dx: &mut [MaybeUninit<f32>]) {
        let (width, out) = (self.width, self.out_width());
        dx.fill(MaybeUninit::new(0.0));
        for (oy, (dy, index)) in dy.chunks_exact(out).zip(index.chunks_exact(out)).enumerate() {
            let rows = self.rows(oy);
            for (ox, (&g, &place)) in dy.iter().zip(index).enumerate() {
                let Some(&[ky, kx]) = places.get(usize::from(place)) else { continue };
                let columns = self.cols(ox);
                if (rows.first..rows.end).contains(&ky) && (columns.first..columns.end).contains(&kx) {
                    // Added to zero, as where windows overlap: a zero stays positive.
                    dx[rows.input(ky) * width + columns.input(kx)].write(0.0 + g);
                }
            }
        }
    }

    /// Backward of any other window: each pixel collects from the windows that it lies in.
    #[inline(always)]
    fn gather_plane(&self, dy: &[f32], index: &[u8], dx: &mut [MaybeUninit<f32>]) {
        let phases = Phases::of(self);
        let windows = Windows::new(self, phases, dy, index);
        let mut lines = vec![0.0; phases.pixels() * phases.count()];
        dx.fill(MaybeUninit::new(0.0));
        // SAFETY: just initialised.
        let dx = unsafe { &mut *(std::ptr::from_mut(dx) as *mut [f32]) };
        for (iy, row) in dx.chunks_exact_mut(self.width).enumerate() {
            let y = iy + self.padding.top;
            let last = (y / self.stride[0]).min(self.out_height() - 1);
            let first = (y + 1).saturating_sub(self.kernel[0]).div_ceil(self.stride[0]);
            for (q, line) in lines.chunks_exact_mut(phases.pixels()).enumerate() {
                for (group, dst) in line.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                    let mut pixels = [0.0; LANES];
                    for oy in first..=last {
                        let place = (y - oy * self.stride[0]) * self.kernel[1];
                        windows.collect(oy, group * LANES, q, place, &mut pixels);
                    }
                    *dst = pixels;
                }
            }
            phases.merge(&lines, row);
        }
    }
}

/// Gradients and places of a plane's windows, with margins that no place matches, so that every group of pixels can
/// look at whole groups of windows.
struct Windows {
    kernel: usize,
    phases: Phases,
    len: usize,
    dy: Vec<f32>,
    places: Vec<u32>,
}

impl Windows {
    #[inline(always)]
    fn new(pool: &Pool2d, phases: Phases, dy: &[f32], index: &[u8]) -> Self {
        let (width, rows) = (pool.out_width(), pool.out_height());
        let len = phases.reach + phases.pixels();
        let mut padded = vec![0.0; rows * len];
        let mut places = vec![u32::MAX; rows * len];
        for row in 0..rows {
            let to = row * len + phases.reach..row * len + phases.reach + width;
            let from = row * width..(row + 1) * width;
            padded[to.clone()].copy_from_slice(&dy[from.clone()]);
            places[to].iter_mut().zip(&index[from]).for_each(|(p, i)| *p = u32::from(*i));
        }
        Self { kernel: pool.kernel[1], phases, len, dy: padded, places }
    }

    /// Adds to 16 pixels of phase `q`, from index `j` on, what the windows of output row `oy` have for them; `row` is
    /// the place of the pixels' row and column 0 in these windows.
    #[inline(always)]
    fn collect(&self, oy: usize, j: usize, q: usize, row: usize, pixels: &mut Lanes) {
        let base = oy * self.len + self.phases.reach + j;
        assert!(j + LANES <= self.phases.pixels() && base + LANES <= self.dy.len(), "no such group");
        // From the far window column to the near one, which is the order of the windows.
        for back in (0..=self.phases.reach).rev() {
            let kx = back * self.phases.count() + q;
            if kx < self.kernel {
                // SAFETY: the group at `base` was checked, and `reach` values lie before it. Both tensors are as long.
                let (dy, places) =
                    unsafe { (load(self.dy.as_ptr().add(base - back)), load(self.places.as_ptr().add(base - back))) };
                let place = (row + kx) as u32;
                for l in 0..LANES {
                    pixels[l] += if places[l] == place { dy[l] } else { 0.0 };
                }
            }
        }
    }
}

/// Whether `v` replaces `best`: greater, or NaN.
#[inline(always)]
fn wins(v: f32, best: f32) -> bool {
    (v > best) | v.is_nan()
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
