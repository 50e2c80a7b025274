//! Computes a graph's plan on tensors: the one place that turns layers into operations.

mod cosine;
mod elementwise;
mod sequences;
mod tokens;

use anyhow::{Result, bail, ensure};
use burn::tensor::{Device, Tensor};
use ferrotype_kernels::Activation;

use super::graph::{Graph, Node, NodeId};
use super::layers::{BatchNorm, Layer, RunningVariance};
use super::lengths::Lengths;
use super::plan::Step;
use ferrotype_ops::{self as ops, Compute};

/// The value of a node.
#[derive(Clone)]
pub(super) enum Value {
    Map(Tensor<4>),
    Sequence(Tensor<3>),
    Vector(Tensor<2>),
}

impl Value {
    fn map(self) -> Result<Tensor<4>> {
        match self {
            Self::Map(x) => Ok(x),
            _ => bail!("a layer for feature maps was given something else"),
        }
    }

    fn sequence(self) -> Result<Tensor<3>> {
        match self {
            Self::Sequence(x) => Ok(x),
            _ => bail!("a layer for sequences was given something else"),
        }
    }

    pub(super) fn vector(self) -> Result<Tensor<2>> {
        match self {
            Self::Vector(x) => Ok(x),
            _ => bail!("a layer for vectors was given something else"),
        }
    }
}

/// Whether layers compute as in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, no dropout.
    Evaluate,
    /// Batch statistics, and dropout masks of this key.
    Train(u64),
}

/// The tensors of one pass over a graph.
pub struct Pass<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// Whose code computes.
    pub compute: Compute,
    /// One flat tensor per parameter.
    pub parameters: &'a [Tensor<1>],
    /// One flat tensor per buffer.
    pub buffers: &'a [Tensor<1>],
    /// Training or evaluation.
    pub mode: Mode,
    /// Per parameter: whether it is frozen. A normalisation layer all of whose parameters are frozen keeps to its running
    /// statistics. Empty where nothing is.
    pub frozen: &'a [bool],
    /// Which steps of the batch's sequences are there, where some are padding.
    pub(super) lengths: Option<Lengths>,
}

impl Pass<'_> {
    /// The pass of a batch whose sequences have these lengths; see [`Lengths::of`].
    pub(super) fn with_lengths(mut self, batch: usize, valid: &[u32], device: &Device) -> Result<Self> {
        let lengths = Lengths::of(self.graph, batch, valid, device)?;
        self.lengths = if self.mode == Mode::Evaluate { lengths } else { lengths.map(Lengths::autodiff) };
        Ok(self)
    }

    /// Computes the logits of `x [batch, channels, height, width]`.
    pub fn run(&self, x: Tensor<4>) -> Result<Tensor<2>> {
        self.run_watched(x, |_, value| value)
    }

    /// As [`Pass::run`]; what `watch` makes of a step's output takes its place.
    pub(super) fn run_watched(&self, x: Tensor<4>, watch: impl FnMut(&Step, Value) -> Value) -> Result<Tensor<2>> {
        check_input(self.graph, &x)?;
        self.between_watched(0, Value::Map(x), self.graph.output(), watch)?.0.vector()
    }

    /// Computes node `to` from the value of node `from`, through which everything between them must go
    /// ([`Graph::frozen_until`]). Also the values that the buffers take after a pass in
    /// training; none in evaluation.
    pub(super) fn between(&self, from: NodeId, value: Value, to: NodeId) -> Result<(Value, Vec<Tensor<1>>)> {
        self.between_watched(from, value, to, |_, value| value)
    }

    /// As [`Pass::between`]; what `watch` makes of a step's output takes its place.
    pub(super) fn between_watched(
        &self,
        from: NodeId,
        value: Value,
        to: NodeId,
        mut watch: impl FnMut(&Step, Value) -> Value,
    ) -> Result<(Value, Vec<Tensor<1>>)> {
        let mut values: Vec<Option<Value>> = vec![None; self.graph.nodes.len()];
        let mut buffers = if self.mode == Mode::Evaluate { Vec::new() } else { self.buffers.to_vec() };
        values[from] = Some(value);
        let done = self.graph.plan.iter().position(|step| step.output == from).map_or(0, |last| last + 1);
        for step in &self.graph.plan[done..] {
            if values[to].is_some() {
                break;
            }
            let node = &self.graph.nodes[step.node];
            let inputs = take_inputs(node, step, &mut values)?;
            let value = self.step(node, step, inputs, &mut buffers)?;
            values[step.output] = Some(watch(step, value));
        }
        match values[to].take() {
            Some(value) => Ok((value, buffers)),
            None => bail!("{}: the plan does not reach {}", self.graph.name, self.graph.nodes[to].name),
        }
    }

    fn step(&self, node: &Node, step: &Step, inputs: Vec<Value>, buffers: &mut [Tensor<1>]) -> Result<Value> {
        let (compute, act) = (self.compute, step.activation);
        let lengths = self.lengths.as_ref().filter(|l| l.concern(node));
        let mut inputs = inputs.into_iter();
        let Some(x) = inputs.next() else { bail!("{}: the layer takes nothing", node.name) };
        let parameter = |i: usize| self.parameters[node.parameters.start + i].clone();
        let optional = |i: usize| (node.parameters.len() > i).then(|| parameter(i));
        Ok(match &node.layer {
            Layer::Input(_) => bail!("an input can only stand first"),
            Layer::Conv2d(layer) => {
                let x = x.map()?;
                let shape = layer.resolve(&self.graph.input_shapes(node)[0], x.dims()[0])?;
                Value::Map(ops::conv2d(compute, x, parameter(0), optional(1), act, &shape))
            }
            Layer::BatchNorm(layer) => Value::Map(self.batch_norm(node, layer, x.map()?, act, buffers)?),
            Layer::Linear(layer) => {
                let linear = |x| ops::linear(compute, x, parameter(0), optional(1), layer.outputs, act);
                match x {
                    Value::Sequence(x) => Value::Sequence(sequences::each_step(x, linear)),
                    x => Value::Vector(linear(x.vector()?)),
                }
            }
            Layer::CosineLinear(layer) => {
                let scale = self.buffers[node.buffers.start].clone();
                Value::Vector(cosine::cosine_linear(compute, x.vector()?, parameter(0), scale, layer.outputs))
            }
            Layer::Add(_) => match (x, inputs.next()) {
                (Value::Map(a), Some(Value::Map(b))) => Value::Map(ops::add(compute, a, b, act)),
                (Value::Sequence(a), Some(Value::Sequence(b))) => Value::Sequence(ops::add(compute, a, b, act)),
                (Value::Vector(a), Some(Value::Vector(b))) => Value::Vector(ops::add(compute, a, b, act)),
                _ => bail!("{}: a sum of values of two kinds", node.name),
            },
            Layer::Activate(layer) => match x {
                Value::Map(x) => Value::Map(ops::activate(compute, x, layer.0)),
                Value::Sequence(x) => Value::Sequence(ops::activate(compute, x, layer.0)),
                Value::Vector(x) => Value::Vector(ops::activate(compute, x, layer.0)),
            },
            Layer::MaxPool(layer) => {
                let window = layer.window(&self.graph.input_shapes(node)[0])?;
                Value::Map(ops::max_pool(compute, x.map()?, &window))
            }
            Layer::AvgPool(layer) => {
                let window = layer.window(&self.graph.input_shapes(node)[0])?;
                Value::Map(ops::avg_pool(compute, x.map()?, &window, layer.count_padding))
            }
            Layer::GlobalAvgPool(_) => Value::Vector(ops::global_avg_pool(compute, x.map()?)),
            Layer::Flatten(_) => Value::Vector(match x {
                Value::Sequence(x) => x.flatten(1, 2),
                x => x.map()?.flatten(1, 3),
            }),
            Layer::Slice(layer) => Value::Map(x.map()?.narrow(1, layer.first, layer.planes)),
            Layer::Concat(_) => sequences::concat(std::iter::once(x).chain(inputs))?,
            Layer::Softmax(_) => Value::Vector(burn::tensor::activation::softmax(x.vector()?, 1)),
            Layer::ToSequence(_) => {
                let x = x.map()?;
                let [batch, _, steps, features] = x.dims();
                Value::Sequence(x.reshape([batch, steps, features]))
            }
            Layer::LastStep(_) => Value::Vector(sequences::last(x.sequence()?, lengths)),
            Layer::MaskSteps(_) => sequences::masked(x, lengths)?,
            Layer::MeanSteps(_) => Value::Vector(sequences::mean(x, lengths)?),
            Layer::Repeat(layer) => Value::Sequence(sequences::repeat(x.vector()?, layer.steps)),
            Layer::Lstm(layer) => {
                let mask = inputs.next().map(Value::sequence).transpose()?;
                let parameters = &self.parameters[node.parameters.clone()];
                sequences::lstm(compute, layer, x.sequence()?, mask, lengths, parameters)
            }
            Layer::ConvLstm(layer) => {
                let x = x.map()?;
                let shape = layer.resolve(&self.graph.input_shapes(node)[0], x.dims()[0])?;
                let weights = ops::RecurrentWeights { input: parameter(0), recurrent: parameter(1), bias: optional(2) };
                Value::Map(ops::conv_lstm(compute, x, weights, &shape, layer.states))
            }
            Layer::LayerNorm(layer) => tokens::layer_norm(compute, x, parameter(0), parameter(1), layer.eps)?,
            Layer::Apply(layer) => elementwise::apply(compute, x, layer.0),
            Layer::ScaleChannels(_) => elementwise::scale_channels(compute, x, inputs.next())?,
            Layer::Gelu(_) => tokens::gelu(compute, x),
            Layer::Attention(layer) => {
                let x = x.sequence()?;
                let window = layer.among(x.dims()[1]);
                Value::Sequence(ops::attention(compute, x, layer.heads, window))
            }
            Layer::ToTokens(layer) => {
                let x = x.map()?;
                let [_, _, height, width] = x.dims();
                Value::Sequence(ops::to_tokens(compute, x, layer.block_of([height, width])))
            }
            Layer::ToMap(layer) => Value::Map(ops::to_map(compute, x.sequence()?, layer.size, layer.block())),
            Layer::ClassToken(_) => Value::Sequence(ops::class_token(compute, x.sequence()?, parameter(0))),
            Layer::PositionEmbedding(layer) => {
                Value::Sequence(tokens::positions(compute, layer, x.sequence()?, parameter(0)))
            }
            Layer::TakeToken(layer) => Value::Vector(tokens::take(x.sequence()?, layer.index)),
            Layer::Dropout(layer) => match (self.mode, x) {
                (Mode::Evaluate, x) => x,
                (Mode::Train(key), x) => elementwise::dropout(compute, x, layer.rate, key, step.node),
            },
            Layer::DropPath(layer) => match (self.mode, x) {
                (Mode::Evaluate, x) => x,
                (Mode::Train(key), x) => elementwise::drop_path(compute, x, layer.rate, key, step.node),
            },
        })
    }

    fn batch_norm(
        &self,
        node: &Node,
        layer: &BatchNorm,
        x: Tensor<4>,
        act: Activation,
        buffers: &mut [Tensor<1>],
    ) -> Result<Tensor<4>> {
        let (p, b) = (node.parameters.start, node.buffers.start);
        let (weight, bias) = (self.parameters[p].clone(), self.parameters[p + 1].clone());
        let (mean, variance) = (self.buffers[b].clone(), self.buffers[b + 1].clone());
        let frozen = self.frozen.get(node.parameters.clone()).is_some_and(|f| f.iter().all(|&f| f));
        if self.mode == Mode::Evaluate || frozen {
            return Ok(ops::batch_norm(self.compute, x, weight, bias, mean, variance, layer.eps, act));
        }
        let [batch, _, height, width] = x.dims();
        let n = (batch * height * width) as f64;
        ensure!(n > 1.0, "{}: batch statistics of one value per channel: train with larger batches", node.name);
        let batch = ops::batch_norm_train(self.compute, x, weight, bias, layer.eps, act);
        let seen = match layer.running_variance {
            RunningVariance::Biased => batch.variance,
            RunningVariance::Unbiased => batch.variance * (n / (n - 1.0)),
        };
        buffers[b] = mean * (1.0 - layer.momentum) + batch.mean * layer.momentum;
        buffers[b + 1] = variance * (1.0 - layer.momentum) + seen * layer.momentum;
        Ok(batch.output)
    }
}

/// The step's inputs; moved out at their last use, so that an operation may work in place.
fn take_inputs(node: &Node, step: &Step, values: &mut [Option<Value>]) -> Result<Vec<Value>> {
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for (&id, &last) in node.inputs.iter().zip(&step.last_use) {
        let value = if last { values[id].take() } else { values[id].clone() };
        match value {
            Some(value) => inputs.push(value),
            None => bail!("{}: an input was not computed", node.name),
        }
    }
    Ok(inputs)
}

pub(super) fn check_input(graph: &Graph, x: &Tensor<4>) -> Result<()> {
    let [batch, channels, height, width] = x.dims();
    let [c, h, w] = graph.input;
    ensure!(
        [channels, height, width] == graph.input && batch > 0,
        "{} takes pictures of {c}x{h}x{w} (channels, height, width), but was given {batch} of \
         {channels}x{height}x{width}: check `data.preprocess.size` and `colour`",
        graph.name
    );
    Ok(())
}
