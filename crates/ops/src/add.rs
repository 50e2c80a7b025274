//! The sum at the end of a residual block.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use ferrotype_kernels::Activation;

use super::native::{self, NativeOps};
use super::{Compute, activate};

/// `act(a + b)` of two tensors of one shape.
pub fn add<const D: usize>(compute: Compute, a: Tensor<D>, b: Tensor<D>, activation: Activation) -> Tensor<D> {
    match native::split(compute, a) {
        Ok((a, isa)) => Tensor::from_dispatch(Dispatch::native_add(a, b.into_dispatch(), activation, isa)),
        Err(a) => activate(compute, a + b, activation),
    }
}
