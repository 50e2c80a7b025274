//! Batch normalisation.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::flex::FlexTensor;
use ferrotype_kernels::{BatchNorm, Channels, Isa};

use super::{like, tensor, values, writable};
use crate::profile::{Direction, Kind, timed};

/// Output, mean and biased variance of a batch normalised by its own statistics.
pub(super) fn train(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
    shape: BatchNorm,
    isa: Isa,
) -> [FlexTensor; 3] {
    let compute = || shape.normalised(isa, values(x), values(weight), values(bias));
    let [y, mean, var] = timed(Kind::BatchNorm(Direction::Forward), compute);
    [like(x, y), tensor(mean, [shape.channels]), tensor(var, [shape.channels])]
}

/// The batch normalised by given statistics.
pub(super) fn frozen(x: &FlexTensor, parameters: &Parameters, shape: BatchNorm, isa: Isa) -> FlexTensor {
    like(x, shape.frozen(isa, values(x), None, parameters.channels()))
}

/// What normalises each channel.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    pub weight: FlexTensor,
    pub bias: FlexTensor,
    pub mean: FlexTensor,
    pub variance: FlexTensor,
}

impl Parameters {
    fn channels(&self) -> Channels<'_> {
        Channels {
            mean: values(&self.mean),
            var: values(&self.variance),
            gamma: values(&self.weight),
            beta: values(&self.bias),
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub x: FlexTensor,
    pub parameters: Parameters,
    pub shape: BatchNorm,
    /// Whether the statistics were given rather than the batch's.
    pub frozen: bool,
    pub isa: Isa,
}

/// Registers the gradients of input, weight and bias.
pub(super) fn backward(state: State, parents: [Option<NodeId>; 3], dy: FlexTensor, grads: &mut Gradients) {
    let State { x, parameters, shape, frozen, isa } = state;
    let mut dy = writable(dy);
    let (x, p) = (values(&x), parameters.channels());
    let [dgamma, dbeta] = timed(Kind::BatchNorm(Direction::Backward), || match frozen {
        true => shape.gradients_frozen(isa, x, p, dy.storage_mut::<f32>()),
        false => shape.gradients_in_place(isa, x, p, dy.storage_mut::<f32>()),
    });
    let [input, weight, bias] = parents;
    for (id, gradient) in [(weight, dgamma), (bias, dbeta)] {
        if let Some(id) = id {
            grads.register::<Flex>(id, tensor(gradient, [shape.channels]));
        }
    }
    if let Some(id) = input {
        grads.register::<Flex>(id, dy);
    }
}
