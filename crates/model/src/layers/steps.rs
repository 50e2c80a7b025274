//! Layers that keep to the steps that are there, where sequences of different lengths stand in one batch. Steps are the
//! rows of maps.

use anyhow::{Result, ensure};

use super::{Describe, Shape};

/// Zeros in place of padded steps: what a convolution over time has to find beyond a sequence's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskSteps;

impl Describe for MaskSteps {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        if let Shape::Vector(_) = inputs[0] {
            inputs[0].sequence()?;
        }
        Ok(inputs[0])
    }
}

/// The mean of each channel, or feature, over the steps that are there: `[channels, steps, 1]` or a sequence to a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeanSteps;

impl Describe for MeanSteps {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let (channels, steps, width) = match inputs[0] {
            Shape::Sequence { steps, features } => (features, steps, 1),
            other => other.map().map(|[channels, steps, width]| (channels, steps, width))?,
        };
        ensure!(steps > 0 && width == 1, "takes steps of one column, but its input is {}", inputs[0]);
        Ok(Shape::Vector(channels))
    }
}
