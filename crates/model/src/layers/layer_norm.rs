//! Layer normalisation (Ba et al., arXiv:1607.06450).

use anyhow::{Result, bail};

use super::{Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// Each token, or the vector, by its own mean and biased variance: PyTorch's `nn.LayerNorm` over the last axis. Weight and
/// bias `[features]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance.
    pub eps: f64,
}

impl LayerNorm {
    /// PyTorch's default: eps 1e-5.
    pub fn new() -> Self {
        Self { eps: 1e-5 }
    }

    /// The layer with another eps.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self::new()
    }
}

fn features(input: &Shape) -> Result<usize> {
    match *input {
        Shape::Sequence { features, .. } | Shape::Vector(features) => Ok(features),
        Shape::Map { .. } => bail!("takes tokens or a vector, but its input is {input}: put `to_tokens` before it"),
    }
}

impl Describe for LayerNorm {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        features(&inputs[0])?;
        Ok(inputs[0])
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok(features) = features(&inputs[0]) else { return Vec::new() };
        let spec = |name: &str, role, value| ParameterSpec {
            name: name.into(),
            shape: vec![features],
            role,
            init: Initialiser::Constant(value),
            l2: 0.0,
        };
        vec![spec("weight", Role::NormScale, 1.0), spec("bias", Role::NormShift, 0.0)]
    }
}
