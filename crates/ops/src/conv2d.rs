//! Two-dimensional convolution with bias and activation.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;
use ferrotype_kernels::{Activation, Conv2d};

use super::native::{self, NativeOps};
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
    match native::split(compute, x) {
        Ok((x, isa)) => {
            let bias = bias.map_or_else(native::absent, Tensor::into_dispatch);
            let y = Dispatch::native_conv2d(x, weight.into_dispatch(), bias, *shape, activation, isa);
            Tensor::from_dispatch(y)
        }
        Err(x) => activate(compute, burn(x, weight, bias, shape), activation),
    }
}

fn burn(x: Tensor<4>, weight: Tensor<1>, bias: Option<Tensor<1>>, shape: &Conv2d) -> Tensor<4> {
    let [rows, columns] = shape.kernel;
    let weight = weight.reshape([shape.out_channels, shape.in_channels / shape.groups, rows, columns]);
    let padding = burn_padding(&shape.padding);
    module::conv2d(x, weight, bias, ConvOptions::new_with_padding(shape.stride, padding, [1, 1], shape.groups))
}
