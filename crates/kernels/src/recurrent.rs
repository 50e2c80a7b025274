//! Recurrent cells over whole sequences: the long short-term memory (Hochreiter and Schmidhuber 1997, with Gers' forget
//! gate) and its convolutional form (Shi et al., arXiv:1506.04214), without peepholes.
//!
//! A call computes a whole sequence, and its backward pass is written by hand: backpropagation through time. Gates stand
//! in PyTorch's and Keras' order: input, forget, candidate, output.

mod cell;
mod conv_backward;
mod conv_lstm;
mod lstm;
mod lstm_backward;
mod rows;

pub use cell::{Cell, Gate, Squash};
pub use conv_lstm::{ConvLstm, ConvLstmGradients, ConvLstmTrace};
pub use lstm::{Lstm, LstmGradients, LstmTrace};

/// The values of a recurrent layer. Rows stand gate by gate: input, forget, candidate, output.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// From the inputs: `[4 hidden, inputs]`, or `[4 filters, channels, rows, columns]`.
    pub input: &'a [f32],
    /// From the last step's state: `[4 hidden, hidden]`, or `[4 filters, filters, rows, columns]`.
    pub recurrent: &'a [f32],
    /// Added to the gates: `[4 hidden]`.
    pub bias: Option<&'a [f32]>,
}

/// Which gradients a backward pass shall give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// That of the inputs.
    pub x: bool,
    /// That of the weight from the inputs.
    pub input: bool,
    /// That of the weight from the state.
    pub recurrent: bool,
    /// That of the bias.
    pub bias: bool,
}

impl Wants {
    /// All of them.
    pub fn all() -> Self {
        Self { x: true, input: true, recurrent: true, bias: true }
    }
}

/// Which states a layer gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum States {
    /// Those of all steps.
    All,
    /// That of the last step.
    Last,
}
