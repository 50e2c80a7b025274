//! Layers of sequences, and values side by side.

use anyhow::{Result, bail};
use burn::tensor::Tensor;
use ferrotype_kernels::recurrent::States;

use super::Value;
use crate::layers::Lstm;
use crate::lengths::Lengths;
use ferrotype_ops::{self as ops, Compute, RecurrentWeights};

/// The same layer for every step.
pub(super) fn each_step(x: Tensor<3>, layer: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<3> {
    let [batch, steps, features] = x.dims();
    let y = layer(x.reshape([batch * steps, features]));
    let [_, outputs] = y.dims();
    y.reshape([batch, steps, outputs])
}

/// The last step that is there.
pub(super) fn last(x: Tensor<3>, lengths: Option<&Lengths>) -> Tensor<2> {
    let [batch, steps, features] = x.dims();
    match lengths {
        Some(lengths) => lengths.last(x),
        None => x.narrow(1, steps - 1, 1).reshape([batch, features]),
    }
}

/// Zeros in place of padded steps.
pub(super) fn masked(x: Value, lengths: Option<&Lengths>) -> Result<Value> {
    Ok(match (x, lengths) {
        (x, None) => x,
        (Value::Map(x), Some(lengths)) => Value::Map(lengths.masked_map(x)),
        (x, Some(lengths)) => Value::Sequence(lengths.masked_sequence(x.sequence()?)),
    })
}

/// The mean of `x [batch, channels, steps, 1]` or `[batch, steps, features]` over the steps that are there.
pub(super) fn mean(x: Value, lengths: Option<&Lengths>) -> Result<Tensor<2>> {
    let sum = |x: Value| -> Result<(Tensor<2>, usize)> {
        Ok(match x {
            Value::Map(x) => {
                let [batch, channels, steps, _] = x.dims();
                (x.sum_dim(2).reshape([batch, channels]), steps)
            }
            x => {
                let x = x.sequence()?;
                let [batch, steps, features] = x.dims();
                (x.sum_dim(1).reshape([batch, features]), steps)
            }
        })
    };
    Ok(match lengths {
        None => {
            let (sum, steps) = sum(x)?;
            sum.div_scalar(steps as f64)
        }
        Some(lengths) => sum(masked(x, Some(lengths))?)?.0 / lengths.counts(),
    })
}

/// The vector at every step.
pub(super) fn repeat(x: Tensor<2>, steps: usize) -> Tensor<3> {
    let [batch, features] = x.dims();
    x.reshape([batch, 1, features]).repeat_dim(1, steps)
}

/// All steps' outputs, or the last one's, of a layer with these parameters. `mask` is the sequence that says what is
/// padding, `lengths` those of the sequences.
pub(super) fn lstm(
    compute: Compute,
    layer: &Lstm,
    x: Tensor<3>,
    mask: Option<Tensor<3>>,
    lengths: Option<&Lengths>,
    parameters: &[Tensor<1>],
) -> Value {
    let [batch, steps, _] = x.dims();
    let mask = mask.zip(layer.mask).map(|(source, padding)| {
        let real = source.not_equal_elem(padding).float().max_dim(2);
        real.reshape([batch, steps])
    });
    let mask = match (mask, lengths) {
        (Some(mask), Some(lengths)) => Some(mask * lengths.mask()),
        (mask, lengths) => mask.or_else(|| lengths.map(Lengths::mask)),
    };
    // PyTorch's two biases have one effect.
    let bias = parameters[2..].iter().cloned().reduce(|a, b| a + b);
    let weights = RecurrentWeights { input: parameters[0].clone(), recurrent: parameters[1].clone(), bias };
    let y = ops::lstm(compute, x, weights, mask, layer.hidden, layer.cell, layer.states);
    match layer.states {
        States::All => Value::Sequence(y),
        States::Last => Value::Vector(y.reshape([batch, layer.hidden])),
    }
}

/// Values of one kind, side by side.
pub(super) fn concat(mut values: impl Iterator<Item = Value>) -> Result<Value> {
    Ok(match values.next() {
        None => bail!("nothing to be joined"),
        Some(Value::Map(first)) => {
            let rest = values.map(Value::map).collect::<Result<Vec<_>>>()?;
            Value::Map(Tensor::cat([vec![first], rest].concat(), 1))
        }
        Some(Value::Sequence(first)) => {
            let rest = values.map(Value::sequence).collect::<Result<Vec<_>>>()?;
            Value::Sequence(Tensor::cat([vec![first], rest].concat(), 2))
        }
        Some(Value::Vector(first)) => {
            let rest = values.map(Value::vector).collect::<Result<Vec<_>>>()?;
            Value::Vector(Tensor::cat([vec![first], rest].concat(), 1))
        }
    })
}
