//! Activations, residual sums and dropout.

use burn::backend::flex::FlexTensor;
use ferrotype_kernels::{Activation, Isa, activation, dropout, owned};

use super::{like, values, writable};
use crate::profile::{Direction, Kind, timed};

/// `act(x)`.
pub(super) fn activate(x: &FlexTensor, act: Activation, isa: Isa) -> FlexTensor {
    like(x, timed(Kind::Elementwise(Direction::Forward), || owned::activated(isa, act, values(x))))
}

/// `act(a + b)`.
pub(super) fn add(a: &FlexTensor, b: &FlexTensor, act: Activation, isa: Isa) -> FlexTensor {
    like(a, timed(Kind::Elementwise(Direction::Forward), || owned::sum(isa, act, values(a), values(b))))
}

/// The gradient before an activation, from the one behind it and the activated values.
pub(super) fn gate(y: &FlexTensor, dy: FlexTensor, act: Activation, isa: Isa) -> FlexTensor {
    timed(Kind::Elementwise(Direction::Backward), || {
        let mut dy = writable(dy);
        activation::backward(isa, act, values(y), dy.storage_mut::<f32>());
        dy
    })
}

/// Dropout with the mask of `key`.
pub(super) fn dropped(x: &FlexTensor, key: u64, rate: f64, isa: Isa) -> FlexTensor {
    like(x, timed(Kind::Dropout(Direction::Forward), || owned::dropped(isa, key, rate, values(x))))
}

/// The gradient of [`dropped`]'s input: the mask is made again rather than kept.
pub(super) fn dropped_backward(dy: FlexTensor, key: u64, rate: f64, isa: Isa) -> FlexTensor {
    timed(Kind::Dropout(Direction::Backward), || {
        let mut dy = writable(dy);
        dropout::in_place(isa, key, rate, dy.storage_mut::<f32>());
        dy
    })
}
