//! The average of whole planes.

use std::mem::MaybeUninit;

use crate::Isa;
use crate::lanes::{Store, Sums, fence, map, sum, vectorize};
use crate::parallel::{Shared, for_each_item, for_each_range};

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
    for_each_range(dy.len(), spatial, |planes| {
        vectorize(
            isa,
            #[inline(always)]
            |isa| {
                for plane in planes {
                    let share = dy[plane] / spatial as f32;
                    // SAFETY: the plane lies within the output, and this unit alone writes it.
                    unsafe {
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
                    }
                }
                fence(how);
            },
        );
    });
}
