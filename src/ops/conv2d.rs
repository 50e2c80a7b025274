//! Two-dimensional convolution with bias and activation.

use burn::tensor::Tensor;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;
use ferrotype_kernels::{Activation, Conv2d};

use super::{Compute, activate, burn_padding};

/// `act(conv(x, weight) + bias)` with the shapes that `shape` describes; `weight` and `bias` are flat.
pub fn conv2d(
    compute: Compute,
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    activation: Activation,
    shape: &Conv2d,
) -> Tensor<4> {
    activate(compute, burn(x, weight, bias, shape), activation)
}

fn burn(x: Tensor<4>, weight: Tensor<1>, bias: Option<Tensor<1>>, shape: &Conv2d) -> Tensor<4> {
    let [rows, columns] = shape.kernel;
    let weight = weight.reshape([shape.out_channels, shape.in_channels / shape.groups, rows, columns]);
    let padding = burn_padding(&shape.padding);
    module::conv2d(x, weight, bias, ConvOptions::new_with_padding(shape.stride, padding, [1, 1], shape.groups))
}
