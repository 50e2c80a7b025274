//! The convolutional long short-term memory over whole sequences of maps.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use ferrotype_kernels::recurrent::{ConvLstm, States};
use ferrotype_kernels::{Activation, Conv2d};

use super::lstm::{RecurrentWeights, step};
use super::native::{self, NativeOps};
use super::{Compute, conv2d};

/// The outputs of a convolutional LSTM for `x [batch, steps * channels, height, width]` (the channels of a step side by
/// side), from a state of zeros: `[batch, steps * filters, rows, columns]`, or `[batch, filters, rows, columns]` where
/// only the last state is wanted.
pub fn conv_lstm(
    compute: Compute,
    x: Tensor<4>,
    weights: RecurrentWeights,
    shape: &ConvLstm,
    states: States,
) -> Tensor<4> {
    match native::split(compute, x) {
        Ok((x, isa)) => {
            let bias = weights.bias.map_or_else(native::absent, Tensor::into_dispatch);
            let (input, recurrent) = (weights.input.into_dispatch(), weights.recurrent.into_dispatch());
            Tensor::from_dispatch(Dispatch::native_conv_lstm(x, input, recurrent, bias, *shape, states, isa))
        }
        Err(x) => burn(x, weights, shape, states),
    }
}

fn burn(x: Tensor<4>, weights: RecurrentWeights, shape: &ConvLstm, states: States) -> Tensor<4> {
    let ConvLstm { batch, steps, channels, height, width, filters, cell, .. } = *shape;
    let (rows, columns, gates) = (shape.out_height(), shape.out_width(), 4 * filters);
    let x = x.reshape([batch * steps, channels, height, width]);
    let conv = |x, weight, bias, shape: Conv2d| conv2d(Compute::Burn, x, weight, bias, Activation::None, &shape);
    let z = conv(x, weights.input, weights.bias, shape.input_conv(batch * steps));
    let z = z.reshape([batch, steps, gates, rows, columns]);
    let recurrent = shape.recurrent_conv(batch);
    let mut c = Tensor::<4>::zeros([batch, filters, rows, columns], &z.device());
    let mut outputs: Vec<Tensor<4>> = Vec::with_capacity(steps);
    for t in 0..steps {
        let s = z.clone().slice([0..batch, t..t + 1, 0..gates, 0..rows, 0..columns]);
        let mut s = s.reshape([batch, gates, rows, columns]);
        if let Some(h) = outputs.last() {
            s = s + conv(h.clone(), weights.recurrent.clone(), None, recurrent);
        }
        let part = |k: usize| s.clone().slice([0..batch, k * filters..(k + 1) * filters, 0..rows, 0..columns]);
        let [h, new] = step(cell, [part(0), part(1), part(2), part(3)], c);
        c = new;
        outputs.push(h);
    }
    match states {
        States::All => Tensor::cat(outputs, 1),
        States::Last => outputs.pop().unwrap_or(c),
    }
}
