//! Average pooling over windows.

use std::mem::MaybeUninit;

use super::Pool2d;
use super::phases::{Image, Phases};
use crate::Isa;
use crate::lanes::{LANES, Lanes, load, vectorize};
use crate::parallel::{Shared, for_each_item};

impl Pool2d {
    /// `y = mean over each window of x`. With `count_include_pad` the padding counts as zeros (PyTorch's default);
    /// without, the mean is over the pixels inside the image (TensorFlow's SAME).
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn average_forward(&self, isa: Isa, count_include_pad: bool, x: &[f32], y: &mut [MaybeUninit<f32>]) {
        self.check(x.len(), y.len());
        let y = Shared::output(y);
        let (inner, outer) = (self.in_plane(), self.out_plane());
        let shares = Shares::new(self, count_include_pad);
        for_each_item(self.planes(), inner, |plane| {
            let x = &x[plane * inner..][..inner];
            // SAFETY: the plane lies within the output, and this unit alone writes it.
            let y = unsafe { y.part(plane * outer, outer) };
            vectorize(
                isa,
                #[inline(always)]
                |_| {
                    if self.is_halving() {
                        self.halve_average(x, y);
                    } else {
                        self.average_plane(&shares, x, y);
                    }
                },
            );
        });
    }

    /// The gradient of [`Self::average_forward`]. Every element of `dx` is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn average_backward(&self, isa: Isa, count_include_pad: bool, dy: &[f32], dx: &mut [MaybeUninit<f32>]) {
        self.check(dx.len(), dy.len());
        let dx = Shared::output(dx);
        let (inner, outer) = (self.in_plane(), self.out_plane());
        let shares = Shares::new(self, count_include_pad);
        for_each_item(self.planes(), inner, |plane| {
            let dy = &dy[plane * outer..][..outer];
            // SAFETY: the plane lies within the output, and this unit alone writes it.
            let dx = unsafe { dx.part(plane * inner, inner) };
            vectorize(
                isa,
                #[inline(always)]
                |_| {
                    if self.is_halving() {
                        self.halve_average_backward(dy, dx);
                    } else {
                        self.spread_plane(&shares, dy, dx);
                    }
                },
            );
        });
    }

    /// Forward of [`Self::is_halving`]; the order of the sum is that of any other window.
    #[inline(always)]
    fn halve_average(&self, x: &[f32], y: &mut [MaybeUninit<f32>]) {
        for (y, lines) in y.chunks_exact_mut(self.out_width()).zip(x.chunks_exact(2 * self.width)) {
            let (top, bottom) = lines.split_at(self.width);
            let windows = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
            for (y, (a, b)) in y.iter_mut().zip(windows) {
                y.write((0.0 + a[0] + a[1] + b[0] + b[1]) * 0.25);
            }
        }
    }

    /// Backward of [`Self::is_halving`]: every pixel has one window.
    #[inline(always)]
    fn halve_average_backward(&self, dy: &[f32], dx: &mut [MaybeUninit<f32>]) {
        let (windows, rest) = dx.split_at_mut(2 * self.out_height() * self.width);
        for (lines, dy) in windows.chunks_exact_mut(2 * self.width).zip(dy.chunks_exact(self.out_width())) {
            for row in lines.chunks_exact_mut(self.width) {
                let (pairs, last) = row.as_chunks_mut::<2>();
                for (pair, g) in pairs.iter_mut().zip(dy) {
                    // Added to zero, as where windows overlap: a zero stays positive.
                    *pair = [MaybeUninit::new(0.0 + g * 0.25); 2];
                }
                // The last column of an odd width has no window.
                last.fill(MaybeUninit::new(0.0));
            }
        }
        rest.fill(MaybeUninit::new(0.0));
    }

    #[inline(always)]
    fn average_plane(&self, shares: &Shares, x: &[f32], y: &mut [MaybeUninit<f32>]) {
        let image = Image::new(self, x, 0.0);
        for (oy, y) in y.chunks_exact_mut(self.out_width()).enumerate() {
            let rows = self.rows(oy);
            for (group, y) in y.chunks_mut(LANES).enumerate() {
                let mut sums = [0.0; LANES];
                for ky in rows.first..rows.end {
                    for kx in 0..self.kernel[1] {
                        let values = image.tap(rows.input(ky), group * LANES, kx);
                        for l in 0..LANES {
                            sums[l] += values[l];
                        }
                    }
                }
                let columns: &Lanes = shares.columns[group * LANES..].first_chunk().expect("whole groups");
                for (y, (sum, column)) in y.iter_mut().zip(sums.iter().zip(columns)) {
                    y.write(sum * (shares.rows[oy] * column));
                }
            }
        }
    }

    /// Every row of a window gets the same, so each output row is spread over the columns only once.
    #[inline(always)]
    fn spread_plane(&self, shares: &Shares, dy: &[f32], dx: &mut [MaybeUninit<f32>]) {
        let phases = Phases::of(self);
        let mut padded = vec![0.0; phases.reach + phases.pixels()];
        let mut lines = vec![0.0; phases.pixels() * phases.count()];
        let mut row = vec![0.0; self.width];
        dx.fill(MaybeUninit::new(0.0));
        // SAFETY: just initialised.
        let dx = unsafe { &mut *(std::ptr::from_mut(dx) as *mut [f32]) };
        for (oy, dy) in dy.chunks_exact(self.out_width()).enumerate() {
            for ((p, g), column) in padded[phases.reach..].iter_mut().zip(dy).zip(&shares.columns) {
                *p = g * (shares.rows[oy] * column);
            }
            for (q, line) in lines.chunks_exact_mut(phases.pixels()).enumerate() {
                for (group, pixels) in line.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                    *pixels = self.spread_group(phases, &padded[group * LANES..], q);
                }
            }
            phases.merge(&lines, &mut row);
            let rows = self.rows(oy);
            for ky in rows.first..rows.end {
                let dst = &mut dx[rows.input(ky) * self.width..][..self.width];
                dst.iter_mut().zip(&row).for_each(|(d, v)| *d += v);
            }
        }
    }

    /// What 16 pixels of phase `q` get from one row of windows; `padded` starts `reach` windows before the pixels.
    #[inline(always)]
    fn spread_group(&self, phases: Phases, padded: &[f32], q: usize) -> Lanes {
        let padded = &padded[..phases.reach + LANES];
        let mut sums = [0.0; LANES];
        for back in (0..=phases.reach).rev() {
            if back * phases.count() + q < self.kernel[1] {
                // SAFETY: `reach + LANES` values are there.
                let shares = unsafe { load(padded.as_ptr().add(phases.reach - back)) };
                for l in 0..LANES {
                    sums[l] += shares[l];
                }
            }
        }
        sums
    }
}

/// One over the number of pixels that a window averages, which is a product of its rows and its columns.
struct Shares {
    rows: Vec<f32>,
    /// Padded to whole groups.
    columns: Vec<f32>,
}

impl Shares {
    fn new(pool: &Pool2d, count_include_pad: bool) -> Self {
        let share = |inside: usize, all: usize| 1.0 / if count_include_pad { all } else { inside } as f32;
        let rows = (0..pool.out_height()).map(|oy| share(pool.rows(oy).count(), pool.kernel[0])).collect();
        let columns = (0..pool.out_width()).map(|ox| share(pool.cols(ox).count(), pool.kernel[1]));
        let mut columns: Vec<f32> = columns.collect();
        columns.resize(columns.len().next_multiple_of(LANES), 0.0);
        Self { rows, columns }
    }
}
