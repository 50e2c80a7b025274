//! The network's part of a file in 16-bit floats. Pictures, preprocessing, logits and softmax stay in 32 bits.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use half::f16;

use crate::export::Body;
use crate::export::proto::{ModelProto, NodeProto, TensorProto};
use crate::export::writer::integer;

const F32: i32 = 1;
const F16: i32 = 10;

/// The file with the network's constants and values as 16-bit floats.
///
/// # Errors
/// When a constant is beyond what they hold (65504).
pub fn convert(mut model: ModelProto, body: &Body) -> Result<ModelProto> {
    let graph = model.graph.as_mut().context("the file has no graph")?;
    let (before, network) = graph.node.split_at(body.first);
    let (layers, after): (Vec<_>, Vec<_>) = network.iter().cloned().partition(|node| node.output != ["probabilities"]);
    let kept: HashSet<&String> = before.iter().flat_map(|node| &node.input).collect();
    let used: HashSet<&String> = layers.iter().flat_map(|node| &node.input).collect();
    for tensor in &mut graph.initializer {
        if tensor.data_type == Some(F32) && used.contains(&tensor.name) {
            // A constant of both parts would need two forms; the preprocessing's have names of their own.
            ensure!(!kept.contains(&tensor.name), "the constant {} has two uses", tensor.name);
            to_half(tensor)?;
        }
    }
    let mut nodes = before.to_vec();
    let half = format!("{}.half", body.input);
    nodes.push(cast(&body.input, &half, F16));
    nodes.extend(layers.into_iter().map(|node| halved(node, &body.input, &half)));
    nodes.push(cast("logits.half", "logits", F32));
    nodes.extend(after);
    graph.node = nodes;
    Ok(model)
}

fn cast(from: &str, to: &str, kind: i32) -> NodeProto {
    NodeProto {
        input: vec![from.into()],
        output: vec![to.into()],
        name: format!("{to}.cast"),
        op_type: "Cast".into(),
        attribute: vec![integer("to", i64::from(kind))],
    }
}

/// A layer's node, taking and giving what is in half precision.
fn halved(mut node: NodeProto, input: &str, half: &str) -> NodeProto {
    for name in node.input.iter_mut().filter(|name| *name == input) {
        half.clone_into(name);
    }
    for name in node.input.iter_mut().chain(&mut node.output).filter(|name| *name == "logits") {
        "logits.half".clone_into(name);
    }
    if node.op_type == "Cast" {
        let to_float = node.attribute.iter_mut().filter(|a| a.name == "to" && a.i == Some(i64::from(F32)));
        to_float.for_each(|a| a.i = Some(i64::from(F16)));
    }
    node
}

fn to_half(tensor: &mut TensorProto) -> Result<()> {
    let mut raw = Vec::with_capacity(tensor.raw_data.len() / 2);
    for bytes in tensor.raw_data.chunks_exact(4) {
        let value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let half = f16::from_f32(value);
        ensure!(half.is_finite(), "{} holds {value:e}, and 16-bit floats end at 65504", tensor.name);
        raw.extend(half.to_le_bytes());
    }
    (tensor.data_type, tensor.raw_data) = (Some(F16), raw);
    Ok(())
}
