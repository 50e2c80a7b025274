//! Element-wise functions that no other layer applies as it stores: sigmoid, SiLU, and their forms of straight lines.

use anyhow::Result;
use ferrotype_kernels::activation::Function;

use super::{Describe, Shape};

/// Sigmoid, hard sigmoid, SiLU or hard swish of every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apply(pub Function);

impl Describe for Apply {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs[0])
    }
}
