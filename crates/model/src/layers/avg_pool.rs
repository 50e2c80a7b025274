//! Means over windows.

use anyhow::Result;

use super::max_pool::{pooled, window};
use super::padding::PaddingRule;
use super::{Describe, Shape};
use ferrotype_ops::Window;

/// Average pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool {
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// The border.
    pub padding: PaddingRule,
    /// Divide by the whole window's size (PyTorch's default) rather than by its pixels inside the picture.
    pub count_padding: bool,
}

impl AvgPool {
    /// Square windows side by side, no border.
    pub fn new(size: usize) -> Self {
        Self { kernel: [size; 2], stride: [size; 2], padding: PaddingRule::all(0), count_padding: false }
    }

    /// The stride along both axes.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = [stride; 2];
        self
    }

    /// TensorFlow's SAME border, not counted in the mean.
    pub fn same(mut self) -> Self {
        self.padding = PaddingRule::Same;
        self
    }

    /// The window for an input of this shape.
    pub fn window(&self, input: &Shape) -> Result<Window> {
        window(self.kernel, self.stride, &self.padding, input)
    }
}

impl Describe for AvgPool {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        pooled(&self.window(&inputs[0])?, &inputs[0])
    }
}
