//! Stochastic depth.

use anyhow::{Result, ensure};

use super::{Describe, Shape};

/// Stochastic depth (Huang et al., arXiv:1603.09382), also called drop path: in training, what a residual block computes is left
/// out for whole examples at this rate, and grows for the others to keep the mean; torchvision's `StochasticDepth` in the mode
/// `row`. Stands before the sum of the block. Vanishes otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropPath {
    /// Probability of leaving it out, at least 0 and below 1.
    pub rate: f32,
}

impl Describe for DropPath {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        ensure!((0.0..1.0).contains(&self.rate), "has rate {}: it must be at least 0 and below 1", self.rate);
        Ok(inputs[0])
    }
}
