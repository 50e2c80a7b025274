//! The sum at the end of a residual block.

use burn::tensor::Tensor;
use ferrotype_kernels::Activation;

use super::{Compute, activate};

/// `act(a + b)` of two tensors of one shape.
pub fn add<const D: usize>(compute: Compute, a: Tensor<D>, b: Tensor<D>, activation: Activation) -> Tensor<D> {
    activate(compute, a + b, activation)
}
