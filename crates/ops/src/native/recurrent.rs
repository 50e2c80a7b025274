//! Long short-term memories over whole sequences.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::flex::FlexTensor;
use ferrotype_kernels::Isa;
use ferrotype_kernels::recurrent::{ConvLstm, ConvLstmTrace, Lstm, LstmTrace, States, Wants, Weights};

use super::{contiguous, optional, tensor, values};
use crate::profile::{Direction, Kind, timed};

/// Input, weights from the input and from the state, bias; all contiguous.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub x: FlexTensor,
    pub input: FlexTensor,
    pub recurrent: FlexTensor,
    pub bias: FlexTensor,
}

impl Inputs {
    pub fn new([x, input, recurrent, bias]: [FlexTensor; 4]) -> Self {
        let [x, input, recurrent, bias] = [x, input, recurrent, bias].map(contiguous);
        Self { x, input, recurrent, bias }
    }

    fn weights(&self) -> Weights<'_> {
        Weights { input: values(&self.input), recurrent: values(&self.recurrent), bias: optional(&self.bias) }
    }
}

/// How a call computes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<S> {
    pub shape: S,
    pub states: States,
    pub isa: Isa,
}

/// What the backward pass of an LSTM needs.
#[derive(Clone, Debug)]
pub(super) struct State {
    inputs: Inputs,
    mask: FlexTensor,
    outputs: FlexTensor,
    trace: LstmTrace,
    call: Call<Lstm>,
}

/// The output `[batch, steps or 1, hidden]`, and what the backward pass needs if it is to be kept.
pub(super) fn lstm(inputs: Inputs, mask: FlexTensor, call: Call<Lstm>, keep: bool) -> (FlexTensor, State) {
    let Lstm { batch, steps, hidden, .. } = call.shape;
    let mask = contiguous(mask);
    let forward = || call.shape.forward(call.isa, values(&inputs.x), inputs.weights(), optional(&mask), keep);
    let (outputs, trace) = timed(Kind::Recurrent(Direction::Forward), forward);
    let outputs = tensor(outputs, [batch, steps, hidden]);
    let y = match call.states {
        States::All => outputs.clone(),
        States::Last => {
            let sequences = values(&outputs).chunks_exact((steps * hidden).max(1));
            let last = sequences.flat_map(|s| s[(steps - 1) * hidden..].iter().copied()).collect();
            tensor(last, [batch, 1, hidden])
        }
    };
    (y, State { inputs, mask, outputs, trace, call })
}

/// Registers the gradients of input, both weights and bias.
pub(super) fn lstm_backward(state: State, parents: [Option<NodeId>; 4], dy: FlexTensor, grads: &mut Gradients) {
    let State { inputs, mask, outputs, trace, call } = state;
    let dy = contiguous(dy);
    let g = timed(Kind::Recurrent(Direction::Backward), || {
        let (x, outputs, mask) = (values(&inputs.x), values(&outputs), optional(&mask));
        let wants = wants(&parents);
        call.shape.backward(call.isa, x, inputs.weights(), mask, outputs, trace, values(&dy), call.states, wants)
    });
    let Lstm { batch, steps, inputs: width, .. } = call.shape;
    let x = g.x.map(|dx| tensor(dx, [batch, steps, width]));
    register(grads, parents, [x, flat(g.input), flat(g.recurrent), flat(g.bias)]);
}

/// What the backward pass of a convolutional LSTM needs.
#[derive(Clone, Debug)]
pub(super) struct ConvState {
    inputs: Inputs,
    trace: ConvLstmTrace,
    call: Call<ConvLstm>,
}

/// The output `[batch, (steps or 1) * filters, rows, columns]`, and what the backward pass needs if it is to be kept.
pub(super) fn conv_lstm(inputs: Inputs, call: Call<ConvLstm>, keep: bool) -> (FlexTensor, ConvState) {
    let keep = keep || call.states == States::All;
    let (y, trace) = timed(Kind::Recurrent(Direction::Forward), || {
        let trace = call.shape.forward(call.isa, values(&inputs.x), inputs.weights(), keep);
        (call.shape.outputs(&trace, call.states), trace)
    });
    let ConvLstm { batch, steps, filters, .. } = call.shape;
    let given = if call.states == States::All { steps } else { 1 };
    let y = tensor(y, [batch, given * filters, call.shape.out_height(), call.shape.out_width()]);
    (y, ConvState { inputs, trace, call })
}

/// Registers the gradients of input, both weights and bias.
pub(super) fn conv_lstm_backward(
    state: ConvState,
    parents: [Option<NodeId>; 4],
    dy: FlexTensor,
    grads: &mut Gradients,
) {
    let ConvState { inputs, trace, call } = state;
    let dy = contiguous(dy);
    let g = timed(Kind::Recurrent(Direction::Backward), || {
        let (x, dy, wants) = (values(&inputs.x), values(&dy), wants(&parents));
        call.shape.backward(call.isa, x, inputs.weights(), &trace, dy, call.states, wants)
    });
    let ConvLstm { batch, steps, channels, height, width, .. } = call.shape;
    let x = g.x.map(|dx| tensor(dx, [batch, steps * channels, height, width]));
    register(grads, parents, [x, flat(g.input), flat(g.recurrent), flat(g.bias)]);
}

fn wants([x, input, recurrent, bias]: &[Option<NodeId>; 4]) -> Wants {
    Wants { x: x.is_some(), input: input.is_some(), recurrent: recurrent.is_some(), bias: bias.is_some() }
}

fn flat(gradient: Option<Vec<f32>>) -> Option<FlexTensor> {
    gradient.map(|g| {
        let length = g.len();
        tensor(g, [length])
    })
}

fn register(grads: &mut Gradients, parents: [Option<NodeId>; 4], gradients: [Option<FlexTensor>; 4]) {
    for (id, gradient) in parents.into_iter().zip(gradients) {
        if let (Some(id), Some(gradient)) = (id, gradient) {
            grads.register::<Flex>(id, gradient);
        }
    }
}
