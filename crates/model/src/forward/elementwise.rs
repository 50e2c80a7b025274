//! Layers that treat each value or each example by itself, and gates of channels.

use anyhow::{Result, bail};
use ferrotype_base::random::{self, Purpose};
use ferrotype_kernels::activation::Function;
use ferrotype_ops::{self as ops, Compute};

use super::Value;

/// A function of every value.
pub(super) fn apply(compute: Compute, x: Value, function: Function) -> Value {
    match x {
        Value::Map(x) => Value::Map(ops::apply(compute, x, function)),
        Value::Sequence(x) => Value::Sequence(ops::apply(compute, x, function)),
        Value::Vector(x) => Value::Vector(ops::apply(compute, x, function)),
    }
}

/// Planes times their gates.
pub(super) fn scale_channels(compute: Compute, x: Value, gates: Option<Value>) -> Result<Value> {
    let Some(gates) = gates else { bail!("a layer of gates was given none") };
    Ok(Value::Map(ops::scale_channels(compute, x.map()?, gates.vector()?)))
}

/// Dropout with a key of pass and layer.
pub(super) fn dropout(compute: Compute, x: Value, rate: f32, key: u64, layer: usize) -> Value {
    let key = mask_key(key, layer);
    match x {
        Value::Map(x) => Value::Map(ops::dropout(compute, x, rate, key)),
        Value::Sequence(x) => Value::Sequence(ops::dropout(compute, x, rate, key)),
        Value::Vector(x) => Value::Vector(ops::dropout(compute, x, rate, key)),
    }
}

/// Stochastic depth with a key of pass and layer.
pub(super) fn drop_path(compute: Compute, x: Value, rate: f32, key: u64, layer: usize) -> Value {
    let key = mask_key(key, layer);
    match x {
        Value::Map(x) => Value::Map(ops::drop_path(compute, x, rate, key)),
        Value::Sequence(x) => Value::Sequence(ops::drop_path(compute, x, rate, key)),
        Value::Vector(x) => Value::Vector(ops::drop_path(compute, x, rate, key)),
    }
}

fn mask_key(key: u64, layer: usize) -> u64 {
    random::key(key, Purpose::Dropout, &[layer as u64])
}
