//! Maxima over windows.

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use super::{Compute, Window};

/// Maxima of `x [batch, channels, height, width]` over windows; a border pixel never wins.
pub fn max_pool(_compute: Compute, x: Tensor<4>, window: &Window) -> Tensor<4> {
    let mut options = MaxPoolOptions::new(window.kernel);
    options.stride = window.stride;
    options.padding = window.burn_padding();
    max_pool2d(x, options)
}
