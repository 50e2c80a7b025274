//! The fully connected layer.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use ferrotype_kernels::Activation;

use super::native::{self, NativeOps};
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
    let x = match native::split(compute, x) {
        Ok((x, isa)) => {
            let bias = bias.map_or_else(native::absent, Tensor::into_dispatch);
            let y = Dispatch::native_linear(x, weight.into_dispatch(), bias, outputs, activation, isa);
            return Tensor::from_dispatch(y);
        }
        Err(x) => x,
    };
    let y = burn::tensor::module::linear(x, weight.reshape([outputs, inputs]).transpose(), bias);
    activate(compute, y, activation)
}
