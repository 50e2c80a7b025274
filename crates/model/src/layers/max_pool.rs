//! Maxima over windows.

use anyhow::{Result, ensure};

use super::padding::{PaddingRule, positions};
use super::{Describe, Shape};
use ferrotype_ops::Window;

/// Max pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// The border, whose pixels never win.
    pub padding: PaddingRule,
}

impl MaxPool {
    /// Square windows side by side, no border: what does not fill a window is dropped.
    pub fn new(size: usize) -> Self {
        Self { kernel: [size; 2], stride: [size; 2], padding: PaddingRule::all(0) }
    }

    /// The stride along both axes.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = [stride; 2];
        self
    }

    /// TensorFlow's SAME border.
    pub fn same(mut self) -> Self {
        self.padding = PaddingRule::Same;
        self
    }

    /// The same border on all sides.
    pub fn pad(mut self, pixels: usize) -> Self {
        self.padding = PaddingRule::all(pixels);
        self
    }

    /// The window for an input of this shape.
    pub fn window(&self, input: &Shape) -> Result<Window> {
        window(self.kernel, self.stride, &self.padding, input)
    }
}

impl Describe for MaxPool {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        pooled(&self.window(&inputs[0])?, &inputs[0])
    }
}

/// A pooling window with its border for an input of this shape.
pub(super) fn window(kernel: [usize; 2], stride: [usize; 2], padding: &PaddingRule, input: &Shape) -> Result<Window> {
    let [_, height, width] = input.map()?;
    let padding = padding.resolve([height, width], kernel, stride.map(|s| s.max(1)));
    Ok(Window { kernel, stride, padding })
}

/// The shape after pooling.
pub(super) fn pooled(window: &Window, input: &Shape) -> Result<Shape> {
    let [channels, height, width] = input.map()?;
    let p = window.padding;
    ensure!(
        p.top.max(p.bottom) < window.kernel[0].max(1) && p.left.max(p.right) < window.kernel[1].max(1),
        "has a border as wide as its {}x{} window: make the border smaller",
        window.kernel[0],
        window.kernel[1]
    );
    let [height, width] = positions([height, width], window.kernel, window.stride, p)?;
    Ok(Shape::Map { channels, height, width })
}
