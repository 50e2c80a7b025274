//! Element-wise activations.

use anyhow::Result;
use ferrotype_kernels::Activation;

use super::{Describe, Shape};

/// An activation as a layer of its own. Where it follows a convolution, normalisation, sum or linear layer directly,
/// the plan runs both as one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activate(pub Activation);

impl Describe for Activate {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs[0])
    }
}
