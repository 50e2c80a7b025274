//! The fully connected layer.

use burn::tensor::Tensor;
use ferrotype_kernels::Activation;

use super::{Compute, activate};

/// `act(x weight^T + bias)` of `x [batch, inputs]`; `weight` is a flat `[outputs, inputs]`.
pub fn linear(
    compute: Compute,
    x: Tensor<2>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    outputs: usize,
    activation: Activation,
) -> Tensor<2> {
    let [_, inputs] = x.dims();
    let y = burn::tensor::module::linear(x, weight.reshape([outputs, inputs]).transpose(), bias);
    activate(compute, y, activation)
}
