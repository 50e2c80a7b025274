//! Gradients of a network's input and of its layers' outputs, in evaluation mode: running statistics, no dropout.
//!
//! All three kinds use the one forward pass of `model::forward`. A layer's gradient makes that layer's output a leaf of
//! the recorded graph. Guided backpropagation makes every output a leaf and goes back layer by layer, so that it can
//! change what a ReLU hands down, whatever code computes the layer.

use anyhow::{Context, Result, bail};
use burn::tensor::{Gradients, Tensor};
use ferrotype_kernels::Activation;

use super::Network;
use crate::forward::{Mode, Pass, Value};
use crate::graph::{Graph, NodeId};
use crate::layers::Layer;
use crate::plan::Step;

/// What a ReLU hands back of a gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReluRule {
    /// Its derivative: everything where its input was positive.
    #[default]
    Derivative,
    /// Guided backpropagation (Springenberg et al., arXiv:1412.6806): of that, only what is positive.
    Guided,
}

/// A gradient with respect to the input.
pub struct InputGradient {
    /// `[batch, classes]`, without autodiff.
    pub logits: Tensor<2>,
    /// `[batch, channels, height, width]`, without autodiff, per unit of what the network takes.
    pub gradient: Tensor<4>,
}

/// A gradient with respect to a layer's output.
pub struct LayerGradient {
    /// `[batch, classes]`, without autodiff.
    pub logits: Tensor<2>,
    /// The layer's output, `[batch, channels, height, width]`, without autodiff.
    pub output: Tensor<4>,
    /// The gradient, of the same shape.
    pub gradient: Tensor<4>,
}

impl Network {
    /// The logits `[batch, classes]` of `x [batch, channels, height, width]` in evaluation mode, recorded by autodiff
    /// from `x` on (which wants a gradient), but not for the parameters. Follow it by `backward` on something made of
    /// the logits, or autodiff keeps what it recorded.
    ///
    /// # Errors
    /// When `x` is on another device or does not fit the network.
    pub fn tracked(&self, x: Tensor<4>) -> Result<Tensor<2>> {
        self.check_device(&x.clone().without_autodiff())?;
        self.watched(x.autodiff(), |_, value| value)
    }

    /// The gradient of the sum of `scalar(logits)` with respect to the pictures `x [batch, channels, height, width]`.
    /// In evaluation examples do not see each other: where `scalar` gives one value per row, each picture gets the
    /// gradient of its own.
    ///
    /// # Errors
    /// When `x` is on another device or does not fit the network, or `scalar` does not depend on it.
    pub fn input_gradient(
        &self,
        x: Tensor<4>,
        rule: ReluRule,
        scalar: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> Result<InputGradient> {
        let x = x.without_autodiff().autodiff().require_grad();
        if rule == ReluRule::Guided {
            return self.guided(x, scalar);
        }
        let logits = self.tracked(x.clone())?;
        let gradients = scalar(logits.clone()).sum().backward();
        let gradient = x.grad(&gradients).context("the scalar does not depend on the pictures")?;
        Ok(InputGradient { logits: logits.without_autodiff(), gradient })
    }

    /// The output of a layer (see [`Graph::maps_of`] for what its name means) and the gradient of the sum of
    /// `scalar(logits)` with respect to it.
    ///
    /// # Errors
    /// When `x` is on another device or does not fit the network, the layer has no feature maps, or `scalar` does not
    /// depend on it.
    pub fn layer_gradient(
        &self,
        x: Tensor<4>,
        layer: &str,
        scalar: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> Result<LayerGradient> {
        let x = x.without_autodiff();
        self.check_device(&x)?;
        let node = self.graph.maps_of(layer)?;
        let mut output = None;
        // What stands before the layer wants no gradient, and is not recorded.
        let logits = self.watched(x.autodiff(), |step, value| match value {
            Value::Map(maps) if step.output == node => {
                let leaf = leaf(maps);
                output = Some(leaf.clone());
                Value::Map(leaf)
            }
            other => other,
        })?;
        let output = output.with_context(|| format!("the layer `{layer}` was not computed"))?;
        let gradients = scalar(logits.clone()).sum().backward();
        let gradient =
            output.grad(&gradients).with_context(|| format!("the scalar does not depend on the layer `{layer}`"))?;
        Ok(LayerGradient { logits: logits.without_autodiff(), output: output.without_autodiff(), gradient })
    }

    /// A pass in evaluation mode whose steps are watched, with autodiff and without gradients of the parameters.
    fn watched(&self, x: Tensor<4>, watch: impl FnMut(&Step, Value) -> Value) -> Result<Tensor<2>> {
        let parameters: Vec<_> = self.parameters.iter().map(|p| p.tensor.clone().autodiff()).collect();
        let buffers: Vec<_> = self.buffers.iter().map(|b| b.tensor.clone().autodiff()).collect();
        let pass = Pass {
            graph: &self.graph,
            compute: self.compute,
            parameters: &parameters,
            buffers: &buffers,
            mode: Mode::Evaluate,
            frozen: &[],
            lengths: None,
        };
        pass.run_watched(x, watch)
    }

    fn guided(&self, x: Tensor<4>, scalar: impl FnOnce(Tensor<2>) -> Tensor<1>) -> Result<InputGradient> {
        self.check_device(&x.clone().without_autodiff())?;
        let mut outputs = vec![Output { leaf: Value::Map(x.clone()), computed: None }];
        let mut order: Vec<(Step, usize)> = Vec::new();
        let mut place = vec![0; self.graph.nodes.len()];
        let logits = self.watched(x, |step, value| {
            let leaf = value.leaf();
            place[step.output] = outputs.len();
            order.push((step.clone(), outputs.len()));
            outputs.push(Output { leaf: leaf.clone(), computed: Some(value) });
            leaf
        })?;
        let gradients = scalar(logits.clone()).sum().backward();
        let mut pending: Vec<Option<Value>> = outputs.iter().map(|_| None).collect();
        if let Some(last) = pending.last_mut() {
            *last = logits.grad(&gradients).map(Value::Vector);
        }
        for (step, number) in order.into_iter().rev() {
            let (Some(gradient), Some(computed)) = (pending[number].take(), outputs[number].computed.take()) else {
                continue;
            };
            let gradient = if is_relu(&self.graph, &step) { gradient.positive() } else { gradient };
            let gradients = computed.backward(gradient)?;
            for input in distinct(&self.graph.nodes[step.node].inputs) {
                let slot = place[input];
                if let Some(more) = outputs[slot].leaf.grad(&gradients) {
                    pending[slot] = Some(match pending[slot].take() {
                        Some(sum) => sum.plus(more)?,
                        None => more,
                    });
                }
            }
        }
        match pending.swap_remove(0) {
            Some(Value::Map(gradient)) => Ok(InputGradient { logits: logits.without_autodiff(), gradient }),
            _ => bail!("the scalar does not depend on the pictures"),
        }
    }
}

/// A step's output in guided backpropagation: as it was computed from the leaves before it, and as the leaf that stands
/// for it from there on. The input has only a leaf.
struct Output {
    leaf: Value,
    computed: Option<Value>,
}

/// Whether a step ends in a ReLU or ReLU6.
fn is_relu(graph: &Graph, step: &Step) -> bool {
    let own = match &graph.nodes[step.node].layer {
        Layer::Activate(activate) => activate.0,
        _ => step.activation,
    };
    matches!(own, Activation::Relu | Activation::Relu6)
}

fn distinct(inputs: &[NodeId]) -> Vec<NodeId> {
    let mut inputs = inputs.to_vec();
    inputs.sort_unstable();
    inputs.dedup();
    inputs
}

/// The tensor's values as the beginning of a recorded graph.
fn leaf<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.without_autodiff().autodiff().require_grad()
}

impl Value {
    fn leaf(&self) -> Self {
        match self {
            Self::Map(x) => Self::Map(leaf(x.clone())),
            Self::Sequence(x) => Self::Sequence(leaf(x.clone())),
            Self::Vector(x) => Self::Vector(leaf(x.clone())),
        }
    }

    fn grad(&self, gradients: &Gradients) -> Option<Self> {
        match self {
            Self::Map(x) => x.grad(gradients).map(Self::Map),
            Self::Sequence(x) => x.grad(gradients).map(Self::Sequence),
            Self::Vector(x) => x.grad(gradients).map(Self::Vector),
        }
    }

    fn plus(self, other: Self) -> Result<Self> {
        match (self, other) {
            (Self::Map(a), Self::Map(b)) => Ok(Self::Map(a + b)),
            (Self::Sequence(a), Self::Sequence(b)) => Ok(Self::Sequence(a + b)),
            (Self::Vector(a), Self::Vector(b)) => Ok(Self::Vector(a + b)),
            _ => bail!("gradients of two kinds for one value"),
        }
    }

    fn positive(self) -> Self {
        match self {
            Self::Map(x) => Self::Map(x.clamp_min(0.0)),
            Self::Sequence(x) => Self::Sequence(x.clamp_min(0.0)),
            Self::Vector(x) => Self::Vector(x.clamp_min(0.0)),
        }
    }

    /// Goes back from this value, whose gradient is given, to the leaves it was computed from.
    fn backward(self, gradient: Self) -> Result<Gradients> {
        match (self, gradient) {
            (Self::Map(x), Self::Map(g)) => Ok((x * g.autodiff()).sum().backward()),
            (Self::Sequence(x), Self::Sequence(g)) => Ok((x * g.autodiff()).sum().backward()),
            (Self::Vector(x), Self::Vector(g)) => Ok((x * g.autodiff()).sum().backward()),
            _ => bail!("a gradient of another kind than its value"),
        }
    }
}

#[cfg(test)]
mod tests;
