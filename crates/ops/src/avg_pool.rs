//! Averages over windows and over whole planes.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;

use super::native::{self, NativeOps};
use super::{Compute, Window};

/// Means of `x [batch, channels, height, width]` over windows. `count_padding` divides by the whole window's size
/// (PyTorch's default) rather than by the number of its pixels inside the picture (TensorFlow's SAME).
pub fn avg_pool(compute: Compute, x: Tensor<4>, window: &Window, count_padding: bool) -> Tensor<4> {
    let shape = window.native(&x);
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_avg_pool(x, shape, count_padding, isa)),
        Err(x) => x,
    };
    let mut options = AvgPoolOptions::new(window.kernel);
    options.stride = window.stride;
    options.padding = window.burn_padding();
    options.count_include_pad = count_padding;
    avg_pool2d(x, options)
}

/// The mean of each plane: `[batch, channels, height, width]` to `[batch, channels]`.
pub fn global_avg_pool(compute: Compute, x: Tensor<4>) -> Tensor<2> {
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_global_avg_pool(x, isa)),
        Err(x) => x,
    };
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels])
}
