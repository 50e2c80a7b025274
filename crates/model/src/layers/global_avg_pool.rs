//! The mean of each plane.

use anyhow::Result;

use super::{Describe, Shape};

/// Global average pooling: maps to a vector of one value per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalAvgPool;

impl Describe for GlobalAvgPool {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [channels, ..] = inputs[0].map()?;
        Ok(Shape::Vector(channels))
    }
}
