//! Builds graphs. Calls are chained, so that a file of the zoo reads like its paper's table of layers.

mod classifier;
mod gates;
mod tokens;

use std::collections::HashSet;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ferrotype_kernels::Activation;

use super::graph::{Graph, Node, NodeId};
use super::layers::{
    Activate, Add, AvgPool, BatchNorm, Concat, Conv2d, ConvLstm, Dropout, Flatten, GlobalAvgPool, LastStep, Layer,
    Linear, Lstm, MaskSteps, MaxPool, MeanSteps, ParameterSpec, Repeat, Shape, Slice, Softmax, ToSequence,
};
use super::plan;

/// Most values that one parameter, or one layer's output for one picture, may have: beyond it, a width was mistyped.
const LARGEST: usize = 1 << 31;

/// Adds layers one after another, each to the last one unless [`at`](Self::at) says otherwise. The first layer that
/// cannot be built is reported by [`build`](Self::build), and those after it are ignored.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
    names: HashSet<String>,
    tip: NodeId,
    error: Option<anyhow::Error>,
}

impl GraphBuilder {
    /// Begins a network that takes pictures of `[channels, height, width]`.
    pub fn new(name: &str, input: [usize; 3]) -> Self {
        let [channels, height, width] = input;
        let shape = Shape::Map { channels, height, width };
        let node = Node {
            name: "input".into(),
            layer: Layer::Input(shape),
            inputs: Vec::new(),
            shape,
            parameters: 0..0,
            buffers: 0..0,
            macs: 0,
        };
        let graph = Graph {
            name: name.into(),
            input,
            classes: 0,
            nodes: vec![node],
            parameters: Vec::new(),
            buffers: Vec::new(),
            plan: Vec::new(),
        };
        let error = shape
            .is_empty()
            .then(|| anyhow!("{name}: an input of {shape} holds no pixels: sizes and channels must be at least 1"));
        Self { graph, names: HashSet::from(["input".into()]), tip: 0, error }
    }

    /// The last layer added: remember it where branches part.
    pub fn tip(&self) -> NodeId {
        self.tip
    }

    /// Gives up unless this holds; `what` says what the network needs.
    pub fn require(&mut self, holds: bool, what: impl FnOnce() -> String) -> &mut Self {
        if !holds && self.error.is_none() {
            self.error = Some(anyhow!("{} {}", self.graph.name, what()));
        }
        self
    }

    /// The shape of the last layer's output.
    pub fn shape(&self) -> Shape {
        self.graph.nodes[self.tip].shape
    }

    /// Channels of the last layer's output (features, for a vector).
    pub fn channels(&self) -> usize {
        self.graph.nodes[self.tip].shape.dims()[0]
    }

    /// Adds the next layer to that one instead.
    pub fn at(&mut self, node: NodeId) -> &mut Self {
        self.tip = node;
        self
    }

    /// A convolution.
    pub fn conv(&mut self, name: impl AsRef<str>, layer: Conv2d) -> &mut Self {
        self.push(name.as_ref(), Layer::Conv2d(layer), &[])
    }

    /// Batch normalisation.
    pub fn batch_norm(&mut self, name: impl AsRef<str>, layer: BatchNorm) -> &mut Self {
        self.push(name.as_ref(), Layer::BatchNorm(layer), &[])
    }

    /// A fully connected layer.
    pub fn linear(&mut self, name: impl AsRef<str>, layer: Linear) -> &mut Self {
        self.push(name.as_ref(), Layer::Linear(layer), &[])
    }

    /// `max(x, 0)`.
    pub fn relu(&mut self) -> &mut Self {
        self.push_after("relu", Layer::Activate(Activate(Activation::Relu)))
    }

    /// `min(max(x, 0), 6)`.
    pub fn relu6(&mut self) -> &mut Self {
        self.push_after("relu6", Layer::Activate(Activate(Activation::Relu6)))
    }

    /// Dropout at this rate; none at all at rate 0.
    pub fn dropout(&mut self, rate: f32) -> &mut Self {
        if rate == 0.0 { self } else { self.push_after("dropout", Layer::Dropout(Dropout { rate })) }
    }

    /// Maxima over windows.
    pub fn max_pool(&mut self, name: impl AsRef<str>, layer: MaxPool) -> &mut Self {
        self.push(name.as_ref(), Layer::MaxPool(layer), &[])
    }

    /// Means over windows.
    pub fn avg_pool(&mut self, name: impl AsRef<str>, layer: AvgPool) -> &mut Self {
        self.push(name.as_ref(), Layer::AvgPool(layer), &[])
    }

    /// The mean of each plane.
    pub fn global_avg_pool(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::GlobalAvgPool(GlobalAvgPool), &[])
    }

    /// Maps to a vector, channels first, or sequences, step by step.
    pub fn flatten(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::Flatten(Flatten), &[])
    }

    /// Adds another layer's output to the last one's.
    pub fn add(&mut self, name: impl AsRef<str>, other: NodeId) -> &mut Self {
        self.push(name.as_ref(), Layer::Add(Add), &[other])
    }

    /// So many planes from `first` on.
    pub fn slice(&mut self, name: impl AsRef<str>, first: usize, planes: usize) -> &mut Self {
        self.push(name.as_ref(), Layer::Slice(Slice { first, planes }), &[])
    }

    /// Other layers' outputs behind the last one's.
    pub fn concat(&mut self, name: impl AsRef<str>, others: &[NodeId]) -> &mut Self {
        self.push(name.as_ref(), Layer::Concat(Concat), others)
    }

    /// Scores to probabilities.
    pub fn softmax(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::Softmax(Softmax), &[])
    }

    /// A map of one plane `[1, steps, features]` as a sequence.
    pub fn to_sequence(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::ToSequence(ToSequence), &[])
    }

    /// The last step of a sequence.
    pub fn last_step(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::LastStep(LastStep), &[])
    }

    /// Zeros in place of padded steps.
    pub fn mask_steps(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::MaskSteps(MaskSteps), &[])
    }

    /// The mean over the steps that are there.
    pub fn mean_steps(&mut self, name: impl AsRef<str>) -> &mut Self {
        self.push(name.as_ref(), Layer::MeanSteps(MeanSteps), &[])
    }

    /// A vector at each of so many steps.
    pub fn repeat(&mut self, name: impl AsRef<str>, steps: usize) -> &mut Self {
        self.push(name.as_ref(), Layer::Repeat(Repeat { steps }), &[])
    }

    /// A long short-term memory.
    pub fn lstm(&mut self, name: impl AsRef<str>, layer: Lstm) -> &mut Self {
        self.push(name.as_ref(), Layer::Lstm(layer), &[])
    }

    /// A long short-term memory with a mask: steps of `source` that hold nothing but the layer's mask value are padding.
    pub fn masked_lstm(&mut self, name: impl AsRef<str>, layer: Lstm, source: NodeId) -> &mut Self {
        self.push(name.as_ref(), Layer::Lstm(layer), &[source])
    }

    /// A convolutional long short-term memory.
    pub fn conv_lstm(&mut self, name: impl AsRef<str>, layer: ConvLstm) -> &mut Self {
        self.push(name.as_ref(), Layer::ConvLstm(layer), &[])
    }

    /// The finished graph, if every layer fits and the last one gives one value per class.
    pub fn build(self, classes: usize) -> Result<Graph> {
        let Self { mut graph, error, .. } = self;
        if let Some(error) = error {
            return Err(error);
        }
        let last = &graph.nodes[graph.nodes.len() - 1];
        ensure!(classes > 0, "{}: a network needs at least one class", graph.name);
        if last.shape != Shape::Vector(classes) {
            bail!("{}: the last layer, {}, gives {} instead of {classes} logits", graph.name, last.name, last.shape);
        }
        graph.classes = classes;
        graph.plan = plan::plan(&graph.nodes);
        Ok(graph)
    }

    /// A layer without parameters that is named after the one before it.
    fn push_after(&mut self, suffix: &str, layer: Layer) -> &mut Self {
        let name = format!("{}.{suffix}", self.graph.nodes[self.tip].name);
        self.push(&name, layer, &[])
    }

    fn push(&mut self, name: &str, layer: Layer, others: &[NodeId]) -> &mut Self {
        if self.error.is_none() {
            let inputs: Vec<NodeId> = std::iter::once(self.tip).chain(others.iter().copied()).collect();
            if let Err(e) = self.try_push(name, layer, inputs) {
                self.error = Some(e);
            }
        }
        self
    }

    fn try_push(&mut self, name: &str, layer: Layer, inputs: Vec<NodeId>) -> Result<()> {
        let place = format!("{}, layer {name} ({})", self.graph.name, layer.kind());
        ensure!(self.names.insert(name.into()), "{place}: the name is taken: layers need different names");
        let shapes: Vec<Shape> = inputs.iter().map(|&i| self.graph.nodes[i].shape).collect();
        let describe = layer.describe().with_context(|| format!("{place}: an input can only stand first"))?;
        let shape = describe.shape(&shapes).map_err(|e| anyhow!("{place} {e}"))?;
        let own = describe.parameters(&shapes);
        check_sizes(&own, &shape).map_err(|e| anyhow!("{place} {e}"))?;
        let (first_parameter, first_buffer) = (self.graph.parameters.len(), self.graph.buffers.len());
        let macs = describe.macs(&shapes, &shape);
        self.graph.parameters.extend(own.into_iter().map(|mut p| {
            p.name = format!("{name}.{}", p.name);
            p
        }));
        self.graph.buffers.extend(describe.buffers(&shapes).into_iter().map(|mut b| {
            b.name = format!("{name}.{}", b.name);
            b
        }));
        let parameters = first_parameter..self.graph.parameters.len();
        let buffers = first_buffer..self.graph.buffers.len();
        self.tip = self.graph.nodes.len();
        self.graph.nodes.push(Node { name: name.into(), layer, inputs, shape, parameters, buffers, macs });
        Ok(())
    }
}

/// Refuses layers that no memory would hold, and regularisers that are none.
fn check_sizes(parameters: &[ParameterSpec], output: &Shape) -> Result<()> {
    let values = |dims: &[usize]| dims.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
    let holds = |dims: &[usize]| values(dims).is_some_and(|n| n <= LARGEST);
    ensure!(holds(&output.dims()), "gives {output}: more than {LARGEST} values for one picture");
    for p in parameters {
        ensure!(holds(&p.shape), "has a {} of {:?}: more than {LARGEST} values", p.name, p.shape);
        ensure!(p.l2.is_finite() && p.l2 >= 0.0, "has an L2 coefficient of {}: it must be 0 or more", p.l2);
    }
    Ok(())
}
