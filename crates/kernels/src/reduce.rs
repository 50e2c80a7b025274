//! Sums in a fixed order, carried in `f64`.

use std::mem::MaybeUninit;

use crate::Isa;
use crate::lanes::{LANES, Sums, sum, vectorize};
use crate::parallel::{Shared, for_each_item, for_each_unit};

/// `y[c] = sum over images and pixels of x [batch, channels, spatial]`: the gradient of a convolution's bias.
///
/// # Panics
/// When a slice has not the length that the shape says.
pub fn channel_sums(isa: Isa, [batch, channels, spatial]: [usize; 3], x: &[f32], y: &mut [MaybeUninit<f32>]) {
    assert_eq!(x.len(), batch * channels * spatial, "length of x");
    assert_eq!(y.len(), channels, "length of y");
    if spatial == 1 {
        return row_sums(isa, [batch, channels], x, y);
    }
    let y = Shared::output(y);
    for_each_item(channels, batch * spatial, |channel| {
        let mut sums = Sums::new();
        vectorize(
            isa,
            #[inline(always)]
            |isa| {
                for image in 0..batch {
                    let plane = &x[(image * channels + channel) * spatial..][..spatial];
                    // SAFETY: `plane` has `spatial` values.
                    unsafe {
                        sum(
                            isa,
                            [plane.as_ptr()],
                            spatial,
                            &mut sums,
                            #[inline(always)]
                            |v| v,
                        );
                    }
                }
            },
        );
        // SAFETY: one value for each channel, written by this unit alone.
        unsafe { y.ptr().add(channel).write(sums.total()[0] as f32) };
    });
}

/// `y[c] = sum over rows of x [rows, columns]`: the gradient of a linear layer's bias.
///
/// # Panics
/// When a slice has not the length that the shape says.
pub fn row_sums(isa: Isa, [rows, columns]: [usize; 2], x: &[f32], y: &mut [MaybeUninit<f32>]) {
    /// Columns of one unit of work.
    const COLUMNS: usize = 4 * LANES;

    assert_eq!(x.len(), rows * columns, "length of x");
    assert_eq!(y.len(), columns, "length of y");
    let y = Shared::output(y);
    for_each_unit(columns.div_ceil(COLUMNS), x.len(), |unit| {
        let start = unit * COLUMNS;
        let width = COLUMNS.min(columns - start);
        let mut sums = [0f64; COLUMNS];
        vectorize(
            isa,
            #[inline(always)]
            |_| {
                for row in x.chunks_exact(columns) {
                    sums.iter_mut().zip(&row[start..][..width]).for_each(|(s, v)| *s += f64::from(*v));
                }
            },
        );
        for (i, s) in sums[..width].iter().enumerate() {
            // SAFETY: `start + width` columns at most, written by this unit alone.
            unsafe { y.ptr().add(start + i).write(*s as f32) };
        }
    });
}
