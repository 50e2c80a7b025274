//! Squeeze and excitation (Hu et al., arXiv:1709.01507): the channels of a map weighed by what the whole map says.

use anyhow::{Result, ensure};
use ferrotype_kernels::activation::Function;

use super::{Describe, Shape};
use crate::init::Initialiser;

/// Squeeze and excitation as a user writes it: the mean of each plane, a linear layer to fewer features, an activation, a linear
/// layer back, a gate for each channel between 0 and 1, and [`ScaleChannels`].
/// [`GraphBuilder::squeeze_excite`](crate::GraphBuilder::squeeze_excite) adds them under `NAME.avgpool`, `NAME.fc1`, `NAME.fc2`
/// and `NAME.scale`: torchvision's names, whose `fc1` and `fc2` are convolutions of 1x1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SqueezeExcite {
    /// Features between the two linear layers.
    pub squeeze: usize,
    /// The activation behind the first; none for ReLU.
    pub activation: Option<Function>,
    /// What makes gates of the second one's outputs.
    pub gate: Function,
    /// How the weights of both begin; the biases begin at 0.
    pub init: Initialiser,
}

impl SqueezeExcite {
    /// The paper's: ReLU and sigmoid, with so many features between.
    pub fn new(squeeze: usize) -> Self {
        Self { squeeze, activation: None, gate: Function::Sigmoid, init: Initialiser::GlorotUniform }
    }

    /// Another activation between the linear layers.
    pub fn activation(mut self, function: Function) -> Self {
        self.activation = Some(function);
        self
    }

    /// Other gates.
    pub fn gate(mut self, function: Function) -> Self {
        self.gate = function;
        self
    }

    /// How the weights begin.
    pub fn init(mut self, init: Initialiser) -> Self {
        self.init = init;
        self
    }
}

/// Each plane of the first input, a map, times its value in the second, a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleChannels;

impl Describe for ScaleChannels {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let ([channels, ..], gates) = (inputs[0].map()?, inputs[1].vector()?);
        ensure!(channels == gates, "has {gates} gates for {channels} channels: it takes one for each");
        Ok(inputs[0])
    }
}
