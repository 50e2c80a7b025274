//! The classifier of directions.

use burn::tensor::Tensor;
use ferrotype_kernels::Activation;
use ferrotype_ops::{self as ops, Compute};

use crate::layers::CosineLinear;

/// `scale x / |x| . w_k / |w_k|` of features `[batch, features]`, a flat weight and the scale `[1]`.
pub(super) fn cosine_linear(
    compute: Compute,
    x: Tensor<2>,
    weight: Tensor<1>,
    scale: Tensor<1>,
    outputs: usize,
) -> Tensor<2> {
    let features = x.dims()[1];
    let scale = if x.is_autodiff() { scale.autodiff() } else { scale };
    let weight = unit(weight.reshape([outputs, features])).reshape([outputs * features]);
    let cosine = ops::linear(compute, unit(x), weight, None, outputs, Activation::None);
    cosine * scale.reshape([1, 1])
}

/// Rows at length 1.
fn unit(x: Tensor<2>) -> Tensor<2> {
    // Kept off zero before the root, whose derivative does not exist there.
    let length = x.clone().powi_scalar(2).sum_dim(1).clamp_min(CosineLinear::EPS.powi(2)).sqrt();
    x / length
}
