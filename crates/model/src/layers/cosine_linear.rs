//! A classifier by directions: the cosine of the angle between the features and each class's weights.

use anyhow::{Result, ensure};

use super::{BufferSpec, Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// `scale * x / |x| . w_k / |w_k|` for each class `k` (Wang et al., NormFace, arXiv:1704.06369). Weight `[outputs, inputs]`, no bias; the
/// scale, `[1]`, is not trained. Lengths below 1e-12 count as that, as in PyTorch's `F.normalize`.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineLinear {
    /// Classes.
    pub outputs: usize,
    /// What cosines are multiplied by.
    pub scale: f32,
    /// How the weight begins.
    pub init: Initialiser,
}

impl CosineLinear {
    /// The least length that a vector is divided by.
    pub const EPS: f32 = 1e-12;

    /// A layer with Glorot's uniform weights, as ArcFace's.
    pub fn new(outputs: usize, scale: f32) -> Self {
        Self { outputs, scale, init: Initialiser::GlorotUniform }
    }
}

impl Describe for CosineLinear {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        inputs[0].vector()?;
        ensure!(self.outputs > 0, "has no outputs: ask for at least 1");
        ensure!(self.scale.is_finite() && self.scale > 0.0, "has a scale of {}: it must be above 0", self.scale);
        Ok(Shape::Vector(self.outputs))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok(features) = inputs[0].vector() else { return Vec::new() };
        vec![ParameterSpec {
            name: "weight".into(),
            shape: vec![self.outputs, features],
            role: Role::Weight,
            init: self.init,
            l2: 0.0,
        }]
    }

    fn buffers(&self, _inputs: &[Shape]) -> Vec<BufferSpec> {
        vec![BufferSpec { name: "scale".into(), shape: vec![1], initial: self.scale }]
    }

    fn macs(&self, inputs: &[Shape], output: &Shape) -> u64 {
        inputs[0].vector().map_or(0, |n| (n * output.len()) as u64)
    }
}
