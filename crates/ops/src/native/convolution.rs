//! Convolution.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::flex::FlexTensor;
use ferrotype_kernels::{Activation, Conv2d, Isa, activation};

use super::{contiguous, optional, tensor, values, writable};
use crate::profile::{Kind, Part, timed};

/// `act(conv(x, weight) + bias)`.
pub(super) fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
    shape: Conv2d,
    act: Activation,
    isa: Isa,
) -> FlexTensor {
    let kind = Kind::conv(&shape, Part::Forward);
    let y = timed(kind, || shape.output(isa, values(x), values(weight), optional(bias), act));
    tensor(y, [shape.batch, shape.out_channels, shape.out_height(), shape.out_width()])
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The input, if the weight wants a gradient.
    pub x: Option<FlexTensor>,
    /// The weight, if the input wants a gradient.
    pub weight: Option<FlexTensor>,
    /// The output, if an activation was applied.
    pub y: Option<FlexTensor>,
    pub shape: Conv2d,
    pub act: Activation,
    pub isa: Isa,
}

/// Registers the gradients of input, weight and bias.
pub(super) fn backward(state: State, parents: [Option<NodeId>; 3], dy: FlexTensor, grads: &mut Gradients) {
    let State { x, weight, y, shape, act, isa } = state;
    let mut dy = contiguous(dy);
    if let Some(y) = y {
        dy = timed(Kind::Gate, || {
            let mut dy = writable(dy);
            activation::backward(isa, act, values(&y), dy.storage_mut::<f32>());
            dy
        });
    }
    let [input, kernel, bias] = parents;
    let (mut dx, mut dw, mut db) = (None, None, None);
    match (input.and(weight), kernel.and(x)) {
        (Some(w), Some(x)) if shape.fuses_backward() => {
            let kind = Kind::conv(&shape, Part::All);
            let (x, w, dy) = (values(&x), values(&w), values(&dy));
            let all = timed(kind, || shape.all_gradients(isa, x, dy, w, bias.is_some()));
            (dx, dw, db) = (Some(all.0), Some(all.1), all.2);
        }
        (weight, x) => {
            if let Some(w) = weight {
                let kind = Kind::conv(&shape, Part::Data);
                dx = Some(timed(kind, || shape.input_gradient(isa, values(&dy), values(&w))));
            }
            if let Some(x) = x {
                let kind = Kind::conv(&shape, Part::Weight);
                let both = timed(kind, || shape.weight_gradient(isa, values(&x), values(&dy), bias.is_some()));
                (dw, db) = (Some(both.0), both.1);
            }
        }
    }
    if let (Some(id), Some(dx)) = (input, dx) {
        grads.register::<Flex>(id, tensor(dx, [shape.batch, shape.in_channels, shape.height, shape.width]));
    }
    if let (Some(id), Some(dw)) = (kernel, dw) {
        let length = dw.len();
        grads.register::<Flex>(id, tensor(dw, [length]));
    }
    if let (Some(id), Some(db)) = (bias, db) {
        grads.register::<Flex>(id, tensor(db, [shape.out_channels]));
    }
}
