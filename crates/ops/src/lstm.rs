//! The long short-term memory over whole sequences.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};
use ferrotype_kernels::recurrent::{Cell, Gate, Lstm, Squash, States};

use super::Compute;
use super::native::{self, NativeOps};

/// The values of a recurrent layer, flat. Rows stand gate by gate: input, forget, candidate, output.
pub struct RecurrentWeights {
    /// From the inputs: `[4 hidden, inputs]`, or `[4 filters, channels, rows, columns]`.
    pub input: Tensor<1>,
    /// From the state of the step before: `[4 hidden, hidden]`, or `[4 filters, filters, rows, columns]`.
    pub recurrent: Tensor<1>,
    /// Added to the gates: `[4 hidden]`.
    pub bias: Option<Tensor<1>>,
}

/// The outputs of an LSTM for `x [batch, steps, inputs]`, from a state of zeros: `[batch, steps, hidden]`, or `[batch,
/// 1, hidden]` where only the last state is wanted. Where `mask [batch, steps]` is 0 a step is padding: state and output
/// stay as they were.
pub fn lstm(
    compute: Compute,
    x: Tensor<3>,
    weights: RecurrentWeights,
    mask: Option<Tensor<2>>,
    hidden: usize,
    cell: Cell,
    states: States,
) -> Tensor<3> {
    let [batch, steps, inputs] = x.dims();
    match native::split(compute, x) {
        Ok((x, isa)) => {
            let shape = Lstm { batch, steps, inputs, hidden, cell };
            let bias = weights.bias.map_or_else(native::absent, Tensor::into_dispatch);
            let mask = mask.map_or_else(native::absent, Tensor::into_dispatch);
            let (input, recurrent) = (weights.input.into_dispatch(), weights.recurrent.into_dispatch());
            Tensor::from_dispatch(Dispatch::native_lstm(x, input, recurrent, bias, mask, shape, states, isa))
        }
        Err(x) => burn(x, weights, mask, hidden, cell, states),
    }
}

fn burn(
    x: Tensor<3>,
    weights: RecurrentWeights,
    mask: Option<Tensor<2>>,
    hidden: usize,
    cell: Cell,
    states: States,
) -> Tensor<3> {
    let [batch, steps, inputs] = x.dims();
    let device = x.device();
    let rows = 4 * hidden;
    let mut z = x.reshape([batch * steps, inputs]).matmul(weights.input.reshape([rows, inputs]).transpose());
    if let Some(bias) = weights.bias {
        z = z + bias.reshape([1, rows]);
    }
    let z = z.reshape([batch, steps, rows]);
    let recurrent = weights.recurrent.reshape([rows, hidden]).transpose();
    let mut h = Tensor::<2>::zeros([batch, hidden], &device);
    let mut c = Tensor::<2>::zeros([batch, hidden], &device);
    let mut outputs = Vec::with_capacity(steps);
    for t in 0..steps {
        let s = z.clone().slice([0..batch, t..t + 1, 0..rows]).reshape([batch, rows]);
        let s = s + h.clone().matmul(recurrent.clone());
        let part = |k: usize| s.clone().slice([0..batch, k * hidden..(k + 1) * hidden]);
        let [new_h, new_c] = step(cell, [part(0), part(1), part(2), part(3)], c.clone());
        (h, c) = match &mask {
            None => (new_h, new_c),
            Some(mask) => {
                let open = mask.clone().slice([0..batch, t..t + 1]);
                let shut = open.clone().neg().add_scalar(1.0);
                (new_h * open.clone() + h * shut.clone(), new_c * open + c * shut)
            }
        };
        outputs.push(h.clone().reshape([batch, 1, hidden]));
    }
    match states {
        States::All => Tensor::cat(outputs, 1),
        States::Last => h.reshape([batch, 1, hidden]),
    }
}

/// Output and state of a step, from the sums that enter its gates and the state before, with Burn's operations.
pub(super) fn step<const D: usize>(cell: Cell, [i, f, g, o]: [Tensor<D>; 4], before: Tensor<D>) -> [Tensor<D>; 2] {
    let c = gate(cell, f) * before + gate(cell, i) * squash(cell, g);
    [gate(cell, o) * squash(cell, c.clone()), c]
}

fn gate<const D: usize>(cell: Cell, x: Tensor<D>) -> Tensor<D> {
    match cell.gate {
        Gate::Sigmoid => activation::sigmoid(x),
        Gate::HardSigmoid => x.mul_scalar(0.2).add_scalar(0.5).clamp(0.0, 1.0),
    }
}

fn squash<const D: usize>(cell: Cell, x: Tensor<D>) -> Tensor<D> {
    match cell.squash {
        Squash::Tanh => activation::tanh(x),
        Squash::Relu => activation::relu(x),
    }
}
