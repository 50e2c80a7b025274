//! Between maps and tokens, which are sequences `[tokens, features]` whose steps are places rather than times; and what is
//! learnt of places.

use anyhow::{Result, ensure};

use super::{Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// A map `[channels, height, width]` as tokens `[height * width, channels]`, row by row; with blocks, block by block (row by
/// row, as within each), so that a block's tokens are consecutive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToTokens {
    /// Rows and columns of a block; none: the whole map.
    pub block: Option<[usize; 2]>,
}

impl ToTokens {
    /// The block of a map of this size.
    pub fn block_of(&self, size: [usize; 2]) -> [usize; 2] {
        self.block.unwrap_or(size)
    }
}

/// Why blocks do not fit a map.
fn check_block([rows, columns]: [usize; 2], [height, width]: [usize; 2]) -> Result<()> {
    ensure!(
        rows > 0 && columns > 0 && height.is_multiple_of(rows) && width.is_multiple_of(columns),
        "divides a map of {height}x{width} into blocks of {rows}x{columns}: blocks must divide it"
    );
    Ok(())
}

impl Describe for ToTokens {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [channels, height, width] = inputs[0].map()?;
        check_block(self.block_of([height, width]), [height, width])?;
        Ok(Shape::Sequence { steps: height * width, features: channels })
    }
}

/// Tokens as the map that they came from: the inverse of [`ToTokens`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToMap {
    /// Rows and columns of the map.
    pub size: [usize; 2],
    /// Rows and columns of a block; none: the whole map.
    pub block: Option<[usize; 2]>,
}

impl ToMap {
    /// The block.
    pub fn block(&self) -> [usize; 2] {
        self.block.unwrap_or(self.size)
    }
}

impl Describe for ToMap {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [steps, features] = inputs[0].sequence()?;
        let [height, width] = self.size;
        ensure!(steps == height * width, "makes a map of {height}x{width} of {steps} tokens");
        check_block(self.block(), self.size)?;
        Ok(Shape::Map { channels: features, height, width })
    }
}

/// A learnt token before all others. Parameter `token [features]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassToken {
    /// How it begins.
    pub init: Initialiser,
}

impl Describe for ClassToken {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [steps, features] = inputs[0].sequence()?;
        Ok(Shape::Sequence { steps: steps + 1, features })
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok([_, features]) = inputs[0].sequence() else { return Vec::new() };
        vec![embedding("token", vec![features], self.init)]
    }
}

/// What is learnt of a token's place and added to it. Parameter `embedding [period, features]`, or `[period]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionEmbedding {
    /// Places: token `i` has place `i % period`; none: a place for each token.
    pub period: Option<usize>,
    /// Whether a place has one value for all features rather than one for each.
    pub shared: bool,
    /// How values begin.
    pub init: Initialiser,
}

impl PositionEmbedding {
    /// Values for each token and feature, normal with standard deviation 0.02 at first.
    pub fn new() -> Self {
        Self { period: None, shared: false, init: Initialiser::Normal(0.02) }
    }
}

impl Default for PositionEmbedding {
    fn default() -> Self {
        Self::new()
    }
}

impl Describe for PositionEmbedding {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [steps, _] = inputs[0].sequence()?;
        let period = self.period.unwrap_or(steps);
        ensure!(
            period > 0 && steps.is_multiple_of(period),
            "has {period} places for {steps} tokens: they must divide them"
        );
        Ok(inputs[0])
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok([steps, features]) = inputs[0].sequence() else { return Vec::new() };
        let period = self.period.unwrap_or(steps);
        let shape = if self.shared { vec![period] } else { vec![period, features] };
        vec![embedding("embedding", shape, self.init)]
    }
}

fn embedding(name: &str, shape: Vec<usize>, init: Initialiser) -> ParameterSpec {
    ParameterSpec { name: name.into(), shape, role: Role::Embedding, init, l2: 0.0 }
}

/// One token as a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeToken {
    /// Which, counted from 0.
    pub index: usize,
}

impl Describe for TakeToken {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [steps, features] = inputs[0].sequence()?;
        ensure!(self.index < steps, "takes token {} of {steps}, counted from 0", self.index);
        Ok(Shape::Vector(features))
    }
}
