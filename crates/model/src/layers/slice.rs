//! Some planes of a map.

use anyhow::{Result, ensure};

use super::{Describe, Shape};

/// The planes from `first` on, so many of them: one stream of an input that holds several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The first plane, counted from 0.
    pub first: usize,
    /// How many.
    pub planes: usize,
}

impl Describe for Slice {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [channels, height, width] = inputs[0].map()?;
        let end = self.first.saturating_add(self.planes);
        ensure!(self.planes > 0, "takes no planes: ask for at least 1");
        ensure!(end <= channels, "takes planes {} to {end}, but its input is {}", self.first, inputs[0]);
        Ok(Shape::Map { channels: self.planes, height, width })
    }
}
