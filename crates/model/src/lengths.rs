//! Sequences of different lengths in one batch: shorter ones are padded at their end, and layers keep to the steps that
//! are there. What a network gives for a sequence is then the same whatever it is padded to.

use anyhow::{Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};

use super::graph::{Graph, Node};
use super::layers::{Layer, Shape};

/// Which steps of a batch's sequences are there.
pub(super) struct Lengths {
    /// Per node: whether its value has steps that are padding.
    padded: Vec<bool>,
    /// `[batch, steps]`: 1 where a step is there, 0 where it is padding.
    mask: Tensor<2>,
    /// `[batch, steps]`: 1 at the last step that is there.
    last: Tensor<2>,
    /// `[batch, 1]`: how many are there.
    counts: Tensor<2>,
}

impl Lengths {
    /// The lengths `valid` of the examples of a batch (empty: all steps are there) for a network of sequences; none where
    /// nothing is padding, and for networks that take no sequences.
    ///
    /// # Errors
    /// When a length is impossible, or a layer cannot keep to it.
    pub fn of(graph: &Graph, batch: usize, valid: &[u32], device: &Device) -> Result<Option<Self>> {
        let [_, steps, _] = graph.input;
        if valid.is_empty() || !graph.takes_sequences() {
            return Ok(None);
        }
        ensure!(valid.len() == batch, "{}: {} lengths for {batch} sequences", graph.name, valid.len());
        if let Some(length) = valid.iter().find(|&&v| v == 0 || v as usize > steps) {
            bail!("{}: a sequence of length {length} among sequences of 1 to {steps} steps", graph.name);
        }
        if valid.iter().all(|&v| v as usize == steps) {
            return Ok(None);
        }
        let table = |holds: fn(usize, usize) -> bool| {
            let row = |&v: &u32| (0..steps).map(move |t| f32::from(u8::from(holds(t, v as usize))));
            let values: Vec<f32> = valid.iter().flat_map(row).collect();
            Tensor::<2>::from_data(TensorData::new(values, [batch, steps]), device)
        };
        let counts: Vec<f32> = valid.iter().map(|&v| v as f32).collect();
        Ok(Some(Self {
            padded: graph.padding()?,
            mask: table(|t, length| t < length),
            last: table(|t, length| t + 1 == length),
            counts: Tensor::from_data(TensorData::new(counts, [batch, 1]), device),
        }))
    }

    /// As tensors that autodiff takes beside those that it tracks.
    pub fn autodiff(self) -> Self {
        let Self { padded, mask, last, counts } = self;
        Self { padded, mask: mask.autodiff(), last: last.autodiff(), counts: counts.autodiff() }
    }

    /// Whether what the node takes has steps that are padding.
    pub fn concern(&self, node: &Node) -> bool {
        node.inputs.first().is_some_and(|&input| self.padded[input])
    }

    /// `[batch, steps]`: 1 where a step is there.
    pub fn mask(&self) -> Tensor<2> {
        self.mask.clone()
    }

    /// `x [batch, channels, steps, width]` with zeros in place of padding.
    pub fn masked_map(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, steps] = self.mask.dims();
        x * self.mask.clone().reshape([batch, 1, steps, 1])
    }

    /// `x [batch, steps, features]` with zeros in place of padding.
    pub fn masked_sequence(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, steps] = self.mask.dims();
        x * self.mask.clone().reshape([batch, steps, 1])
    }

    /// The last step that is there, `[batch, features]`.
    pub fn last(&self, x: Tensor<3>) -> Tensor<2> {
        let [batch, steps, features] = x.dims();
        (x * self.last.clone().reshape([batch, steps, 1])).sum_dim(1).reshape([batch, features])
    }

    /// `[batch, 1]`: how many steps are there.
    pub fn counts(&self) -> Tensor<2> {
        self.counts.clone()
    }
}

impl Graph {
    /// Whether the input holds sequences, `[planes, steps, features]`: the first layers say so.
    pub fn takes_sequences(&self) -> bool {
        let sequences = |n: &Node| matches!(n.layer, Layer::ToSequence(_) | Layer::MaskSteps(_) | Layer::MeanSteps(_));
        // The input, or planes of it.
        let given = |i: usize| i == 0 || matches!(self.nodes[i].layer, Layer::Slice(_)) && self.nodes[i].inputs == [0];
        self.nodes.iter().any(|n| sequences(n) && n.inputs.iter().any(|&i| given(i)))
    }

    /// Per node, whether its value has steps that are padding where the input has.
    ///
    /// # Errors
    /// Names the first layer that would mix padding with what is there.
    pub fn padding(&self) -> Result<Vec<bool>> {
        let mut padded = vec![true];
        for node in &self.nodes[1..] {
            let given = node.inputs.iter().any(|&i| padded[i]);
            let keeps = match &node.layer {
                _ if !given => false,
                Layer::ToSequence(_) | Layer::MaskSteps(_) | Layer::Activate(_) | Layer::Dropout(_) => true,
                Layer::DropPath(_) => true,
                Layer::Linear(_) | Layer::Add(_) | Layer::Concat(_) | Layer::Slice(_) => true,
                Layer::LayerNorm(_) | Layer::Gelu(_) | Layer::Apply(_) => true,
                // Zeros behind the end are no mixture.
                Layer::Flatten(_) if self.is_masked(node) => false,
                Layer::Lstm(_) => matches!(node.shape, Shape::Sequence { .. }),
                Layer::LastStep(_) | Layer::MeanSteps(_) => false,
                Layer::Conv2d(conv) if conv.kernel[0] == 1 || self.is_masked(node) => true,
                Layer::Conv2d(_) => return Err(self.mixes(node, ": put `mask_steps` before it")),
                _ => return Err(self.mixes(node, "")),
            };
            padded.push(keeps);
        }
        Ok(padded)
    }

    fn is_masked(&self, node: &Node) -> bool {
        matches!(self.nodes[node.inputs[0]].layer, Layer::MaskSteps(_))
    }

    fn mixes(&self, node: &Node, help: &str) -> anyhow::Error {
        anyhow::anyhow!(
            "{} cannot take sequences of different lengths: its layer {} ({}) mixes padding with what is there{help}",
            self.name,
            node.name,
            node.layer.kind()
        )
    }
}

#[doc(hidden)]
pub mod ragged;
#[cfg(test)]
mod tests;
