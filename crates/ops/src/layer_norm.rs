//! Layer normalisation (Ba et al., arXiv:1607.06450) over the last axis.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use ferrotype_kernels::LayerNorm;

use super::Compute;
use super::native::{self, TokenOps};

/// `(x - mean) / sqrt(variance + eps) * weight + bias` by the mean and biased variance of each row of the last axis.
pub fn layer_norm<const D: usize>(
    compute: Compute,
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
) -> Tensor<D> {
    let dims = x.dims();
    let features = dims[D - 1];
    let rows = dims[..D - 1].iter().product();
    let x = match native::split(compute, x) {
        Ok((x, isa)) => {
            let shape = LayerNorm { rows, features, eps: eps as f32 };
            let y = Dispatch::native_layer_norm(x, weight.into_dispatch(), bias.into_dispatch(), shape, isa);
            return Tensor::from_dispatch(y);
        }
        Err(x) => x,
    };
    let mut last = [1; D];
    last[D - 1] = features;
    let centred = x.clone() - x.mean_dim(D - 1);
    let variance = (centred.clone() * centred.clone()).mean_dim(D - 1);
    centred / variance.add_scalar(eps).sqrt() * weight.reshape(last) + bias.reshape(last)
}
