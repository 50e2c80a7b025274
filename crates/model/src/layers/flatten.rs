//! Maps to a vector.

use anyhow::Result;

use super::{Describe, Shape};

/// Lays maps out as a vector in the order channel, row, column, and sequences step by step. (Keras' order is row, column, channel: weights from
/// there are reordered when they are imported.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl Describe for Flatten {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        if let Shape::Vector(_) = inputs[0] {
            inputs[0].map()?;
        }
        Ok(Shape::Vector(inputs[0].len()))
    }
}
