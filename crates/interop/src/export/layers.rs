//! Each layer as ONNX nodes, in its form for inference. Dropout and stochastic depth vanish.

use std::collections::HashMap;

use anyhow::{Context, Result};
use ferrotype_kernels::{Activation, Padding};

use super::cosine::cosine_linear;
use super::gates;
use super::lengths::Lengths;
use super::proto::AttributeProto;
use super::recurrent;
use super::tokens;
use super::writer::{Writer, float, integer, integers};
use ferrotype_model::{Graph, Layer, Network, Node, Shape, StateTensor};
use ferrotype_ops::Window;

/// What a file itself calls its inputs and outputs: no layer's output may have such a name.
const VALUES: [&str; 6] = ["pixels", "features", "lengths", "logits", "probabilities", "outputs"];

/// Writes the network's layers after the value `input`, the last one's output under the name `output`.
pub fn lower(writer: &mut Writer, network: &Network, input: &str, output: &str) -> Result<()> {
    let last = lower_nodes(writer, network, input, output, None)?.pop().unwrap_or_default();
    // Where the last layer vanished, its input gets the name.
    if last != output {
        writer.node("Identity", output, &[&last], Vec::new());
    }
    Ok(())
}

/// Writes the network's layers after the value `input` and returns the names of all their outputs; the last layer's is to be
/// `output`.
///
/// # Errors
/// When a layer has no ONNX form.
pub fn lower_nodes(
    writer: &mut Writer,
    network: &Network,
    input: &str,
    output: &str,
    lengths: Option<&Lengths>,
) -> Result<Vec<String>> {
    let graph = network.graph();
    let state: HashMap<String, StateTensor> = network.state()?.into_iter().map(|t| (t.name.clone(), t)).collect();
    write_constants(writer, graph, &state);
    let mut names = vec![input.to_string()];
    for (id, node) in graph.nodes.iter().enumerate().skip(1) {
        let inputs: Vec<&str> = node.inputs.iter().map(|&i| names[i].as_str()).collect();
        let name = match node.name.as_str() {
            _ if id == graph.output() => output.to_owned(),
            taken if VALUES.contains(&taken) => format!("layer.{taken}"),
            name => name.to_owned(),
        };
        let place = || format!("layer {}", node.name);
        let lengths = lengths.filter(|l| l.concern(node));
        names.push(lower_node(writer, graph, node, &name, &inputs, &state, lengths).with_context(place)?);
    }
    Ok(names)
}

/// Parameters and running statistics as constants under their own names; not those of layers that write them in another
/// order.
fn write_constants(writer: &mut Writer, graph: &Graph, state: &HashMap<String, StateTensor>) {
    let written_apart =
        |node: &&Node| matches!(node.layer, Layer::Lstm(_) | Layer::PositionEmbedding(_) | Layer::CosineLinear(_));
    for node in graph.nodes.iter().filter(|node| !written_apart(node)) {
        let parameters = graph.parameters[node.parameters.clone()].iter().map(|p| &p.name);
        let buffers = graph.buffers[node.buffers.clone()].iter().map(|b| &b.name);
        for tensor in parameters.chain(buffers).filter_map(|name| state.get(name)) {
            writer.floats(&tensor.name, &tensor.shape, &tensor.values);
        }
    }
}

fn lower_node(
    writer: &mut Writer,
    graph: &Graph,
    node: &Node,
    name: &str,
    inputs: &[&str],
    state: &HashMap<String, StateTensor>,
    lengths: Option<&Lengths>,
) -> Result<String> {
    let shapes = graph.input_shapes(node);
    let parameters = graph.parameters[node.parameters.clone()].iter().map(|p| p.name.as_str());
    let constants: Vec<&str> = inputs.iter().copied().chain(parameters).collect();
    Ok(match &node.layer {
        Layer::Input(_) => inputs[0].into(),
        Layer::Dropout(_) | Layer::DropPath(_) => inputs[0].into(),
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
        Layer::GlobalAvgPool(_) => global_mean(writer, name, inputs),
        Layer::Flatten(_) => writer.node("Flatten", name, inputs, vec![integer("axis", 1)]),
        Layer::Linear(_) if matches!(shapes[0], Shape::Sequence { .. }) => each_step(writer, name, &constants),
        Layer::Linear(_) => writer.node("Gemm", name, &constants, vec![integer("transB", 1)]),
        Layer::CosineLinear(_) => {
            let of = |name: &str| state.get(name).with_context(|| format!("{name} has no values"));
            let weight = of(&graph.parameters[node.parameters.start].name)?;
            let scale = of(&graph.buffers[node.buffers.start].name)?.values[0];
            cosine_linear(writer, name, inputs[0], weight, scale)
        }
        Layer::Add(_) => writer.node("Add", name, inputs, Vec::new()),
        Layer::Slice(layer) => {
            let ends = [layer.first, layer.first + layer.planes].map(|v| v as i64);
            let [from, to] = ["from", "to"].map(|k| format!("{name}.{k}"));
            let (from, to) = (writer.integers(&from, &ends[..1]), writer.integers(&to, &ends[1..]));
            let axis = writer.integers(&format!("{name}.axis"), &[1]);
            writer.node("Slice", name, &[inputs[0], &from, &to, &axis], Vec::new())
        }
        Layer::Concat(_) => {
            let axis = if let Shape::Sequence { .. } = shapes[0] { 2 } else { 1 };
            writer.node("Concat", name, inputs, vec![integer("axis", axis)])
        }
        Layer::Softmax(_) => writer.node("Softmax", name, inputs, vec![integer("axis", 1)]),
        Layer::ToSequence(_) => {
            let axis = writer.integers(&format!("{name}.axis"), &[1]);
            writer.node("Squeeze", name, &[inputs[0], &axis], Vec::new())
        }
        Layer::MaskSteps(_) => match lengths {
            Some(lengths) => lengths.masked(writer, name, inputs[0], &shapes[0]),
            None => inputs[0].into(),
        },
        Layer::MeanSteps(_) => match lengths {
            Some(lengths) => lengths.mean(writer, name, inputs[0], &shapes[0]),
            None if matches!(shapes[0], Shape::Map { .. }) => global_mean(writer, name, inputs),
            None => {
                let axis = writer.integers(&format!("{name}.axis"), &[1]);
                writer.node("ReduceMean", name, &[inputs[0], &axis], vec![integer("keepdims", 0)])
            }
        },
        Layer::LastStep(_) => match lengths {
            Some(lengths) => lengths.last(writer, name, inputs[0]),
            None => {
                let last = writer.integers(&format!("{name}.last"), &[-1]);
                let one = writer.node("Gather", &format!("{name}.step"), &[inputs[0], &last], vec![integer("axis", 1)]);
                let axis = writer.integers(&format!("{name}.axis"), &[1]);
                writer.node("Squeeze", name, &[&one, &axis], Vec::new())
            }
        },
        Layer::Repeat(layer) => {
            let axis = writer.integers(&format!("{name}.axis"), &[1]);
            let one = writer.node("Unsqueeze", &format!("{name}.step"), &[inputs[0], &axis], Vec::new());
            let steps = writer.integers(&format!("{name}.steps"), &[1, layer.steps as i64, 1]);
            writer.node("Expand", name, &[&one, &steps], Vec::new())
        }
        Layer::Lstm(layer) => {
            let own = &graph.parameters[node.parameters.clone()];
            let own: Vec<&StateTensor> = own.iter().filter_map(|p| state.get(&p.name)).collect();
            recurrent::lstm(writer, layer, name, inputs[0], &own, shapes[0].sequence()?[0], lengths)?
        }
        Layer::ConvLstm(layer) => {
            let [weight, state, bias] = [constants[1], constants[2], constants[3]];
            recurrent::conv_lstm(writer, layer, name, inputs[0], &shapes[0], [weight, state, bias])?
        }
        Layer::LayerNorm(layer) => tokens::layer_norm(writer, name, &constants, layer.eps),
        Layer::Apply(layer) => gates::function(writer, name, inputs[0], layer.0),
        Layer::ScaleChannels(_) => gates::scale_channels(writer, name, inputs),
        Layer::Gelu(_) => tokens::gelu(writer, name, inputs[0]),
        Layer::Attention(layer) => tokens::attention(writer, layer, name, inputs[0], shapes[0].sequence()?),
        Layer::ToTokens(layer) => {
            let map = shapes[0].map()?;
            tokens::to_tokens(writer, name, inputs[0], map, layer.block_of([map[1], map[2]]))
        }
        Layer::ToMap(layer) => tokens::to_map(writer, name, inputs[0], node.shape.map()?, layer.block()),
        Layer::ClassToken(_) => {
            let [_, features] = shapes[0].sequence()?;
            tokens::class_token(writer, name, inputs[0], constants[1], features)
        }
        Layer::PositionEmbedding(layer) => {
            let learnt = graph.parameters[node.parameters.clone()].iter().find_map(|p| state.get(&p.name));
            let learnt = learnt.context("its places have no values")?;
            tokens::positions(writer, layer, name, inputs[0], learnt, &shapes[0])?
        }
        Layer::TakeToken(layer) => tokens::take_token(writer, name, inputs[0], layer.index),
    })
}

/// The mean of each plane.
fn global_mean(writer: &mut Writer, name: &str, inputs: &[&str]) -> String {
    let mean = writer.node("GlobalAveragePool", &format!("{name}.mean"), inputs, Vec::new());
    writer.node("Flatten", name, &[&mean], vec![integer("axis", 1)])
}

/// A linear layer of every step: input, weight and, where there is one, bias.
fn each_step(writer: &mut Writer, name: &str, constants: &[&str]) -> String {
    let part = |k: &str| format!("{name}.{k}");
    let weight = writer.node("Transpose", &part("transposed"), &[constants[1]], vec![integers("perm", &[1, 0])]);
    match constants.get(2) {
        None => writer.node("MatMul", name, &[constants[0], &weight], Vec::new()),
        Some(bias) => {
            let y = writer.node("MatMul", &part("product"), &[constants[0], &weight], Vec::new());
            writer.node("Add", name, &[&y, bias], Vec::new())
        }
    }
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
pub fn pads(p: &Padding) -> AttributeProto {
    integers("pads", &[p.top, p.left, p.bottom, p.right])
}
