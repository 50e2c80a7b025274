//! Convolutions and linear layers in 8-bit integers, in ONNX's QDQ form: pairs of QuantizeLinear and DequantizeLinear stand where
//! numbers are rounded, and a runtime with integer kernels puts those in their place.
//!
//! Values are unsigned with one scale each, by their range; weights are signed with a scale per output channel (Jacob et al.,
//! arXiv:1712.05877; Krishnamoorthi, arXiv:1806.08342). Weights use 7 of the 8 bits: products of two are added in 16 bits by processors
//! without VNNI, which would overflow, and the file's accuracy would depend on the processor.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};

use crate::export::Body;
use crate::export::proto::{GraphProto, NodeProto, TensorProto};
use crate::export::writer::integer;

const F32: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;
const INT32: i32 = 6;

/// The largest weight after rounding.
const LARGEST_WEIGHT: f32 = 63.0;

/// The values that are rounded: what convolutions and linear layers take, and what they give (behind a ReLU, where one follows),
/// but for the network's outputs.
pub fn values(graph: &GraphProto, body: &Body) -> Vec<String> {
    let mut seen = HashSet::from([body.output.to_owned()]);
    let nodes = &graph.node[body.first..];
    let weighted = nodes.iter().filter(|node| is_weighted(graph, node));
    let ends = weighted.flat_map(|node| [node.input[0].clone(), end(nodes, &node.output[0])]);
    ends.filter(|name| seen.insert(name.clone())).collect()
}

/// Rounds these values, and the weights of all convolutions and linear layers. `ranges` has every name of [`values`].
///
/// # Errors
/// When a range is missing.
pub fn quantise(graph: &mut GraphProto, body: &Body, ranges: &HashMap<String, [f32; 2]>) -> Result<()> {
    let mut rest = graph.node.split_off(body.first);
    for node in &mut rest {
        if !is_weighted(graph, node) {
            continue;
        }
        let (scale, _) = spread(*ranges.get(&node.input[0]).context("a value without a range")?);
        let scales = weights(graph, node)?;
        if node.input.len() > 2 {
            let scales: Vec<f32> = scales.iter().map(|s| s * scale).collect();
            bias(graph, node, &scales)?;
        }
        graph.node.extend(node.input[1..].iter().map(|name| restored(name.trim_end_matches(RESTORED))));
    }
    let mut pairs: HashMap<String, [NodeProto; 2]> = HashMap::new();
    for (name, range) in ranges {
        pairs.insert(name.clone(), pair(graph, name, *range));
    }
    // Constants do not depend on the order of a table.
    graph.initializer.sort_by(|a, b| a.name.cmp(&b.name));
    graph.node.extend(pairs.remove(&body.input).into_iter().flatten());
    for mut node in rest {
        let rounded = node.input.iter_mut().filter(|name| ranges.contains_key(*name));
        rounded.for_each(|name| name.push_str(RESTORED));
        let output = node.output.first().cloned();
        graph.node.push(node);
        graph.node.extend(output.and_then(|name| pairs.remove(&name)).into_iter().flatten());
    }
    let used: HashSet<String> = graph.node.iter().flat_map(|node| node.input.clone()).collect();
    graph.initializer.retain(|tensor| used.contains(&tensor.name));
    Ok(())
}

/// What follows a name where its rounded number is one of 32 bits again.
const RESTORED: &str = ".restored";

fn is_weighted(graph: &GraphProto, node: &NodeProto) -> bool {
    let constant = |name: &String| graph.constant(name).is_some_and(|t| t.data_type == Some(F32));
    matches!(node.op_type.as_str(), "Conv" | "Gemm") && node.input[1..].iter().all(constant)
}

/// The value that is rounded of one that a layer gives: what a ReLU makes of it, where nothing else takes it.
fn end(nodes: &[NodeProto], name: &str) -> String {
    let mut takers = nodes.iter().filter(|node| node.input.iter().any(|input| input == name));
    match (takers.next(), takers.next()) {
        (Some(node), None) if matches!(node.op_type.as_str(), "Relu" | "Clip") => node.output[0].clone(),
        _ => name.to_owned(),
    }
}

/// Scale and zero point of unsigned 8-bit integers over a range that holds 0.
fn spread([low, high]: [f32; 2]) -> (f32, u8) {
    let scale = (high - low) / 255.0;
    if scale > f32::MIN_POSITIVE { (scale, (-low / scale).round_ties_even().clamp(0.0, 255.0) as u8) } else { (1.0, 0) }
}

/// Rounds a value and restores it.
fn pair(graph: &mut GraphProto, name: &str, range: [f32; 2]) -> [NodeProto; 2] {
    let (scale, zero) = spread(range);
    constant(graph, &scale_of(name), &[], F32, scale.to_le_bytes().to_vec());
    constant(graph, &zero_of(name), &[], UINT8, vec![zero]);
    let rounded = format!("{name}.rounded");
    let node = |op: &str, from: &str, to: &str| NodeProto {
        input: vec![from.into(), scale_of(name), zero_of(name)],
        output: vec![to.into()],
        name: to.into(),
        op_type: op.into(),
        attribute: Vec::new(),
    };
    [node("QuantizeLinear", name, &rounded), node("DequantizeLinear", &rounded, &format!("{name}{RESTORED}"))]
}

/// Rounds the weights of a layer `[outputs, ...]`; gives the scales of its outputs.
fn weights(graph: &mut GraphProto, node: &mut NodeProto) -> Result<Vec<f32>> {
    let name = node.input[1].clone();
    let (shape, values) = floats(graph, &name)?;
    let outputs = shape[0] as usize;
    let each = values.len() / outputs.max(1);
    let rows = || values.chunks_exact(each.max(1));
    let scale = |row: &[f32]| {
        let largest = row.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        if largest > f32::MIN_POSITIVE { largest / LARGEST_WEIGHT } else { 1.0 }
    };
    let scales: Vec<f32> = rows().map(scale).collect();
    let round = |(row, scale): (&[f32], &f32)| {
        row.iter().map(|v| (v / scale).round_ties_even().clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT) as i8 as u8).collect()
    };
    let rounded: Vec<Vec<u8>> = rows().zip(&scales).map(round).collect();
    store(graph, &name, &shape, INT8, rounded.concat(), &scales, vec![0; outputs]);
    node.input[1] = format!("{name}{RESTORED}");
    Ok(scales)
}

/// Rounds a layer's biases in the scales of its sums.
fn bias(graph: &mut GraphProto, node: &mut NodeProto, scales: &[f32]) -> Result<()> {
    let name = node.input[2].clone();
    let (shape, values) = floats(graph, &name)?;
    let round = |(v, scale): (&f32, &f32)| (f64::from(*v) / f64::from(*scale)).round_ties_even() as i32;
    let rounded = values.iter().zip(scales).flat_map(|pair| round(pair).to_le_bytes()).collect();
    store(graph, &name, &shape, INT32, rounded, scales, vec![0; 4 * values.len()]);
    node.input[2] = format!("{name}{RESTORED}");
    Ok(())
}

fn floats(graph: &GraphProto, name: &str) -> Result<(Vec<i64>, Vec<f32>)> {
    let tensor = graph.constant(name).with_context(|| format!("there is no constant {name}"))?;
    let values = tensor.raw_data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok((tensor.dims.clone(), values))
}

/// A rounded constant with a scale per output.
fn store(
    graph: &mut GraphProto,
    name: &str,
    shape: &[i64],
    kind: i32,
    rounded: Vec<u8>,
    scales: &[f32],
    zeros: Vec<u8>,
) {
    let outputs = [scales.len() as i64];
    constant(graph, &format!("{name}.rounded"), shape, kind, rounded);
    constant(graph, &scale_of(name), &outputs, F32, scales.iter().flat_map(|s| s.to_le_bytes()).collect());
    constant(graph, &zero_of(name), &outputs, kind, zeros);
}

/// The node that restores a rounded constant.
fn restored(name: &str) -> NodeProto {
    let output = format!("{name}{RESTORED}");
    NodeProto {
        input: vec![format!("{name}.rounded"), scale_of(name), zero_of(name)],
        output: vec![output.clone()],
        name: output,
        op_type: "DequantizeLinear".into(),
        attribute: vec![integer("axis", 0)],
    }
}

fn constant(graph: &mut GraphProto, name: &str, shape: &[i64], kind: i32, raw_data: Vec<u8>) {
    graph.initializer.push(TensorProto { dims: shape.to_vec(), data_type: Some(kind), name: name.into(), raw_data });
}

fn scale_of(name: &str) -> String {
    format!("{name}.scale")
}

fn zero_of(name: &str) -> String {
    format!("{name}.zero_point")
}

impl GraphProto {
    /// The constant of this name.
    fn constant(&self, name: &str) -> Option<&TensorProto> {
        self.initializer.iter().find(|tensor| tensor.name == name)
    }
}
