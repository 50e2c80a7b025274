//! Maxima over windows.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use super::native::{self, NativeOps};
use super::{Compute, Window};

/// Maxima of `x [batch, channels, height, width]` over windows; a border pixel never wins.
pub fn max_pool(compute: Compute, x: Tensor<4>, window: &Window) -> Tensor<4> {
    let shape = window.native(&x);
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_max_pool(x, shape, isa)),
        Err(x) => x,
    };
    let mut options = MaxPoolOptions::new(window.kernel);
    options.stride = window.stride;
    options.padding = window.burn_padding();
    max_pool2d(x, options)
}
