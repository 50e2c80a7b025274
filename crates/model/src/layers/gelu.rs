//! The Gaussian error linear unit.

use anyhow::Result;

use super::{Describe, Shape};

/// `x * Phi(x)` with the distribution function of the standard normal (Hendrycks and Gimpel, arXiv:1606.08415), in its exact
/// form: PyTorch's `nn.GELU()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gelu;

impl Describe for Gelu {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs[0])
    }
}
