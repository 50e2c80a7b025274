//! A graph with values.

mod gradient;
mod scale;
mod statistics;

use std::sync::Arc;

use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};

use super::forward::{Mode, Pass};
use super::graph::Graph;
use super::layers::Role;
use super::part::Part;
use ferrotype_ops::Compute;

pub use gradient::{InputGradient, LayerGradient, ReluRule};

/// A trained tensor. An optimizer replaces [`tensor`](Self::tensor) or writes into it.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Path name, such as `features.conv1_1.weight`.
    pub name: String,
    /// Its shape; the tensor itself is flat.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// Coefficient of Keras' L2 regulariser: `l2 * sum(w^2)` belongs to the loss, `2 * l2 * w` to the gradient.
    pub l2: f32,
    /// The values, flat, without autodiff.
    pub tensor: Tensor<1>,
}

/// A tensor that training tracks but does not optimise: batch normalisation's running statistics.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Path name, such as `features.bn1.running_mean`.
    pub name: String,
    /// Its shape; the tensor itself is flat.
    pub shape: Vec<usize>,
    /// The values, flat, without autodiff.
    pub tensor: Tensor<1>,
}

/// A network with values, on a device without autodiff. Clones share values until one of them changes.
#[derive(Clone, Debug)]
pub struct Network {
    graph: Arc<Graph>,
    device: Device,
    compute: Compute,
    /// The trained tensors, in the graph's order.
    pub parameters: Vec<Parameter>,
    /// The tracked tensors, in the graph's order.
    pub buffers: Vec<Buffer>,
}

/// What one pass in training gives.
pub struct TrainPass {
    /// `[batch, classes]`, tracked by autodiff.
    pub logits: Tensor<2>,
    /// One per parameter, in order; after `backward`, `leaves[i].grad(&gradients)` is the gradient of parameter `i`
    /// (flat, without autodiff).
    pub leaves: Vec<Tensor<1>>,
    /// One per buffer, in order, without autodiff: for [`Network::apply_buffer_updates`].
    pub buffer_updates: Vec<Tensor<1>>,
    /// The value of the node that was to be watched ([`Part::watched`](crate::Part::watched)), `[batch, features]`.
    pub watched: Option<Tensor<2>>,
}

impl Network {
    /// A network with initial values. They depend on the seed and the parameters' names alone.
    pub fn new(graph: Arc<Graph>, seed: u64, device: &Device) -> Self {
        let device = device.clone().inner();
        let flat = |values: Vec<f32>| {
            let len = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [len]), &device)
        };
        let parameters = graph.parameters.iter().map(|p| Parameter {
            name: p.name.clone(),
            shape: p.shape.clone(),
            role: p.role,
            l2: p.l2,
            tensor: flat(p.init.values(seed, &p.name, &p.shape)),
        });
        let buffers = graph.buffers.iter().map(|b| Buffer {
            name: b.name.clone(),
            shape: b.shape.clone(),
            tensor: flat(vec![b.initial; b.shape.iter().product()]),
        });
        let (parameters, buffers) = (parameters.collect(), buffers.collect());
        Self { graph, device, compute: Compute::default(), parameters, buffers }
    }

    /// The network, computed by the given code.
    pub fn with_compute(mut self, compute: Compute) -> Self {
        self.compute = compute;
        self
    }

    /// The same values in another graph: one that differs from its own in sizes that no parameter has, as the number of
    /// steps of a sequence.
    ///
    /// # Errors
    /// When its parameters or buffers differ in name or shape.
    pub fn in_graph(&self, graph: Arc<Graph>) -> Result<Self> {
        let parameters = |g: &Graph| g.parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect::<Vec<_>>();
        let buffers = |g: &Graph| g.buffers.iter().map(|b| (b.name.clone(), b.shape.clone())).collect::<Vec<_>>();
        let same = parameters(&graph) == parameters(&self.graph) && buffers(&graph) == buffers(&self.graph);
        ensure!(same, "{}: weights of another network", self.graph.name);
        Ok(self.replaced(graph, self.parameters.clone(), self.buffers.clone()))
    }

    /// Another graph with values of its own on the same device, computed by the same code.
    pub(super) fn replaced(&self, graph: Arc<Graph>, parameters: Vec<Parameter>, buffers: Vec<Buffer>) -> Self {
        Self { graph, device: self.device.clone(), compute: self.compute, parameters, buffers }
    }

    /// The layers.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The device that holds the values: one without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whose code computes.
    pub fn compute(&self) -> Compute {
        self.compute
    }

    /// The logits `[batch, classes]` of `x [batch, channels, height, width]`, in evaluation mode, without autodiff.
    pub fn forward(&self, x: Tensor<4>) -> Result<Tensor<2>> {
        self.forward_lengths(x, &[])
    }

    /// As [`Network::forward`], for sequences `[batch, 1, steps, features]` of these lengths: steps beyond an example's
    /// length are padding and change nothing. No lengths: all steps are there.
    ///
    /// # Errors
    /// When a length is 0 or beyond the steps, or a layer would mix padding with what is there.
    pub fn forward_lengths(&self, x: Tensor<4>, valid: &[u32]) -> Result<Tensor<2>> {
        self.check_device(&x)?;
        let parameters: Vec<_> = self.parameters.iter().map(|p| p.tensor.clone()).collect();
        let buffers = self.buffer_tensors();
        let pass = self.pass(&parameters, &buffers, Mode::Evaluate).with_lengths(x.dims()[0], valid, &self.device)?;
        pass.run(x.without_autodiff())
    }

    /// A pass in training mode: batch statistics, dropout with masks of `key`, and gradients wanted for every
    /// parameter. Follow it by `backward` on something made of its logits, or autodiff keeps what it recorded.
    pub fn train_pass(&self, x: Tensor<4>, key: u64) -> Result<TrainPass> {
        self.train_pass_lengths(x, key, &[])
    }

    /// As [`Network::train_pass`], for sequences of these lengths, as in [`Network::forward_lengths`].
    ///
    /// # Errors
    /// As [`Network::forward_lengths`].
    pub fn train_pass_lengths(&self, x: Tensor<4>, key: u64, valid: &[u32]) -> Result<TrainPass> {
        self.train_pass_of(x, key, &Part::default(), valid)
    }

    /// Gives the buffers the values that a pass in training found.
    pub fn apply_buffer_updates(&mut self, updates: Vec<Tensor<1>>) -> Result<()> {
        ensure!(
            updates.len() == self.buffers.len(),
            "{}: {} updates for {} buffers: they must come from a pass of the same network",
            self.graph.name,
            updates.len(),
            self.buffers.len()
        );
        for (buffer, tensor) in self.buffers.iter_mut().zip(updates) {
            ensure!(tensor.dims() == buffer.tensor.dims(), "{}: an update of another length", buffer.name);
            buffer.tensor = tensor;
        }
        Ok(())
    }

    pub(super) fn check_device(&self, x: &Tensor<4>) -> Result<()> {
        let device = x.device();
        ensure!(
            device == self.device,
            "{} is on {:?}, but was given pictures on {device:?}: make them on `network.device()`",
            self.graph.name,
            self.device
        );
        Ok(())
    }

    pub(super) fn buffer_tensors(&self) -> Vec<Tensor<1>> {
        self.buffers.iter().map(|b| b.tensor.clone()).collect()
    }

    pub(super) fn pass<'a>(&'a self, parameters: &'a [Tensor<1>], buffers: &'a [Tensor<1>], mode: Mode) -> Pass<'a> {
        Pass { graph: &self.graph, compute: self.compute, parameters, buffers, mode, frozen: &[], lengths: None }
    }
}
