//! Planes multiplied by a factor each: the channels of a map by their gates (squeeze and excitation), or whole examples by
//! what stochastic depth leaves of them.
//!
//! A plane is any run of consecutive values; there are as many as gates, all of one length.

use std::mem::MaybeUninit;

use crate::Isa;
use crate::lanes::{Store, Sums, fence, map, pass, vectorize};
use crate::parallel::{Shared, for_each_item, for_each_range};

/// Values of a plane.
fn plane_len(gates: usize, values: usize) -> usize {
    let len = values.checked_div(gates).unwrap_or(0);
    assert_eq!(gates * len, values, "{values} values are no planes of one length for {gates} gates");
    len
}

/// `y = x * gate` for each plane of `x`.
///
/// # Panics
/// When the lengths differ, or `x` is not one plane for each gate.
pub fn forward(isa: Isa, gates: &[f32], x: &[f32], y: &mut [MaybeUninit<f32>]) {
    let len = plane_len(gates.len(), x.len());
    assert_eq!(x.len(), y.len(), "input and output differ in length");
    let how = Store::for_output(y.len());
    let y = Shared::output(y);
    for_each_range(gates.len(), len, |planes| {
        vectorize(
            isa,
            #[inline(always)]
            |isa| {
                for plane in planes {
                    let gate = gates[plane];
                    let src = x[plane * len..][..len].as_ptr();
                    // SAFETY: the plane lies within both slices, and this unit alone writes it.
                    unsafe {
                        map(
                            isa,
                            how,
                            [src],
                            [y.ptr().add(plane * len)],
                            len,
                            #[inline(always)]
                            |[v]| [v * gate],
                        );
                    }
                }
                fence(how);
            },
        );
    });
}

/// `values *= gate` for each plane.
///
/// # Panics
/// When `values` is not one plane for each gate.
pub fn in_place(isa: Isa, gates: &[f32], values: &mut [f32]) {
    let len = plane_len(gates.len(), values.len());
    let values = Shared::new(values);
    for_each_range(gates.len(), len, |planes| {
        vectorize(
            isa,
            #[inline(always)]
            |isa| {
                for plane in planes {
                    let gate = gates[plane];
                    // SAFETY: the plane lies within the slice, and this unit alone touches it.
                    unsafe {
                        let plane = values.ptr().add(plane * len);
                        map(
                            isa,
                            Store::Cached,
                            [plane.cast_const()],
                            [plane],
                            len,
                            #[inline(always)]
                            |[v]| [v * gate],
                        );
                    }
                }
            },
        );
    });
}

/// The gradients of [`forward`]: `dy` becomes that of `x`, and `dgates` gets the sum of `dy * x` over each plane.
///
/// # Panics
/// When the lengths differ, or `x` is not one plane for each gate.
pub fn backward(isa: Isa, gates: &[f32], x: &[f32], dy: &mut [f32], dgates: &mut [MaybeUninit<f32>]) {
    let len = plane_len(gates.len(), x.len());
    assert_eq!(x.len(), dy.len(), "input and gradient differ in length");
    assert_eq!(gates.len(), dgates.len(), "gates and their gradient differ in length");
    let (dy, dgates) = (Shared::new(dy), Shared::output(dgates));
    for_each_item(gates.len(), len, |plane| {
        let (gate, x) = (gates[plane], &x[plane * len..][..len]);
        let mut sums = Sums::new();
        vectorize(
            isa,
            #[inline(always)]
            |isa| {
                // SAFETY: the plane lies within both slices, and this unit alone touches its gradient.
                unsafe {
                    let dy = dy.ptr().add(plane * len);
                    pass(
                        isa,
                        Store::Cached,
                        [x.as_ptr(), dy.cast_const()],
                        [dy],
                        len,
                        &mut sums,
                        #[inline(always)]
                        |[x, dy]| ([dy * gate], [dy * x]),
                    );
                }
            },
        );
        // SAFETY: one value for each plane, written by this unit alone.
        unsafe { dgates.ptr().add(plane).write(sums.total()[0] as f32) };
    });
}
