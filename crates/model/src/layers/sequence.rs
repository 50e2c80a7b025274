//! Between maps, sequences and vectors.

use anyhow::{Result, ensure};

use super::{Describe, Shape};

/// A map of one plane, `[1, steps, features]`, as the sequence that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToSequence;

impl Describe for ToSequence {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [planes, steps, features] = inputs[0].map()?;
        ensure!(planes == 1, "takes one plane of steps and features, but its input is {}", inputs[0]);
        Ok(Shape::Sequence { steps, features })
    }
}

/// The last step of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastStep;

impl Describe for LastStep {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [steps, features] = inputs[0].sequence()?;
        ensure!(steps > 0, "takes the last of 0 steps");
        Ok(Shape::Vector(features))
    }
}

/// A vector at each of so many steps (Keras' `RepeatVector`): what a decoder is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Steps.
    pub steps: usize,
}

impl Describe for Repeat {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let features = inputs[0].vector()?;
        ensure!(self.steps > 0, "repeats its input 0 times: ask for at least 1 step");
        Ok(Shape::Sequence { steps: self.steps, features })
    }
}
