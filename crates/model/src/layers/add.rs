//! The sum of two values.

use anyhow::{Result, ensure};

use super::{Describe, Shape};

/// The sum at the end of a residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

impl Describe for Add {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        ensure!(inputs[0] == inputs[1], "adds {} and {}: both sides must have one shape", inputs[0], inputs[1]);
        Ok(inputs[0])
    }
}
