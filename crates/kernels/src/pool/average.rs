//! Average pooling, over windows and over whole planes.

use std::mem::MaybeUninit;

use super::Pool2d;
use crate::Isa;
use crate::lanes::{Store, Sums, fence, map, sum, vectorize};
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
        let inverse = self.inverse_columns(count_include_pad);
        for_each_item(self.planes(), inner, |plane| {
            let x = &x[plane * inner..][..inner];
            // SAFETY: the plane lies within the output, and this unit alone writes it.
            let y = unsafe { plane_of(y, plane, outer) };
            y.fill(MaybeUninit::new(0.0));
            // SAFETY: just initialised.
            let y = unsafe { &mut *(std::ptr::from_mut(y) as *mut [f32]) };
            vectorize(
                isa,
                #[inline(always)]
                |_| self.average_plane(count_include_pad, &inverse, x, y),
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
        let inverse = self.inverse_columns(count_include_pad);
        for_each_item(self.planes(), inner, |plane| {
            let dy = &dy[plane * outer..][..outer];
            // SAFETY: the plane lies within the output, and this unit alone writes it.
            let dx = unsafe { plane_of(dx, plane, inner) };
            dx.fill(MaybeUninit::new(0.0));
            // SAFETY: just initialised.
            let dx = unsafe { &mut *(std::ptr::from_mut(dx) as *mut [f32]) };
            vectorize(
                isa,
                #[inline(always)]
                |_| self.spread_plane(count_include_pad, &inverse, dy, dx),
            );
        });
    }

    /// One over the number of columns that each output column averages. The count of a window is a product of its row
    /// count and its column count.
    fn inverse_columns(&self, count_include_pad: bool) -> Vec<f32> {
        let count = |ox| if count_include_pad { self.kernel[1] } else { self.cols(ox).count() };
        (0..self.out_width()).map(|ox| 1.0 / count(ox) as f32).collect()
    }

    fn inverse_rows(&self, count_include_pad: bool, oy: usize) -> f32 {
        1.0 / if count_include_pad { self.kernel[0] } else { self.rows(oy).count() } as f32
    }

    /// `y` starts at zero.
    #[inline(always)]
    fn average_plane(&self, count_include_pad: bool, inverse: &[f32], x: &[f32], y: &mut [f32]) {
        for (oy, y) in y.chunks_exact_mut(self.out_width()).enumerate() {
            let rows = self.rows(oy);
            for ky in rows.first..rows.end {
                let line = &x[rows.input(ky) * self.width..][..self.width];
                for kx in 0..self.kernel[1] {
                    let columns = self.columns_of(kx);
                    if columns.is_empty() {
                        continue;
                    }
                    let line = &line[columns.start * self.stride[1] + kx - self.padding.left..];
                    match self.stride[1] {
                        1 => add_taps::<1>(line, 1, &mut y[columns]),
                        2 => add_taps::<2>(line, 2, &mut y[columns]),
                        stride => add_taps::<0>(line, stride, &mut y[columns]),
                    }
                }
            }
            let row = self.inverse_rows(count_include_pad, oy);
            y.iter_mut().zip(inverse).for_each(|(y, column)| *y *= row * column);
        }
    }

    /// `dx` starts at zero. Every row of a window gets the same, so that is spread over the columns only once.
    #[inline(always)]
    fn spread_plane(&self, count_include_pad: bool, inverse: &[f32], dy: &[f32], dx: &mut [f32]) {
        let mut line = vec![0.0; self.width];
        for (oy, dy) in dy.chunks_exact(self.out_width()).enumerate() {
            let row = self.inverse_rows(count_include_pad, oy);
            line.fill(0.0);
            for (ox, (g, column)) in dy.iter().zip(inverse).enumerate() {
                let share = g * (row * column);
                let cols = self.cols(ox);
                line[cols.input(cols.first)..][..cols.count()].iter_mut().for_each(|v| *v += share);
            }
            let rows = self.rows(oy);
            for ky in rows.first..rows.end {
                let dst = &mut dx[rows.input(ky) * self.width..][..self.width];
                dst.iter_mut().zip(&line).for_each(|(d, v)| *d += v);
            }
        }
    }
}

/// `y = mean of each plane of x`: `x [planes, spatial]`, `y [planes]`, where `planes` is `batch * channels`.
///
/// # Panics
/// When `x` has not `spatial` values for each of `y`, or `spatial` is 0.
pub fn global_average_forward(isa: Isa, spatial: usize, x: &[f32], y: &mut [MaybeUninit<f32>]) {
    assert!(spatial > 0, "empty planes");
    assert_eq!(x.len(), y.len() * spatial, "length of x");
    let planes = y.len();
    let y = Shared::output(y);
    for_each_item(planes, spatial, |plane| {
        let x = &x[plane * spatial..][..spatial];
        let mut sums = Sums::new();
        vectorize(
            isa,
            #[inline(always)]
            // SAFETY: `x` is the plane.
            |isa| unsafe {
                sum(
                    isa,
                    [x.as_ptr()],
                    spatial,
                    &mut sums,
                    #[inline(always)]
                    |v| v,
                );
            },
        );
        // SAFETY: one value for each plane, written by this unit alone.
        unsafe { y.ptr().add(plane).write((sums.total()[0] / spatial as f64) as f32) };
    });
}

/// The gradient of [`global_average_forward`]: `dy [planes]` spread over `dx [planes, spatial]`.
///
/// # Panics
/// When `dx` has not `spatial` values for each of `dy`, or `spatial` is 0.
pub fn global_average_backward(isa: Isa, spatial: usize, dy: &[f32], dx: &mut [MaybeUninit<f32>]) {
    assert!(spatial > 0, "empty planes");
    assert_eq!(dx.len(), dy.len() * spatial, "length of dx");
    let how = Store::for_output(dx.len());
    let dx = Shared::output(dx);
    for_each_item(dy.len(), spatial, |plane| {
        let share = dy[plane] / spatial as f32;
        vectorize(
            isa,
            #[inline(always)]
            // SAFETY: the plane lies within the output, and this unit alone writes it.
            |isa| unsafe {
                let dst = dx.ptr().add(plane * spatial);
                map(
                    isa,
                    how,
                    [],
                    [dst],
                    spatial,
                    #[inline(always)]
                    |[]| [share],
                );
                fence(how);
            },
        );
    });
}

/// # Safety
/// The plane must lie within the buffer, and nobody else may use it.
unsafe fn plane_of<'a>(buffer: Shared<f32>, plane: usize, len: usize) -> &'a mut [MaybeUninit<f32>] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(buffer.ptr().add(plane * len).cast(), len) }
}

/// Adds one place of the windows of one output row. `STRIDE` is 0 if only known at run time.
#[inline(always)]
fn add_taps<const STRIDE: usize>(line: &[f32], stride: usize, y: &mut [f32]) {
    let stride = if STRIDE == 0 { stride } else { STRIDE };
    let line = &line[..(y.len() - 1) * stride + 1];
    for (i, y) in y.iter_mut().enumerate() {
        *y += line[i * stride];
    }
}
