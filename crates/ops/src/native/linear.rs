//! The fully connected layer.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::flex::FlexTensor;
use ferrotype_kernels::{Activation, Gemm, Isa, activation, owned};

use super::{contiguous, optional, tensor, values, writable};
use crate::profile::{Direction, Kind, timed};

/// `[batch, inputs, outputs]` of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
}

/// `act(x weight^T + bias)`.
pub(super) fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
    size: Size,
    act: Activation,
    isa: Isa,
) -> FlexTensor {
    let Size { batch, inputs, outputs } = size;
    let product = Gemm { m: batch, n: outputs, k: inputs, a_transposed: false, b_transposed: true };
    let multiply = || product.product(isa, values(x), values(weight), optional(bias), act);
    tensor(timed(Kind::Linear(Direction::Forward), multiply), [batch, outputs])
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
    pub size: Size,
    pub act: Activation,
    pub isa: Isa,
}

/// Registers the gradients of input, weight and bias.
pub(super) fn backward(state: State, parents: [Option<NodeId>; 3], dy: FlexTensor, grads: &mut Gradients) {
    timed(Kind::Linear(Direction::Backward), || gradients(state, parents, dy, grads));
}

fn gradients(state: State, parents: [Option<NodeId>; 3], dy: FlexTensor, grads: &mut Gradients) {
    let State { x, weight, y, size, act, isa } = state;
    let Size { batch, inputs, outputs } = size;
    let mut dy = contiguous(dy);
    if let Some(y) = y {
        dy = writable(dy);
        activation::backward(isa, act, values(&y), dy.storage_mut::<f32>());
    }
    let [input, kernel, bias] = parents;
    if let (Some(id), Some(w)) = (input, weight) {
        let product = Gemm { m: batch, n: inputs, k: outputs, a_transposed: false, b_transposed: false };
        let dx = product.product(isa, values(&dy), values(&w), None, Activation::None);
        grads.register::<Flex>(id, tensor(dx, [batch, inputs]));
    }
    if let (Some(id), Some(x)) = (kernel, x) {
        let product = Gemm { m: outputs, n: inputs, k: batch, a_transposed: true, b_transposed: false };
        let dw = product.product(isa, values(&dy), values(&x), None, Activation::None);
        grads.register::<Flex>(id, tensor(dw, [outputs * inputs]));
    }
    if let Some(id) = bias {
        let db = owned::column_sums(isa, [batch, outputs], values(&dy));
        grads.register::<Flex>(id, tensor(db, [outputs]));
    }
}
