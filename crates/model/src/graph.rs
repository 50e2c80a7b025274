//! A network as data: named layers in the order of computation. Made by a [`GraphBuilder`](super::GraphBuilder).

use std::ops::Range;

use super::layers::{BufferSpec, Layer, ParameterSpec, Shape};
use super::plan::Step;

/// Position of a node in [`Graph::nodes`].
pub type NodeId = usize;

/// One layer at its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Path name, such as `features.conv1_1`; unique in the graph.
    pub name: String,
    /// What it computes.
    pub layer: Layer,
    /// Whose outputs it takes; all stand before it.
    pub inputs: Vec<NodeId>,
    /// The shape of its output.
    pub shape: Shape,
    /// Its parameters in [`Graph::parameters`].
    pub parameters: Range<usize>,
    /// Its buffers in [`Graph::buffers`].
    pub buffers: Range<usize>,
    /// Multiply-accumulate operations per example.
    pub macs: u64,
}

/// A network without values: layers, shapes, parameters by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The network's name.
    pub name: String,
    /// Channels, height and width of the input.
    pub input: [usize; 3],
    /// Classes: the length of the output.
    pub classes: usize,
    /// Layers, each after those it takes from. The first is the input, the last the logits.
    pub nodes: Vec<Node>,
    /// All parameters, in the order of the layers.
    pub parameters: Vec<ParameterSpec>,
    /// All buffers, in the order of the layers.
    pub buffers: Vec<BufferSpec>,
    /// How it is computed: layers and the activations that follow them in one step.
    pub(super) plan: Vec<Step>,
}

impl Graph {
    /// Number of trained values.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// Number of stored values: trained ones and running statistics. Keras counts so.
    pub fn value_count(&self) -> usize {
        self.parameter_count() + self.buffers.iter().map(|b| b.shape.iter().product::<usize>()).sum::<usize>()
    }

    /// Multiply-accumulate operations of convolutions and linear layers, per example.
    pub fn macs(&self) -> u64 {
        self.nodes.iter().map(|n| n.macs).sum()
    }

    /// The node that gives the logits.
    pub fn output(&self) -> NodeId {
        self.nodes.len() - 1
    }

    /// The shapes that a node takes.
    pub fn input_shapes(&self, node: &Node) -> Vec<Shape> {
        node.inputs.iter().map(|&i| self.nodes[i].shape).collect()
    }
}
