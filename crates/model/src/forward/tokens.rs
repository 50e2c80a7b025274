//! Layers of tokens.

use burn::tensor::Tensor;

use super::Value;
use crate::layers::PositionEmbedding;
use anyhow::Result;
use ferrotype_ops::{self as ops, Compute};

/// Layer normalisation of tokens or a vector.
pub(super) fn layer_norm(compute: Compute, x: Value, weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Result<Value> {
    Ok(match x {
        Value::Sequence(x) => Value::Sequence(ops::layer_norm(compute, x, weight, bias, eps)),
        x => Value::Vector(ops::layer_norm(compute, x.vector()?, weight, bias, eps)),
    })
}

/// GELU of anything.
pub(super) fn gelu(compute: Compute, x: Value) -> Value {
    match x {
        Value::Map(x) => Value::Map(ops::gelu(compute, x)),
        Value::Sequence(x) => Value::Sequence(ops::gelu(compute, x)),
        Value::Vector(x) => Value::Vector(ops::gelu(compute, x)),
    }
}

/// Adds what is learnt of each token's place.
pub(super) fn positions(compute: Compute, layer: &PositionEmbedding, x: Tensor<3>, learnt: Tensor<1>) -> Tensor<3> {
    let [_, steps, features] = x.dims();
    let period = layer.period.unwrap_or(steps);
    let row = if layer.shared || period < steps {
        let values = if layer.shared { 1 } else { features };
        learnt.reshape([1, period, values]).expand([steps / period, period, features]).reshape([steps * features])
    } else {
        learnt
    };
    ops::add_to_each(compute, x, row)
}

/// One token.
pub(super) fn take(x: Tensor<3>, index: usize) -> Tensor<2> {
    let [batch, _, features] = x.dims();
    x.narrow(1, index, 1).reshape([batch, features])
}
