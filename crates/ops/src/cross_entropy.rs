//! Softmax cross-entropy with soft targets.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use super::Compute;
use super::native::{self, NativeOps};

/// `-sum_c t_c log softmax(z)_c` of each row of `logits [rows, classes]`, as `[rows]`. Targets get no gradient.
pub fn cross_entropy(compute: Compute, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let rows = logits.dims()[0];
    match native::split(compute, logits) {
        Ok((z, isa)) => Tensor::from_dispatch(Dispatch::native_cross_entropy(z, targets.into_dispatch(), isa)),
        Err(z) => (log_softmax(z, 1) * targets).sum_dim(1).neg().reshape([rows]),
    }
}
