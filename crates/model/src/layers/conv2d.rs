//! Two-dimensional convolution: dense, grouped, depthwise; any border.

use anyhow::{Result, ensure};
use ferrotype_kernels as kernels;

use super::padding::{PaddingRule, positions};
use super::{Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// How output channels relate to input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// So many output channels; inputs and outputs are divided into `groups` that do not see each other.
    Grouped {
        /// Output channels.
        out: usize,
        /// 1 for a dense convolution.
        groups: usize,
    },
    /// One filter per input channel.
    Depthwise,
}

/// A convolution. Weight `[out, in / groups, rows, columns]`, bias `[out]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    /// How output channels relate to input channels.
    pub channels: Channels,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// The border of zeros.
    pub padding: PaddingRule,
    /// Whether a bias is added, and how it begins.
    pub bias: Option<Initialiser>,
    /// How the weight begins.
    pub init: Initialiser,
    /// Coefficient of the L2 regulariser on the weight.
    pub l2: f32,
}

impl Conv2d {
    /// A dense convolution with square kernel, stride 1, no border, a bias of zeros, and Glorot's uniform weights.
    pub fn new(out: usize, kernel: usize) -> Self {
        Self::with(Channels::Grouped { out, groups: 1 }, kernel)
    }

    /// A depthwise convolution with square kernel.
    pub fn depthwise(kernel: usize) -> Self {
        Self::with(Channels::Depthwise, kernel)
    }

    /// A dense convolution over so many steps of a map `[channels, steps, width]`, all columns at once: to `[out, steps,
    /// 1]`. Zeros stand before the first step and behind the last; an even kernel looks one step further ahead than back.
    pub fn over_steps(out: usize, steps: usize, width: usize) -> Self {
        let before = steps.saturating_sub(1) / 2;
        let padding = kernels::Padding { top: before, bottom: steps.saturating_sub(1) - before, left: 0, right: 0 };
        Self { kernel: [steps, width], padding: PaddingRule::Explicit(padding), ..Self::new(out, 1) }
    }

    fn with(channels: Channels, kernel: usize) -> Self {
        Self {
            channels,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: PaddingRule::all(0),
            bias: Some(Initialiser::Constant(0.0)),
            init: Initialiser::GlorotUniform,
            l2: 0.0,
        }
    }

    /// Divides the channels into groups.
    pub fn groups(mut self, groups: usize) -> Self {
        if let Channels::Grouped { out, .. } = self.channels {
            self.channels = Channels::Grouped { out, groups };
        }
        self
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

    /// No bias.
    pub fn no_bias(mut self) -> Self {
        self.bias = None;
        self
    }

    /// A bias that begins so.
    pub fn bias(mut self, init: Initialiser) -> Self {
        self.bias = Some(init);
        self
    }

    /// How the weight begins.
    pub fn init(mut self, init: Initialiser) -> Self {
        self.init = init;
        self
    }

    /// Adds `coefficient * sum(weight^2)` to the loss (Keras' `kernel_regularizer`).
    pub fn l2(mut self, coefficient: f32) -> Self {
        self.l2 = coefficient;
        self
    }

    /// The full shape for a batch of inputs.
    pub fn resolve(&self, input: &Shape, batch: usize) -> Result<kernels::Conv2d> {
        let [in_channels, height, width] = input.map()?;
        let (out_channels, groups) = match self.channels {
            Channels::Grouped { out, groups } => (out, groups),
            Channels::Depthwise => (in_channels, in_channels),
        };
        let padding = self.padding.resolve([height, width], self.kernel, self.stride.map(|s| s.max(1)));
        Ok(kernels::Conv2d {
            batch,
            in_channels,
            height,
            width,
            out_channels,
            kernel: self.kernel,
            stride: self.stride,
            padding,
            groups,
        })
    }

    fn weight_shape(&self, shape: &kernels::Conv2d) -> Vec<usize> {
        vec![shape.out_channels, shape.in_channels / shape.groups, shape.kernel[0], shape.kernel[1]]
    }
}

impl Describe for Conv2d {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let c = self.resolve(&inputs[0], 1)?;
        ensure!(c.out_channels > 0, "has no output channels: ask for at least 1");
        ensure!(
            c.groups > 0 && c.in_channels % c.groups == 0 && c.out_channels % c.groups == 0,
            "cannot divide {} input and {} output channels into {} groups",
            c.in_channels,
            c.out_channels,
            c.groups
        );
        let [height, width] = positions([c.height, c.width], c.kernel, c.stride, c.padding)?;
        Ok(Shape::Map { channels: c.out_channels, height, width })
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok(shape) = self.resolve(&inputs[0], 1) else { return Vec::new() };
        let weight = ParameterSpec {
            name: "weight".into(),
            shape: self.weight_shape(&shape),
            role: Role::Weight,
            init: self.init,
            l2: self.l2,
        };
        let bias = self.bias.map(|init| ParameterSpec {
            name: "bias".into(),
            shape: vec![shape.out_channels],
            role: Role::Bias,
            init,
            l2: 0.0,
        });
        std::iter::once(weight).chain(bias).collect()
    }

    fn macs(&self, inputs: &[Shape], output: &Shape) -> u64 {
        let Ok(c) = self.resolve(&inputs[0], 1) else { return 0 };
        (output.len() * c.in_channels / c.groups * c.kernel[0] * c.kernel[1]) as u64
    }
}
