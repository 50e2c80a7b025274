//! Layers of tokens as ONNX nodes.

use super::writer::{Writer, float, integer, integers};
use ferrotype_model::layers::{Attention, PositionEmbedding};
use ferrotype_model::{Shape, StateTensor};

/// Normalisation over the last axis: input, weight, bias.
pub fn layer_norm(writer: &mut Writer, name: &str, inputs: &[&str], eps: f64) -> String {
    writer.node("LayerNormalization", name, inputs, vec![integer("axis", -1), float("epsilon", eps as f32)])
}

/// `x * (1 + erf(x / sqrt(2))) / 2`: the operator `Gelu` came with a later operator set.
pub fn gelu(writer: &mut Writer, name: &str, input: &str) -> String {
    let part = |k: &str| format!("{name}.{k}");
    let mut constant = |k: &str, value: f32| writer.floats(&part(k), &[], &[value]);
    let (root, one, half) = (constant("root", std::f32::consts::SQRT_2), constant("one", 1.0), constant("half", 0.5));
    let scaled = writer.node("Div", &part("scaled"), &[input, &root], Vec::new());
    let erf = writer.node("Erf", &part("erf"), &[&scaled], Vec::new());
    let raised = writer.node("Add", &part("raised"), &[&erf, &one], Vec::new());
    let twice = writer.node("Mul", &part("twice"), &[input, &raised], Vec::new());
    writer.node("Mul", name, &[&twice, &half], Vec::new())
}

/// `softmax(q k^T / sqrt(width)) v` of `input [batch, tokens, 3 * heads * width]`; `features` are those that go in.
pub fn attention(
    writer: &mut Writer,
    layer: &Attention,
    name: &str,
    input: &str,
    [tokens, features]: [usize; 2],
) -> String {
    let part = |k: &str| format!("{name}.{k}");
    let (heads, window) = (layer.heads, layer.among(tokens));
    let width = features / (3 * heads);
    let sizes = writer.integers(&part("sizes"), &[-1, window as i64, 3, heads as i64, width as i64]);
    let apart = writer.node("Reshape", &part("apart"), &[input, &sizes], Vec::new());
    let perm = |p: &[usize]| vec![integers("perm", p)];
    // [3, groups, heads, window, width]
    let all = writer.node("Transpose", &part("all"), &[&apart], perm(&[2, 0, 3, 1, 4]));
    let [q, k, v] = [("query", 0), ("key", 1), ("value", 2)].map(|(what, i)| {
        let index = writer.scalar(&part(&format!("{what}.index")), i);
        writer.node("Gather", &part(what), &[&all, &index], vec![integer("axis", 0)])
    });
    let scale = writer.floats(&part("scale"), &[], &[1.0 / (width as f32).sqrt()]);
    let q = writer.node("Mul", &part("query.scaled"), &[&q, &scale], Vec::new());
    let k = writer.node("Transpose", &part("key.transposed"), &[&k], perm(&[0, 1, 3, 2]));
    let scores = writer.node("MatMul", &part("scores"), &[&q, &k], Vec::new());
    let weights = writer.node("Softmax", &part("weights"), &[&scores], vec![integer("axis", -1)]);
    let taken = writer.node("MatMul", &part("taken"), &[&weights, &v], Vec::new());
    let taken = writer.node("Transpose", &part("by_token"), &[&taken], perm(&[0, 2, 1, 3]));
    let sizes = writer.integers(&part("together"), &[-1, tokens as i64, (features / 3) as i64]);
    writer.node("Reshape", name, &[&taken, &sizes], Vec::new())
}

/// Maps `[batch, channels, height, width]` as tokens, in blocks.
pub fn to_tokens(writer: &mut Writer, name: &str, input: &str, map: [usize; 3], block: [usize; 2]) -> String {
    let [channels, height, width] = map;
    let [rows, columns] = block;
    let apart = [channels, height / rows, rows, width / columns, columns];
    reorder(writer, name, input, &apart, &[0, 2, 4, 3, 5, 1], &[height * width, channels])
}

/// Tokens, in blocks, as maps `[batch, channels, height, width]`.
pub fn to_map(writer: &mut Writer, name: &str, input: &str, map: [usize; 3], block: [usize; 2]) -> String {
    let [channels, height, width] = map;
    let [rows, columns] = block;
    let apart = [height / rows, width / columns, rows, columns, channels];
    reorder(writer, name, input, &apart, &[0, 5, 1, 3, 2, 4], &map)
}

/// The values taken apart into these sizes behind the batch, their axes in another order, and put together again.
fn reorder(
    writer: &mut Writer,
    name: &str,
    input: &str,
    apart: &[usize],
    perm: &[usize],
    together: &[usize],
) -> String {
    // 0 keeps the batch, whatever its size.
    let sizes = |of: &[usize]| std::iter::once(0).chain(of.iter().map(|&v| v as i64)).collect::<Vec<_>>();
    let part = |k: &str| format!("{name}.{k}");
    let shape = writer.integers(&part("sizes"), &sizes(apart));
    let x = writer.node("Reshape", &part("apart"), &[input, &shape], Vec::new());
    let x = writer.node("Transpose", &part("transposed"), &[&x], vec![integers("perm", perm)]);
    let shape = writer.integers(&part("together"), &sizes(together));
    writer.node("Reshape", name, &[&x, &shape], Vec::new())
}

/// The token `token [features]` before those of `input [batch, tokens, features]`.
pub fn class_token(writer: &mut Writer, name: &str, input: &str, token: &str, features: usize) -> String {
    let part = |k: &str| format!("{name}.{k}");
    let shape = writer.node("Shape", &part("shape"), &[input], Vec::new());
    let first = writer.integers(&part("first"), &[0]);
    let batch = writer.node("Gather", &part("batch"), &[&shape, &first], vec![integer("axis", 0)]);
    let rest = writer.integers(&part("rest"), &[1, features as i64]);
    let sizes = writer.node("Concat", &part("sizes"), &[&batch, &rest], vec![integer("axis", 0)]);
    let tokens = writer.node("Expand", &part("tokens"), &[token, &sizes], Vec::new());
    writer.node("Concat", name, &[&tokens, input], vec![integer("axis", 1)])
}

/// What is learnt of each place, written for all tokens and features, added to `input`.
pub fn positions(
    writer: &mut Writer,
    layer: &PositionEmbedding,
    name: &str,
    input: &str,
    learnt: &StateTensor,
    shape: &Shape,
) -> anyhow::Result<String> {
    let [steps, features] = shape.sequence()?;
    let period = layer.period.unwrap_or(steps);
    let at = |i: usize| {
        let (place, feature) = (i / features % period, i % features);
        learnt.values[if layer.shared { place } else { place * features + feature }]
    };
    let values: Vec<f32> = (0..steps * features).map(at).collect();
    let all = writer.floats(&learnt.name, &[steps, features], &values);
    Ok(writer.node("Add", name, &[input, &all], Vec::new()))
}

/// One token of `input [batch, tokens, features]`.
pub fn take_token(writer: &mut Writer, name: &str, input: &str, index: usize) -> String {
    let index = writer.scalar(&format!("{name}.index"), index as i64);
    writer.node("Gather", name, &[input, &index], vec![integer("axis", 1)])
}
