//! Each layer as ONNX nodes, in its form for inference. Dropout vanishes.

use anyhow::{Context, Result};
use ferrotype_kernels::{Activation, Padding};

use super::proto::AttributeProto;
use super::writer::{Writer, float, integer, integers};
use crate::model::{Graph, Layer, Network, Node};
use crate::ops::Window;

/// Writes the network's layers after the value `input` and returns the name of its logits.
pub fn lower(writer: &mut Writer, network: &Network, input: &str) -> Result<String> {
    write_constants(writer, network)?;
    let graph = network.graph();
    let mut names = vec![input.to_string()];
    for (id, node) in graph.nodes.iter().enumerate().skip(1) {
        let inputs: Vec<&str> = node.inputs.iter().map(|&i| names[i].as_str()).collect();
        let name = if id == graph.output() { "logits" } else { node.name.as_str() };
        let output = lower_node(writer, graph, node, name, &inputs).with_context(|| format!("layer {}", node.name))?;
        names.push(output);
    }
    let last = names.pop().unwrap_or_default();
    // Where the last layer vanished, its input gets the name that users look for.
    Ok(if last == "logits" { last } else { writer.node("Identity", "logits", &[&last], Vec::new()) })
}

/// Parameters and running statistics as constants under their own names.
fn write_constants(writer: &mut Writer, network: &Network) -> Result<()> {
    for tensor in network.state()? {
        writer.floats(&tensor.name, &tensor.shape, &tensor.values);
    }
    Ok(())
}

fn lower_node(writer: &mut Writer, graph: &Graph, node: &Node, name: &str, inputs: &[&str]) -> Result<String> {
    let shapes = graph.input_shapes(node);
    let parameters = graph.parameters[node.parameters.clone()].iter().map(|p| p.name.as_str());
    let constants: Vec<&str> = inputs.iter().copied().chain(parameters).collect();
    Ok(match &node.layer {
        Layer::Input(_) => inputs[0].into(),
        Layer::Dropout(_) => inputs[0].into(),
        Layer::Conv2d(layer) => {
            let conv = layer.resolve(&shapes[0], 1)?;
            let attributes = vec![
                integers("kernel_shape", &conv.kernel),
                integers("strides", &conv.stride),
                pads(&conv.padding),
                integer("group", conv.groups as i64),
            ];
            writer.node("Conv", name, &constants, attributes)
        }
        Layer::BatchNorm(layer) => {
            let buffers = graph.buffers[node.buffers.clone()].iter().map(|b| b.name.as_str());
            let all: Vec<&str> = constants.into_iter().chain(buffers).collect();
            writer.node("BatchNormalization", name, &all, vec![float("epsilon", layer.eps as f32)])
        }
        Layer::Activate(layer) => activation(writer, name, inputs[0], layer.0),
        Layer::MaxPool(layer) => writer.node("MaxPool", name, inputs, window_attributes(&layer.window(&shapes[0])?)),
        Layer::AvgPool(layer) => {
            let mut attributes = window_attributes(&layer.window(&shapes[0])?);
            attributes.push(integer("count_include_pad", i64::from(layer.count_padding)));
            writer.node("AveragePool", name, inputs, attributes)
        }
        Layer::GlobalAvgPool(_) => {
            let mean = writer.node("GlobalAveragePool", &format!("{name}.mean"), inputs, Vec::new());
            writer.node("Flatten", name, &[&mean], vec![integer("axis", 1)])
        }
        Layer::Flatten(_) => writer.node("Flatten", name, inputs, vec![integer("axis", 1)]),
        Layer::Linear(_) => writer.node("Gemm", name, &constants, vec![integer("transB", 1)]),
        Layer::Add(_) => writer.node("Add", name, inputs, Vec::new()),
    })
}

fn activation(writer: &mut Writer, name: &str, input: &str, activation: Activation) -> String {
    match activation {
        Activation::None => writer.node("Identity", name, &[input], Vec::new()),
        Activation::Relu => writer.node("Relu", name, &[input], Vec::new()),
        Activation::Relu6 => {
            let low = writer.floats(&format!("{name}.low"), &[], &[0.0]);
            let high = writer.floats(&format!("{name}.high"), &[], &[6.0]);
            writer.node("Clip", name, &[input, &low, &high], Vec::new())
        }
    }
}

fn window_attributes(window: &Window) -> Vec<AttributeProto> {
    vec![integers("kernel_shape", &window.kernel), integers("strides", &window.stride), pads(&window.padding)]
}

/// ONNX's order: all begins, then all ends.
fn pads(p: &Padding) -> AttributeProto {
    integers("pads", &[p.top, p.left, p.bottom, p.right])
}
