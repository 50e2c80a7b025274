//! Batch normalisation (Ioffe and Szegedy, arXiv:1502.03167) over all but the channel axis.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn::tensor::module;
use ferrotype_kernels::{Activation, BatchNorm};

use super::native::{self, NativeOps};
use super::{Compute, activate};

/// The result of [`batch_norm_train`].
pub struct Normalised {
    /// `act((x - mean) / sqrt(variance + eps) * weight + bias)`, of the input's shape.
    pub output: Tensor<4>,
    /// The batch's mean per channel, without autodiff.
    pub mean: Tensor<1>,
    /// The batch's biased variance (divided by the number of values) per channel, without autodiff.
    pub variance: Tensor<1>,
}

/// Normalises `x [batch, channels, height, width]` by the batch's own statistics.
pub fn batch_norm_train(
    compute: Compute,
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
    activation: Activation,
) -> Normalised {
    let shape = native_shape(&x, eps, activation);
    let x = match native::split(compute, x) {
        Ok((x, isa)) => {
            let (weight, bias) = (weight.into_dispatch(), bias.into_dispatch());
            let (y, mean, variance) = Dispatch::native_batch_norm_train(x, weight, bias, shape, isa);
            let plain = |t| Tensor::<1>::from_dispatch(t).without_autodiff();
            return Normalised { output: Tensor::from_dispatch(y), mean: plain(mean), variance: plain(variance) };
        }
        Err(x) => x,
    };
    let n = module::batch_norm_train(x, weight, bias, eps);
    Normalised {
        output: activate(compute, n.output, activation),
        mean: n.mean.without_autodiff(),
        variance: n.variance.without_autodiff(),
    }
}

/// Normalises `x [batch, channels, height, width]` by given statistics: an affine map per channel.
#[allow(clippy::too_many_arguments)]
pub fn batch_norm(
    compute: Compute,
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    eps: f64,
    activation: Activation,
) -> Tensor<4> {
    let shape = native_shape(&x, eps, activation);
    match native::split(compute, x) {
        Ok((x, isa)) => {
            let [weight, bias, mean, variance] = [weight, bias, mean, variance].map(Tensor::into_dispatch);
            Tensor::from_dispatch(Dispatch::native_batch_norm(x, weight, bias, mean, variance, shape, isa))
        }
        Err(x) => activate(compute, module::batch_norm(x, weight, bias, mean, variance, eps), activation),
    }
}

fn native_shape(x: &Tensor<4>, eps: f64, act: Activation) -> BatchNorm {
    let [batch, channels, height, width] = x.dims();
    BatchNorm { batch, channels, spatial: height * width, eps: eps as f32, act }
}
