//! The Gaussian error linear unit (Hendrycks and Gimpel, arXiv:1606.08415).

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::Compute;
use super::native::{self, TokenOps};

/// `x * Phi(x)` with the distribution function of the standard normal: the exact form, PyTorch's `nn.GELU()`.
pub fn gelu<const D: usize>(compute: Compute, x: Tensor<D>) -> Tensor<D> {
    match native::split(compute, x) {
        Ok((x, isa)) => Tensor::from_dispatch(Dispatch::native_gelu(x, isa)),
        // Not `activation::gelu`: on devices without a derivative of their own for it, Burn takes that of the approximation by tanh, which is
        // 1e-3 away.
        Err(x) => (x.clone().mul_scalar(std::f32::consts::FRAC_1_SQRT_2).erf() + 1.0) * x.mul_scalar(0.5),
    }
}
