//! Batch normalisation (Ioffe and Szegedy, arXiv:1502.03167).

use anyhow::Result;

use super::{BufferSpec, Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// Which variance of the batch enters the running average. The batch itself is always normalised by the biased one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunningVariance {
    /// Divided by n - 1: PyTorch, and TensorFlow's fused kernel behind Keras from 2.1 on.
    Unbiased,
    /// Divided by n: Keras before 2.1.
    Biased,
}

/// Batch normalisation. Weight and bias `[channels]`; buffers `running_mean` and `running_var`.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
    /// Weight of the new batch in the running averages (PyTorch's meaning; 1 minus Keras').
    pub momentum: f64,
    /// Which variance enters the running average.
    pub running_variance: RunningVariance,
    /// What all scales begin with.
    pub scale: f32,
}

impl BatchNorm {
    /// PyTorch's defaults: eps 1e-5, momentum 0.1.
    pub fn pytorch() -> Self {
        Self { eps: 1e-5, momentum: 0.1, running_variance: RunningVariance::Unbiased, scale: 1.0 }
    }

    /// Keras' defaults: eps 1e-3, momentum 0.99 (in Keras' meaning).
    pub fn keras() -> Self {
        Self { eps: 1e-3, momentum: 0.01, running_variance: RunningVariance::Unbiased, scale: 1.0 }
    }

    /// The layer with another weight of the new batch in its running averages.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// The layer with another variance in its running average.
    pub fn running(mut self, variance: RunningVariance) -> Self {
        self.running_variance = variance;
        self
    }
}

impl Describe for BatchNorm {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        inputs[0].map()?;
        Ok(inputs[0])
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok([channels, ..]) = inputs[0].map() else { return Vec::new() };
        let spec = |name: &str, role, value| ParameterSpec {
            name: name.into(),
            shape: vec![channels],
            role,
            init: Initialiser::Constant(value),
            l2: 0.0,
        };
        vec![spec("weight", Role::NormScale, self.scale), spec("bias", Role::NormShift, 0.0)]
    }

    fn buffers(&self, inputs: &[Shape]) -> Vec<BufferSpec> {
        let Ok([channels, ..]) = inputs[0].map() else { return Vec::new() };
        let spec = |name: &str, initial| BufferSpec { name: name.into(), shape: vec![channels], initial };
        vec![spec("running_mean", 0.0), spec("running_var", 1.0)]
    }
}
