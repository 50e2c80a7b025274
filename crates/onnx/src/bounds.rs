//! How much a foreign network computes, judged from its file before anything of it runs. Weights are bounded by the
//! file's length; what can grow beyond it are operations whose output's size is a number in the file.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use prost::Message;

use super::proto::{Attribute, Graph, Model, Node, Tensor};

/// A value within the network may have so many times the elements of what goes in, channels not counted.
const MOST_GROWTH: f64 = 256.0;
/// So many elements may be made of nothing but numbers in the file.
const MOST_ELEMENTS: f64 = (1u64 << 26) as f64;
/// The largest kernel, step or border of a convolution or pooling.
const MOST_STEP: i64 = 512;
/// Longer constants are weights, no shapes.
const LONGEST_SHAPE: usize = 16;

/// Refuses a file that is no ONNX model from its first byte to its last, or computes without bound.
///
/// # Errors
/// When it does, with the operation.
pub fn check(bytes: &[u8]) -> Result<()> {
    let model = Model::decode(bytes).context("it is not an ONNX file, or is damaged or cut off")?;
    let graph = model.graph.context("it is not an ONNX file, or is damaged: it holds no network")?;
    check_graph(&graph, &HashMap::new())
}

fn check_graph<'a>(graph: &'a Graph, outer: &HashMap<&'a str, Vec<f64>>) -> Result<()> {
    let mut sizes = Sizes { constants: outer.clone(), growth: HashMap::new() };
    graph.constants.iter().for_each(|tensor| sizes.note(&tensor.name, tensor));
    for node in &graph.nodes {
        let name = if node.name.is_empty() { node.outputs.first().unwrap_or(&node.name) } else { &node.name };
        sizes.node(node).with_context(|| format!("its operation `{name}` ({})", node.operator))?;
        for inner in node.attributes.iter().flat_map(|a| a.graph.iter().chain(&a.graphs)) {
            check_graph(inner, &sizes.constants)?;
        }
    }
    Ok(())
}

/// What is known of values by their names.
struct Sizes<'a> {
    /// Short constants.
    constants: HashMap<&'a str, Vec<f64>>,
    /// Elements per element of the input, channels not counted; 1 where nothing is said.
    growth: HashMap<&'a str, f64>,
}

impl<'a> Sizes<'a> {
    fn note(&mut self, name: &'a str, tensor: &Tensor) {
        if let Some(values) = short(tensor) {
            self.constants.insert(name, values);
        }
    }

    fn node(&mut self, node: &'a Node) -> Result<()> {
        if let ("Constant", [output]) = (node.operator.as_str(), &node.outputs[..]) {
            if let Some(tensor) = node.attributes.iter().find_map(|a| a.tensor.as_ref()) {
                self.note(output, tensor);
            } else if let Some(numbers) = node.attributes.iter().map(numbers).find(|v| !v.is_empty()) {
                self.constants.insert(output, numbers);
            }
            return Ok(());
        }
        let known = node.inputs.iter().filter_map(|name| self.growth.get(name.as_str()).copied());
        let before = known.reduce(f64::max).unwrap_or(1.0);
        let after = before * self.factor(node)?;
        ensure!(
            after <= MOST_GROWTH,
            "it makes {after:.0} values of each one that goes into the network, more than {MOST_GROWTH}: the file is damaged or \
             hostile"
        );
        self.growth.extend(node.outputs.iter().map(|name| (name.as_str(), after)));
        Ok(())
    }

    /// How many times its input's elements an operation has, channels not counted.
    fn factor(&self, node: &Node) -> Result<f64> {
        let ints = |name: &str| {
            let found = node.attributes.iter().find(|a| a.name == name);
            found.map(|a| a.ints.iter().map(|&v| v as f64).collect::<Vec<_>>()).unwrap_or_default()
        };
        let constant = |i: usize| node.inputs.get(i).and_then(|name| self.constants.get(name.as_str()));
        let product = |values: &[f64]| values.iter().map(|v| v.abs()).product::<f64>();
        Ok(match node.operator.as_str() {
            "Loop" | "Scan" => bail!("it repeats others, and no network that is known here has that"),
            "Conv" | "MaxPool" | "AveragePool" | "LpPool" => {
                check_steps(node)?;
                1.0 / product(&ints("strides")).max(1.0)
            }
            "ConvTranspose" => {
                check_steps(node)?;
                check_elements(&ints("output_shape"))?;
                product(&ints("strides"))
            }
            "Pad" => {
                let pads = constant(1).cloned().unwrap_or_else(|| ints("pads"));
                ensure!(pads.iter().all(|p| p.abs() <= MOST_STEP as f64), "{TOO_LARGE} (a border of {pads:?})");
                1.0
            }
            "Upsample" => {
                let scales = node.attributes.iter().find(|a| a.name == "scales").map(numbers);
                product(constant(1).cloned().or(scales).as_deref().unwrap_or(&[]))
            }
            "Resize" => {
                // Version 10 has the scales in the second place, later ones in the third and sizes in the fourth.
                constant(3).map_or(Ok(()), |sizes| check_elements(sizes))?;
                let scales = if node.inputs.len() == 2 { constant(1) } else { constant(2) };
                scales.map_or(1.0, |scales| product(scales))
            }
            "Tile" => constant(1).map_or(1.0, |repeats| product(repeats)),
            "Expand" | "OneHot" => constant(1).map_or(Ok(1.0), |shape| check_elements(shape).map(|()| 1.0))?,
            "ConstantOfShape" => constant(0).map_or(Ok(1.0), |shape| check_elements(shape).map(|()| 1.0))?,
            "Range" => {
                if let (Some([from]), Some([to]), Some([step])) =
                    (constant(0).map(Vec::as_slice), constant(1).map(Vec::as_slice), constant(2).map(Vec::as_slice))
                {
                    check_elements(&[(to - from) / step])?;
                }
                1.0
            }
            _ => {
                check_elements(&ints("shape"))?;
                1.0
            }
        })
    }
}

const TOO_LARGE: &str = "it makes more than a network for pictures can need: the file is damaged or hostile";

fn check_elements(shape: &[f64]) -> Result<()> {
    let elements: f64 = shape.iter().map(|v| v.abs().max(1.0)).product();
    ensure!(elements <= MOST_ELEMENTS, "{TOO_LARGE} (a shape of {shape:?})");
    Ok(())
}

/// The kernels, steps and borders of a convolution or pooling.
fn check_steps(node: &Node) -> Result<()> {
    const STEPS: [&str; 5] = ["kernel_shape", "strides", "dilations", "pads", "output_padding"];
    for attribute in node.attributes.iter().filter(|a| STEPS.contains(&a.name.as_str())) {
        ensure!(
            attribute.ints.iter().all(|v| (0..=MOST_STEP).contains(v)),
            "{TOO_LARGE} ({} of {:?})",
            attribute.name,
            attribute.ints
        );
    }
    Ok(())
}

/// An attribute's numbers.
fn numbers(attribute: &Attribute) -> Vec<f64> {
    let floats = attribute.floats.iter().map(|&v| f64::from(v));
    floats.chain(attribute.ints.iter().chain(&attribute.int).map(|&v| v as f64)).collect()
}

/// The numbers of a short constant.
fn short(tensor: &Tensor) -> Option<Vec<f64>> {
    let raw = |size: usize| (tensor.raw.len() <= size * LONGEST_SHAPE).then(|| tensor.raw.chunks_exact(size));
    let plain: Vec<f64> = match tensor.kind? {
        1 => tensor.floats.iter().map(|&v| f64::from(v)).collect(),
        6 => tensor.ints.iter().map(|&v| f64::from(v)).collect(),
        7 => tensor.longs.iter().map(|&v| v as f64).collect(),
        _ => return None,
    };
    if !plain.is_empty() {
        return (plain.len() <= LONGEST_SHAPE).then_some(plain);
    }
    Some(match tensor.kind? {
        1 => raw(4)?.filter_map(|b| b.try_into().ok()).map(|b| f64::from(f32::from_le_bytes(b))).collect(),
        6 => raw(4)?.filter_map(|b| b.try_into().ok()).map(|b| f64::from(i32::from_le_bytes(b))).collect(),
        _ => raw(8)?.filter_map(|b| b.try_into().ok()).map(|b| i64::from_le_bytes(b) as f64).collect(),
    })
}
