//! Two-dimensional convolution: one shape description, three passes.

mod ahead;
mod axis;
mod depthwise;
mod direct;
mod direct_weight;
mod partial;
mod plan;
mod strip;
pub(crate) mod tile;
mod winograd;

use std::mem::MaybeUninit;
use std::ptr;

use crate::Isa;
use axis::Axis;
use depthwise::Backward;

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

    /// Kernel places.
    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Weights of one output channel.
    fn weights_per_channel(&self) -> usize {
        self.in_channels / self.groups * self.taps()
    }

    /// Length of the input.
    fn in_size(&self) -> usize {
        self.batch * self.in_channels * self.height * self.width
    }

    /// Length of the output.
    fn out_size(&self) -> usize {
        self.batch * self.out_channels * self.out_height() * self.out_width()
    }

    /// Length of the weights.
    fn weight_size(&self) -> usize {
        self.out_channels * self.weights_per_channel()
    }

    /// Operations of one pass.
    fn flops(&self) -> usize {
        2 * self.out_size() * self.weights_per_channel()
    }

    /// Row and column axis of the forward pass.
    fn forward_axes(&self, copies: [bool; 2]) -> [Axis; 2] {
        let p = &self.padding;
        [
            Axis::forward(self.height, self.out_height(), self.kernel[0], self.stride[0], p.top, copies[0]),
            Axis::forward(self.width, self.out_width(), self.kernel[1], self.stride[1], p.left, copies[1]),
        ]
    }

    /// Row and column axis of the backward-data pass.
    fn backward_axes(&self, copies: [bool; 2]) -> [Axis; 2] {
        let p = &self.padding;
        [
            Axis::backward(self.height, self.out_height(), self.kernel[0], self.stride[0], p.top, copies[0]),
            Axis::backward(self.width, self.out_width(), self.kernel[1], self.stride[1], p.left, copies[1]),
        ]
    }

    /// Every unsafe kernel relies on this.
    fn check(&self) {
        let Self { groups, in_channels, out_channels, kernel, stride, padding: p, .. } = *self;
        assert!(kernel[0] > 0 && kernel[1] > 0 && stride[0] > 0 && stride[1] > 0, "empty kernel or stride: {self:?}");
        assert!(in_channels > 0, "no input channels: {self:?}");
        assert!(groups > 0 && in_channels % groups == 0 && out_channels % groups == 0, "uneven groups: {self:?}");
        assert!(self.height + p.top + p.bottom >= kernel[0], "kernel higher than the padded input: {self:?}");
        assert!(self.width + p.left + p.right >= kernel[1], "kernel wider than the padded input: {self:?}");
    }

    /// `y = act(conv(x, w) + bias)`. Every element of `y` is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn forward(
        &self,
        isa: Isa,
        x: &[f32],
        w: &[f32],
        bias: Option<&[f32]>,
        act: Activation,
        y: &mut [MaybeUninit<f32>],
    ) {
        self.check();
        assert_eq!(x.len(), self.in_size(), "input of {self:?}");
        assert_eq!(w.len(), self.weight_size(), "weight of {self:?}");
        assert_eq!(y.len(), self.out_size(), "output of {self:?}");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.out_channels, "bias of {self:?}");
        }
        if y.is_empty() {
            return;
        }
        let y = y.as_mut_ptr().cast();
        if winograd::applies(self, isa) {
            winograd::forward(self, isa, x, w, bias, act, y);
        } else if depthwise::applies(self) {
            let forward = if depthwise::same(self) { depthwise::forward } else { depthwise::any_forward };
            forward(self, isa, x, w, bias, act, y);
        } else {
            direct::forward(self, isa, x, w, bias, act, y);
        }
    }

    /// The gradient of the input from that of the output (before any activation). Every element of `dx` is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn backward_data(&self, isa: Isa, dy: &[f32], w: &[f32], dx: &mut [MaybeUninit<f32>]) {
        self.check();
        assert_eq!(dy.len(), self.out_size(), "output gradient of {self:?}");
        assert_eq!(w.len(), self.weight_size(), "weight of {self:?}");
        assert_eq!(dx.len(), self.in_size(), "input gradient of {self:?}");
        if dx.is_empty() {
            return;
        }
        let dx = dx.as_mut_ptr().cast();
        if winograd::applies(self, isa) {
            winograd::backward_data(self, isa, dy, w, dx);
        } else if depthwise::applies(self) && depthwise::same(self) {
            depthwise::backward(self, isa, Backward { x: &[], dy, w, dx, dw: ptr::null_mut(), db: ptr::null_mut() });
        } else if depthwise::applies(self) {
            depthwise::any_backward_data(self, isa, dy, w, dx);
        } else {
            direct::backward_data(self, isa, dy, w, dx);
        }
    }

    /// The gradients of weight and, where wanted, bias. Every element of `dw` and `db` is written.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    pub fn backward_weight(
        &self,
        isa: Isa,
        x: &[f32],
        dy: &[f32],
        dw: &mut [MaybeUninit<f32>],
        db: Option<&mut [MaybeUninit<f32>]>,
    ) {
        self.check();
        assert_eq!(x.len(), self.in_size(), "input of {self:?}");
        assert_eq!(dy.len(), self.out_size(), "output gradient of {self:?}");
        assert_eq!(dw.len(), self.weight_size(), "weight gradient of {self:?}");
        let db = db.map_or(ptr::null_mut(), |db| {
            assert_eq!(db.len(), self.out_channels, "bias gradient of {self:?}");
            if self.out_size() == 0 {
                db.fill(MaybeUninit::new(0.0));
            }
            db.as_mut_ptr().cast()
        });
        if self.out_size() == 0 || dw.is_empty() {
            dw.fill(MaybeUninit::new(0.0));
            return;
        }
        let dw = dw.as_mut_ptr().cast();
        if winograd::applies(self, isa) {
            winograd::backward_weight(self, isa, x, dy, dw, db);
        } else if depthwise::applies(self) && depthwise::same(self) {
            depthwise::backward(self, isa, Backward { x, dy, w: &[], dx: ptr::null_mut(), dw, db });
        } else if depthwise::applies(self) {
            depthwise::any_backward_weight(self, isa, x, dy, dw, db);
        } else {
            direct_weight::backward_weight(self, isa, x, dy, dw, db);
        }
    }

    /// Whether [`Conv2d::backward_depthwise`] does this convolution in one pass over the output gradient.
    pub fn fuses_backward(&self) -> bool {
        depthwise::applies(self) && depthwise::same(self)
    }

    /// All gradients at once: what [`Conv2d::backward_data`] and [`Conv2d::backward_weight`] give, bit for bit. A
    /// depthwise 3x3 convolution of stride 1 reads its tensors only once this way.
    ///
    /// # Panics
    /// When a slice has not the length that the shape says.
    #[allow(clippy::too_many_arguments)]
    pub fn backward_depthwise(
        &self,
        isa: Isa,
        x: &[f32],
        dy: &[f32],
        w: &[f32],
        dx: &mut [MaybeUninit<f32>],
        dw: &mut [MaybeUninit<f32>],
        db: Option<&mut [MaybeUninit<f32>]>,
    ) {
        if !self.fuses_backward() || self.out_size() == 0 {
            self.backward_data(isa, dy, w, dx);
            self.backward_weight(isa, x, dy, dw, db);
            return;
        }
        self.check();
        assert_eq!(x.len(), self.in_size(), "input of {self:?}");
        assert_eq!(dy.len(), self.out_size(), "output gradient of {self:?}");
        assert_eq!(w.len(), self.weight_size(), "weight of {self:?}");
        assert_eq!(dx.len(), self.in_size(), "input gradient of {self:?}");
        assert_eq!(dw.len(), self.weight_size(), "weight gradient of {self:?}");
        let db = db.map_or(ptr::null_mut(), |db| {
            assert_eq!(db.len(), self.out_channels, "bias gradient of {self:?}");
            db.as_mut_ptr().cast()
        });
        let (dx, dw) = (dx.as_mut_ptr().cast(), dw.as_mut_ptr().cast());
        depthwise::backward(self, isa, Backward { x, dy, w, dx, dw, db });
    }
}
