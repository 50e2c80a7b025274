//! Two-dimensional convolution: one shape description, three passes.

use std::mem::MaybeUninit;

use crate::Isa;

/// Zero padding in pixels. The sides may differ: TensorFlow's SAME pads more after than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns on the left.
    pub left: usize,
    /// Columns on the right.
    pub right: usize,
}

/// What is applied to each output as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `min(max(x, 0), 6)`; NaN stays NaN.
    Relu6,
}

/// The shape of a convolution: `x [batch, in_channels, height, width]`,
/// `w [out_channels, in_channels / groups, kernel_h, kernel_w]`, `y [batch, out_channels, out_height, out_width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// Images.
    pub batch: usize,
    /// Input channels.
    pub in_channels: usize,
    /// Input rows.
    pub height: usize,
    /// Input columns.
    pub width: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Kernel rows and columns.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Zero padding.
    pub padding: Padding,
    /// 1 for a dense convolution, `in_channels` for a depthwise one; others are legal too.
    pub groups: usize,
}

impl Conv2d {
    /// Output rows.
    pub fn out_height(&self) -> usize {
        (self.height + self.padding.top + self.padding.bottom - self.kernel[0]) / self.stride[0] + 1
    }

    /// Output columns.
    pub fn out_width(&self) -> usize {
        (self.width + self.padding.left + self.padding.right - self.kernel[1]) / self.stride[1] + 1
    }

    /// `y = act(conv(x, w) + bias)`. Every element of `y` is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn forward(
        &self,
        _isa: Isa,
        _x: &[f32],
        _w: &[f32],
        _bias: Option<&[f32]>,
        _act: Activation,
        _y: &mut [MaybeUninit<f32>],
    ) {
        todo!()
    }

    /// The gradient of the input from that of the output (before any activation). Every element of `dx` is written.
    pub fn backward_data(&self, _isa: Isa, _dy: &[f32], _w: &[f32], _dx: &mut [MaybeUninit<f32>]) {
        todo!()
    }

    /// The gradients of weight and, where wanted, bias. Every element of `dw` and `db` is written.
    pub fn backward_weight(
        &self,
        _isa: Isa,
        _x: &[f32],
        _dy: &[f32],
        _dw: &mut [MaybeUninit<f32>],
        _db: Option<&mut [MaybeUninit<f32>]>,
    ) {
        todo!()
    }
}
