//! Networks of features rather than pictures as ONNX files: no preprocessing, no class scores, and, where nothing in the
//! network fixes it, any number of steps.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, ensure};
use burn::tensor::{Tensor, TensorData};
use ferrotype_kernels::recurrent::Cell;
use prost::Message;

use super::layers;
use super::lengths::Lengths;
use super::model;
use super::verify::RUNTIME;
use super::writer::Writer;
use ferrotype_model::layers::PaddingRule;
use ferrotype_model::{Graph, Layer, Network, Shape};

/// The network as the bytes of an ONNX file from `features [batch, channels, height, width]` to `outputs`.
///
/// Where every layer works step by step the height, which is the number of steps, is free. Where the network ends in a
/// flattened sequence, `outputs` is the sequence itself: `[batch, steps, features]`.
///
/// With `lengths`, a second input `lengths [batch]` says how many steps of each example are there.
///
/// # Errors
/// When a layer has no ONNX form, or would mix padding with what is there.
pub fn features_to_onnx(network: &Network, properties: BTreeMap<String, String>, lengths: bool) -> Result<Vec<u8>> {
    let graph = network.graph();
    let [channels, height, width] = graph.input;
    let free = steps_are_free(graph);
    let steps = (!free).then_some(height);
    let mut writer = Writer::default();
    writer.input_of("features", &[Some(channels), steps, Some(width)], "What the network takes, as it takes it");
    let lengths = lengths.then(|| Lengths::lower(&mut writer, graph, "features")).transpose()?;
    let lowered = layers::lower_nodes(&mut writer, network, "features", "logits", lengths.as_ref())?;
    let last = lowered.last().cloned().unwrap_or_default();
    match flattened(graph) {
        Some((node, [own, features])) => {
            writer.node("Identity", "outputs", &[&lowered[node]], Vec::new());
            // a vector at every step may have been made of a sequence of fixed length
            let steps = if free { None } else { Some(own) };
            writer.output_of("outputs", &[steps, Some(features)], "What the network gives, step by step");
        }
        None => {
            writer.node("Identity", "outputs", &[&last], Vec::new());
            writer.output("outputs", &[graph.classes], "What the network gives");
        }
    }
    let what = format!("{}: features of {channels}x{height}x{width}", graph.name);
    Ok(model(writer, graph, what, properties).encode_to_vec())
}

/// The sequence behind a flattening at the end, with its shape.
fn flattened(graph: &Graph) -> Option<(usize, [usize; 2])> {
    let node = &graph.nodes[graph.output()];
    let source = *node.inputs.first()?;
    let shape = graph.nodes[source].shape.sequence().ok()?;
    matches!(node.layer, Layer::Flatten(_)).then_some((source, shape))
}

/// Whether no layer fixes the number of steps.
fn steps_are_free(graph: &Graph) -> bool {
    graph.nodes.iter().enumerate().skip(1).all(|(id, node)| match &node.layer {
        Layer::ToSequence(_) | Layer::LastStep(_) => true,
        // With other functions it is written step by step.
        Layer::Lstm(layer) => layer.cell == Cell::default(),
        Layer::Slice(_) | Layer::MaskSteps(_) | Layer::MeanSteps(_) | Layer::Activate(_) | Layer::Apply(_) => true,
        Layer::Dropout(_) | Layer::DropPath(_) => true,
        Layer::Conv2d(conv) => conv.stride[0] == 1 && conv.padding != PaddingRule::Same,
        Layer::Flatten(_) => id == graph.output(),
        Layer::Repeat(_) | Layer::Attention(_) | Layer::PositionEmbedding(_) | Layer::ToMap(_) => false,
        _ => !node.inputs.iter().any(|&i| matches!(graph.nodes[i].shape, Shape::Map { .. })),
    })
}

/// Runs such a file in a second runtime on `batch` examples: the largest difference from the network, divided by the
/// range of the network's outputs. Where the file takes lengths, `valid` has those of the examples; else it is empty.
///
/// # Errors
/// When the file cannot be run, or a side's outputs are not finite.
pub fn verify_features(
    bytes: Vec<u8>,
    network: &Network,
    batch: usize,
    features: Vec<f32>,
    valid: &[u32],
) -> Result<f64> {
    let [channels, height, width] = network.graph().input;
    let shape = [batch, channels, height, width];
    ensure!(features.len() == shape.iter().product::<usize>(), "{} values for {shape:?}", features.len());
    let file = rten::Model::load(bytes).map_err(|e| anyhow!("{RUNTIME} cannot load the ONNX file: {e}"))?;
    let value = rten::Value::from_shape(&shape, features.clone()).map_err(|e| anyhow!("{e}"))?;
    let id = |name: &str| file.node_id(name).map_err(|e| anyhow!("the ONNX file has no value `{name}`: {e}"));
    let mut inputs = vec![(id("features")?, value.into())];
    if !valid.is_empty() {
        let lengths: Vec<i32> = valid.iter().map(|&v| v as i32).collect();
        let lengths = rten::Value::from_shape(&[batch], lengths).map_err(|e| anyhow!("{e}"))?;
        inputs.push((id("lengths")?, lengths.into()));
    }
    let outputs =
        file.run(inputs, &[id("outputs")?], None).map_err(|e| anyhow!("{RUNTIME} cannot run the ONNX file: {e}"))?;
    let theirs = outputs.into_iter().next().ok_or_else(|| anyhow!("the ONNX file gives nothing"))?;
    let theirs: Vec<f32> = match theirs {
        rten::Value::FloatTensor(t) => t.into_data().to_vec(),
        _ => return Err(anyhow!("the ONNX file gives no numbers")),
    };
    let x = Tensor::<4>::from_data(TensorData::new(features, shape), network.device());
    let ours: Vec<f32> = network.forward_lengths(x, valid)?.try_into_data()?.try_into_vec()?;
    ensure!(ours.len() == theirs.len(), "the ONNX file gives {} values, the network {}", theirs.len(), ours.len());
    ensure!(ours.iter().chain(&theirs).all(|v| v.is_finite()), "{} gives no finite numbers", network.graph().name);
    let (low, high) = ours.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    Ok(if worst == 0.0 { 0.0 } else { f64::from(worst) / f64::from(high - low) })
}

#[cfg(test)]
mod tests;
