//! The long short-term memory.

use anyhow::{Result, ensure};
use ferrotype_kernels::recurrent::{Cell, Gate, Squash, States};

use super::{Describe, ParameterSpec, Role, Shape};
use crate::init::Initialiser;

/// A long short-term memory over a sequence, computed as one operation. Gates stand in the order input, forget,
/// candidate, output, as in PyTorch and Keras.
///
/// Weights are named as PyTorch's: `weight_ih [4 hidden, inputs]`, `weight_hh [4 hidden, hidden]`, `bias_ih` and, where
/// there are two, `bias_hh [4 hidden]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lstm {
    /// Values of the state.
    pub hidden: usize,
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
    /// Whether a second bias is added, as in PyTorch, and how it begins.
    pub second_bias: Option<Initialiser>,
    /// Steps of the layer's second input whose features all equal this are padding: state and output stay as they were
    /// (Keras' `Masking`). Without it there is no second input.
    pub mask: Option<f32>,
}

impl Lstm {
    /// PyTorch's `nn.LSTM`: everything uniform in +-1/sqrt(hidden), two biases.
    pub fn pytorch(hidden: usize) -> Self {
        let uniform = Initialiser::pytorch_linear(hidden);
        Self {
            hidden,
            states: States::All,
            cell: Cell::default(),
            init: uniform,
            recurrent_init: uniform,
            bias: uniform,
            second_bias: Some(uniform),
            mask: None,
        }
    }

    /// Keras' `LSTM`: Glorot's uniform and orthogonal weights, one bias of zeros but for the forget gate's, which are 1.
    pub fn keras(hidden: usize) -> Self {
        Self {
            init: Initialiser::GlorotUniform,
            recurrent_init: Initialiser::Orthogonal,
            bias: Initialiser::ForgetGate(1.0),
            second_bias: None,
            ..Self::pytorch(hidden)
        }
    }

    /// Only the last state comes out.
    pub fn last(mut self) -> Self {
        self.states = States::Last;
        self
    }

    /// Candidate and state pass through ReLU instead of the hyperbolic tangent.
    pub fn relu(mut self) -> Self {
        self.cell.squash = Squash::Relu;
        self
    }

    /// Gates open by Keras' old `hard_sigmoid`.
    pub fn hard_sigmoid(mut self) -> Self {
        self.cell.gate = Gate::HardSigmoid;
        self
    }

    /// Biases begin at zero, but for those of the forget gate, which begin at `value` (TensorFlow's `forget_bias`).
    pub fn forget_bias(mut self, value: f32) -> Self {
        self.bias = Initialiser::ForgetGate(value);
        self.second_bias = self.second_bias.map(|_| Initialiser::Constant(0.0));
        self
    }

    /// Takes a second input whose steps of nothing but `value` are padding.
    pub fn mask(mut self, value: f32) -> Self {
        self.mask = Some(value);
        self
    }
}

impl Describe for Lstm {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape> {
        let [steps, _] = inputs[0].sequence()?;
        ensure!(self.hidden > 0, "has a state of 0 values: ask for at least 1");
        ensure!(
            (inputs.len() == 2) == self.mask.is_some(),
            "takes a second input, which says what is padding, exactly when it has a mask value"
        );
        if let Some(source) = inputs.get(1) {
            let [other, _] = source.sequence()?;
            ensure!(other == steps, "takes {steps} steps, but its mask has {other}");
        }
        Ok(match self.states {
            States::All => Shape::Sequence { steps, features: self.hidden },
            States::Last => Shape::Vector(self.hidden),
        })
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let Ok([_, features]) = inputs[0].sequence() else { return Vec::new() };
        let rows = 4 * self.hidden;
        let spec = |name: &str, shape, role, init| ParameterSpec { name: name.into(), shape, role, init, l2: 0.0 };
        let mut all = vec![
            spec("weight_ih", vec![rows, features], Role::Weight, self.init),
            spec("weight_hh", vec![rows, self.hidden], Role::Weight, self.recurrent_init),
            spec("bias_ih", vec![rows], Role::Bias, self.bias),
        ];
        all.extend(self.second_bias.map(|init| spec("bias_hh", vec![rows], Role::Bias, init)));
        all
    }

    fn macs(&self, inputs: &[Shape], _output: &Shape) -> u64 {
        let Ok([steps, features]) = inputs[0].sequence() else { return 0 };
        (steps * 4 * self.hidden * (features + self.hidden)) as u64
    }
}
