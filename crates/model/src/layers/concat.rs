//! Values side by side.

use anyhow::{Result, bail, ensure};

use super::{Describe, Shape};

/// Joins vectors, the channels of maps of one size, or the features of sequences of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat;

impl Describe for Concat {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        inputs[1..].iter().try_fold(inputs[0], |sum, next| {
            Ok(match (sum, *next) {
                (Shape::Vector(a), Shape::Vector(b)) => Shape::Vector(a + b),
                (Shape::Map { channels: a, height, width }, Shape::Map { channels: b, height: h, width: w }) => {
                    ensure!([height, width] == [h, w], "joins {sum} and {next}: maps must have one size");
                    Shape::Map { channels: a + b, height, width }
                }
                (Shape::Sequence { steps, features: a }, Shape::Sequence { steps: s, features: b }) => {
                    ensure!(steps == s, "joins {sum} and {next}: sequences must have one length");
                    Shape::Sequence { steps, features: a + b }
                }
                _ => bail!("joins {sum} and {next}: they must be of one kind"),
            })
        })
    }
}
