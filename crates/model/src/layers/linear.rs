//! The fully connected layer, of a vector or of every step of a sequence.

use anyhow::{Result, ensure};

use super::{Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// A fully connected layer; of a sequence, the same for every step (Keras' `TimeDistributed(Dense)`). Weight `[outputs, inputs]`, bias `[outputs]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Features that it puts out.
    pub outputs: usize,
    /// Whether a bias is added, and how it begins.
    pub bias: Option<Initialiser>,
    /// How the weight begins.
    pub init: Initialiser,
    /// Coefficient of the L2 regulariser on the weight.
    pub l2: f32,
}

impl Linear {
    /// A layer with a bias of zeros and Glorot's uniform weights.
    pub fn new(outputs: usize) -> Self {
        Self { outputs, bias: Some(Initialiser::Constant(0.0)), init: Initialiser::GlorotUniform, l2: 0.0 }
    }

    /// A bias that begins so.
    pub fn bias(mut self, init: Initialiser) -> Self {
        self.bias = Some(init);
        self
    }

    /// No bias.
    pub fn no_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    /// How the weight begins.
    pub fn init(mut self, init: Initialiser) -> Self {
        self.init = init;
        self
    }
}

impl Describe for Linear {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        features(&inputs[0])?;
        ensure!(self.outputs > 0, "has no outputs: ask for at least 1");
        Ok(match inputs[0] {
            Shape::Sequence { steps, .. } => Shape::Sequence { steps, features: self.outputs },
            _ => Shape::Vector(self.outputs),
        })
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok(features) = features(&inputs[0]) else { return Vec::new() };
        let weight = ParameterSpec {
            name: "weight".into(),
            shape: vec![self.outputs, features],
            role: Role::Weight,
            init: self.init,
            l2: self.l2,
        };
        let bias = self.bias.map(|init| ParameterSpec {
            name: "bias".into(),
            shape: vec![self.outputs],
            role: Role::Bias,
            init,
            l2: 0.0,
        });
        std::iter::once(weight).chain(bias).collect()
    }

    fn macs(&self, inputs: &[Shape], output: &Shape) -> u64 {
        features(&inputs[0]).map_or(0, |n| (n * output.len()) as u64)
    }
}

/// Features that enter at once.
fn features(input: &Shape) -> Result<usize> {
    match *input {
        Shape::Sequence { features, .. } => Ok(features),
        other => other.vector(),
    }
}
