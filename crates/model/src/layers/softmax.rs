//! Scores to probabilities.

use anyhow::Result;

use super::{Describe, Shape};

/// Softmax of a vector, within the network: the objective takes the softmax of the logits by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax;

impl Describe for Softmax {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        Ok(Shape::Vector(inputs[0].vector()?))
    }
}
