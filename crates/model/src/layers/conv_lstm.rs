//! The convolutional long short-term memory.

use anyhow::{Result, ensure};
use ferrotype_kernels::recurrent::{self as kernels, Cell, Gate, States};

use super::padding::{PaddingRule, positions};
use super::{Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// Keras' `ConvLSTM2D` (Shi et al., arXiv:1506.04214, without peepholes) over maps whose channels are those of so many
/// steps, one step after another. The convolution of the state keeps its size, whatever the border of the input's.
///
/// Parameters: `weight_ih [4 filters, channels, rows, columns]`, `weight_hh [4 filters, filters, rows, columns]`,
/// `bias [4 filters]`; gates in the order input, forget, candidate, output.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvLstm {
    /// Channels of the state.
    pub filters: usize,
    /// Rows and columns of both kernels.
    pub kernel: [usize; 2],
    /// The border of the input's convolution.
    pub padding: PaddingRule,
    /// Steps among the input's channels.
    pub steps: usize,
    /// Whether the states of all steps come out, or the last one.
    pub states: States,
    /// Functions of gates, candidate and state.
    pub cell: Cell,
    /// How the weight from the inputs begins.
    pub init: Initialiser,
    /// How the weight from the state begins.
    pub recurrent_init: Initialiser,
    /// How the bias begins.
    pub bias: Initialiser,
}

impl ConvLstm {
    /// Keras' defaults with sigmoid gates: square kernel, no border, the last state, Glorot's uniform and orthogonal
    /// weights, biases of zeros but for the forget gate's, which are 1.
    pub fn new(steps: usize, filters: usize, kernel: usize) -> Self {
        Self {
            filters,
            kernel: [kernel; 2],
            padding: PaddingRule::all(0),
            steps,
            states: States::Last,
            cell: Cell::default(),
            init: Initialiser::GlorotUniform,
            recurrent_init: Initialiser::Orthogonal,
            bias: Initialiser::ForgetGate(1.0),
        }
    }

    /// How the gates open.
    pub fn gate(mut self, gate: Gate) -> Self {
        self.cell.gate = gate;
        self
    }

    /// TensorFlow's SAME border around the input.
    pub fn same(mut self) -> Self {
        self.padding = PaddingRule::Same;
        self
    }

    /// The states of all steps come out, as channels, one step after another.
    pub fn all(mut self) -> Self {
        self.states = States::All;
        self
    }

    /// The full shape for a batch of inputs.
    pub fn resolve(&self, input: &Shape, batch: usize) -> Result<kernels::ConvLstm> {
        let [planes, height, width] = input.map()?;
        ensure!(
            self.steps > 0 && planes % self.steps == 0,
            "has {} steps, but its input is {input}: the channels must be those of every step, one step after another",
            self.steps
        );
        Ok(kernels::ConvLstm {
            batch,
            steps: self.steps,
            channels: planes / self.steps,
            height,
            width,
            filters: self.filters,
            kernel: self.kernel,
            padding: self.padding.resolve([height, width], self.kernel, [1, 1]),
            cell: self.cell,
        })
    }
}

impl Describe for ConvLstm {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let c = self.resolve(&inputs[0], 1)?;
        ensure!(c.filters > 0, "has no filters: ask for at least 1");
        let [height, width] = positions([c.height, c.width], c.kernel, [1, 1], c.padding)?;
        let steps = if self.states == States::All { self.steps } else { 1 };
        Ok(Shape::Map { channels: steps * self.filters, height, width })
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok(c) = self.resolve(&inputs[0], 1) else { return Vec::new() };
        let (gates, [rows, columns]) = (4 * self.filters, self.kernel);
        let spec = |name: &str, shape, role, init| ParameterSpec { name: name.into(), shape, role, init, l2: 0.0 };
        vec![
            spec("weight_ih", vec![gates, c.channels, rows, columns], Role::Weight, self.init),
            spec("weight_hh", vec![gates, self.filters, rows, columns], Role::Weight, self.recurrent_init),
            spec("bias", vec![gates], Role::Bias, self.bias),
        ]
    }

    fn macs(&self, inputs: &[Shape], output: &Shape) -> u64 {
        let (Ok(c), Ok([_, height, width])) = (self.resolve(&inputs[0], 1), output.map()) else { return 0 };
        let taps = (c.channels + c.filters) * c.kernel[0] * c.kernel[1];
        (self.steps * height * width * 4 * self.filters * taps) as u64
    }
}
