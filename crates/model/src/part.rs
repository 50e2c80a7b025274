//! Training a part of a network: frozen parameters, passes that begin behind what is frozen, the head, and depth.

use anyhow::{Result, ensure};
use burn::tensor::Tensor;

use super::forward::{Mode, Value, check_input};
use super::graph::{Graph, NodeId};
use super::layers::{Layer, Shape};
use super::network::{Network, TrainPass};
use super::plan::Step;

/// What of a network a pass in training covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Per parameter: whether it is frozen. Empty where nothing is.
    pub frozen: Vec<bool>,
    /// The node whose values the pass is given instead of pictures; 0 is the input.
    pub entry: NodeId,
    /// A node of a vector whose value is wanted, too, with its gradient.
    pub watched: Option<NodeId>,
}

impl Graph {
    /// The last node whose value is the same in every epoch when these parameters are frozen (one flag per parameter):
    /// no other parameter, no dropout and no stochastic depth stands before it, and all that follows is computed from it alone. None where
    /// that is the input.
    pub fn frozen_until(&self, frozen: &[bool]) -> Option<NodeId> {
        let is_fixed = |id: NodeId| {
            let node = &self.nodes[id];
            !matches!(node.layer, Layer::Dropout(_) | Layer::DropPath(_)) && node.parameters.clone().all(|p| frozen[p])
        };
        let fixed = self.plan.iter().take_while(|step| is_fixed(step.node)).count();
        (0..fixed)
            .rev()
            .map(|i| (i, self.plan[i].output))
            .find(|&(i, output)| self.is_gateway(i, output))
            .map(|(_, o)| o)
    }

    /// Whether the steps behind number `last` take nothing from those before it but `output`.
    fn is_gateway(&self, last: usize, output: NodeId) -> bool {
        let before: Vec<NodeId> = std::iter::once(0).chain(self.plan[..=last].iter().map(|s| s.output)).collect();
        let later = self.plan[last + 1..].iter().flat_map(|s| &self.nodes[s.node].inputs);
        output != self.output() && later.into_iter().all(|input| *input == output || !before.contains(input))
    }

    /// Per buffer: whether its layer is frozen, by one flag per parameter. Empty where nothing is.
    pub fn frozen_buffers(&self, frozen: &[bool]) -> Vec<bool> {
        let mut buffers = vec![false; if frozen.is_empty() { 0 } else { self.buffers.len() }];
        for node in self.nodes.iter().filter(|_| !frozen.is_empty()) {
            let is_frozen = node.parameters.clone().all(|p| frozen[p]);
            node.buffers.clone().for_each(|b| buffers[b] = is_frozen);
        }
        buffers
    }

    /// The node whose value the classifier takes: what the linear layer at the end is given, dropout aside.
    ///
    /// # Errors
    /// When the last layer is not a linear one of a vector.
    pub fn classifier_input(&self) -> Result<NodeId> {
        let last = &self.nodes[self.output()];
        let is_linear = matches!(last.layer, Layer::Linear(_) | Layer::CosineLinear(_));
        ensure!(
            is_linear && matches!(last.shape, Shape::Vector(_)),
            "{} ends with `{}` ({}), not with a linear layer, whose input would be its features",
            self.name,
            last.name,
            last.layer.kind()
        );
        let mut at = last.inputs[0];
        while matches!(self.nodes[at].layer, Layer::Dropout(_)) {
            at = self.nodes[at].inputs[0];
        }
        Ok(at)
    }

    /// Per parameter: whether it belongs to the head: what follows the features, the classifier and any layers before it that
    /// are named with it. These are the layers below `head.` or `classifier.`; in a network without such names, the last
    /// layer that has parameters.
    pub fn head(&self) -> Vec<bool> {
        let named = |name: &str| name.starts_with("head.") || name.starts_with("classifier.");
        if self.parameters.iter().any(|p| named(&p.name)) {
            return self.parameters.iter().map(|p| named(&p.name)).collect();
        }
        let last = self.nodes.iter().rev().find(|n| !n.parameters.is_empty()).map_or(0..0, |n| n.parameters.clone());
        (0..self.parameters.len()).map(|p| last.contains(&p)).collect()
    }

    /// Per parameter: its depth below the head, which has depth 0. The depth of any other is the largest number of
    /// convolutions and linear layers outside the head on a way from it to the logits, its own layer included; a
    /// normalisation layer has the depth of the convolution before it.
    pub fn depths(&self) -> Vec<usize> {
        let head = self.head();
        let is_head = |id: NodeId| self.nodes[id].parameters.clone().any(|p| head[p]);
        let mut after = vec![0usize; self.nodes.len()];
        let mut depths = vec![0; self.parameters.len()];
        for (id, node) in self.nodes.iter().enumerate().rev() {
            let multiplies = matches!(node.layer, Layer::Conv2d(_) | Layer::Linear(_) | Layer::CosineLinear(_));
            let weighs = multiplies && !is_head(id);
            let through = after[id] + usize::from(weighs);
            for &input in &node.inputs {
                after[input] = after[input].max(through);
            }
            // A layer without a weight of its own belongs to the one before it.
            let own = if weighs { through } else { through + 1 };
            node.parameters.clone().filter(|&p| !head[p]).for_each(|p| depths[p] = own);
        }
        depths
    }
}

impl Network {
    /// The value of node `at` for `x [batch, channels, height, width]`, in evaluation mode: `[batch, values]`, maps
    /// channels first.
    pub fn features(&self, x: Tensor<4>, at: NodeId) -> Result<Tensor<2>> {
        self.check_device(&x)?;
        let parameters: Vec<_> = self.parameters.iter().map(|p| p.tensor.clone()).collect();
        let buffers = self.buffer_tensors();
        let pass = self.pass(&parameters, &buffers, Mode::Evaluate);
        match pass.between(0, self.value_at(x.without_autodiff(), 0)?, at)?.0 {
            Value::Map(map) => Ok(map.flatten(1, 3)),
            Value::Sequence(sequence) => Ok(sequence.flatten(1, 2)),
            Value::Vector(vector) => Ok(vector),
        }
    }

    /// The shape of node `at` as that of a batch's pictures: `[channels, height, width]`, `[1, steps, features]`
    /// of a sequence, or `[features, 1, 1]`.
    pub fn feature_shape(&self, at: NodeId) -> [usize; 3] {
        match self.graph().nodes[at].shape {
            Shape::Map { channels, height, width } => [channels, height, width],
            Shape::Sequence { steps, features } => [1, steps, features],
            Shape::Vector(features) => [features, 1, 1],
        }
    }

    /// The logits from the value of node `entry`, `[batch, ..]` of [`Network::feature_shape`], in evaluation mode; `valid`
    /// as in [`Network::forward_lengths`].
    pub fn forward_from(&self, x: Tensor<4>, entry: NodeId, valid: &[u32]) -> Result<Tensor<2>> {
        if entry == 0 {
            return self.forward_lengths(x, valid);
        }
        self.check_device(&x)?;
        let parameters: Vec<_> = self.parameters.iter().map(|p| p.tensor.clone()).collect();
        let buffers = self.buffer_tensors();
        let pass = self.pass(&parameters, &buffers, Mode::Evaluate);
        let pass = pass.with_lengths(x.dims()[0], valid, self.device())?;
        pass.between(entry, self.value_at(x.without_autodiff(), entry)?, self.graph().output())?.0.vector()
    }

    /// As [`Network::train_pass_lengths`], of a part: frozen parameters get no gradient, frozen normalisation layers use and keep
    /// their running statistics, and autodiff begins at the first layer that is trained.
    pub fn train_pass_of(&self, x: Tensor<4>, key: u64, part: &Part, valid: &[u32]) -> Result<TrainPass> {
        self.check_device(&x)?;
        if part.entry == 0 {
            check_input(self.graph(), &x)?;
        }
        let is_frozen = |i: usize| part.frozen.get(i).copied().unwrap_or(false);
        let leaf =
            |(i, tensor): (usize, Tensor<1>)| if is_frozen(i) { tensor } else { tensor.autodiff().require_grad() };
        let leaves: Vec<_> = self.parameters.iter().map(|p| p.tensor.clone()).enumerate().map(leaf).collect();
        let buffers = self.buffer_tensors();
        let pass = self.pass(&leaves, &buffers, Mode::Train(key));
        let mut pass = pass.with_lengths(x.dims()[0], valid, self.device())?;
        pass.frozen = &part.frozen;
        let x = if part.frozen.is_empty() { x.autodiff() } else { x };
        let entry = self.value_at(x, part.entry)?;
        let mut watched = (part.watched == Some(part.entry)).then(|| entry.clone());
        let keep = |step: &Step, value: Value| {
            if part.watched == Some(step.output) {
                watched = Some(value.clone());
            }
            value
        };
        let (value, buffer_updates) = pass.between_watched(part.entry, entry, self.graph().output(), keep)?;
        let watched = watched.map(Value::vector).transpose()?;
        Ok(TrainPass { logits: value.vector()?, leaves, buffer_updates, watched })
    }

    /// A batch as the value of a node, if it has its shape.
    pub(super) fn value_at(&self, x: Tensor<4>, entry: NodeId) -> Result<Value> {
        let [batch, channels, height, width] = x.dims();
        let wanted = self.feature_shape(entry);
        ensure!(
            [channels, height, width] == wanted && batch > 0,
            "{}: {batch} values of {channels}x{height}x{width} were given for {}, which has {wanted:?}",
            self.graph().name,
            self.graph().nodes[entry].name
        );
        Ok(match self.graph().nodes[entry].shape {
            Shape::Map { .. } => Value::Map(x),
            Shape::Sequence { steps, features } => Value::Sequence(x.reshape([batch, steps, features])),
            Shape::Vector(_) => Value::Vector(x.flatten(1, 3)),
        })
    }
}

#[cfg(test)]
mod tests;
