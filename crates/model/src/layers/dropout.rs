//! Dropout.

use anyhow::{Result, ensure};

use super::{Describe, Shape};

/// Dropout: in training, elements become zero at this rate and the others grow to keep the mean. Vanishes otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of zero, at least 0 and below 1.
    pub rate: f32,
}

impl Describe for Dropout {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        ensure!((0.0..1.0).contains(&self.rate), "has rate {}: it must be at least 0 and below 1", self.rate);
        Ok(inputs[0])
    }
}
