//! One optimizer step: forward, backward, clip, update.

mod state;

use std::borrow::Cow;

use anyhow::{Context, Result, bail};
use burn::tensor::{Device, Tensor, TensorData};
use ferrotype_base::statistics::first_largest;

use super::adversarial::Adversary;
use super::ema::Ema;
use super::freeze::Freezing;
use super::optimizer::Optimizer;
use super::options::TrainOptions;
use super::swa::Swa;
use ferrotype_base::random::{Purpose, key};
use ferrotype_data::Batch;
use ferrotype_model::objective::{CenterLoss, CenterLossOptions, Distillation, Objective};
use ferrotype_model::{Network, NodeId, Part, Role};
use ferrotype_ops as ops;
use ferrotype_ops::profile::{Kind, Phase, timed};

/// What a step did, summed over its examples.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepOutcome {
    /// Sum of weighted losses.
    pub loss_sum: f64,
    /// Sum of weights.
    pub weight_sum: f64,
    /// Examples predicted right while training.
    pub correct: u64,
    /// Examples.
    pub seen: u64,
    /// Global norm of the mean gradient before clipping; only known when clipping is on.
    pub gradient_norm: Option<f64>,
}

/// A network with what trains it.
pub struct Learner {
    /// The weights being trained.
    pub network: Network,
    objective: Box<dyn Objective>,
    optimizer: Optimizer,
    ema: Option<Ema>,
    swa: Option<Swa>,
    class_weights: Vec<f32>,
    options: TrainOptions,
    seed: u64,
    freezing: Freezing,
    part: Part,
    distillation: Option<Distillation>,
    centers: Option<CenterLoss>,
    adversary: Option<Adversary>,
}

impl Learner {
    /// A learner at its start. `class_weights` has one weight per class; it is empty where targets are no distributions
    /// over classes, and neither are right predictions counted then.
    pub fn new(
        network: Network,
        objective: Box<dyn Objective>,
        class_weights: Vec<f32>,
        options: &TrainOptions,
        seed: u64,
    ) -> Self {
        let sizes: Vec<_> = network.parameters.iter().map(|p| (p.name.clone(), p.shape.iter().product())).collect();
        let optimizer = Optimizer::new(&options.optimizer, &sizes, network.device()).with_compute(network.compute());
        let ema = options.ema.map(|decay| Ema::new(decay, tensors(&network).cloned().collect()));
        let swa = options.swa.as_ref().map(|swa| Swa::new(swa.after));
        let options = options.clone();
        Self {
            network,
            objective,
            optimizer,
            ema,
            swa,
            class_weights,
            options,
            seed,
            freezing: Freezing::default(),
            part: Part::default(),
            distillation: None,
            centers: None,
            adversary: None,
        }
    }

    /// The learner, training in each epoch what is not frozen; batches hold the values of node `entry` in place of
    /// pictures, unless it is 0, the input.
    pub fn with_freezing(mut self, freezing: Freezing, entry: NodeId) -> Self {
        self.part = Part { frozen: freezing.frozen(0), entry, ..self.part };
        self.freezing = freezing;
        self
    }

    /// The learner, listening to what teachers say in each batch.
    pub fn with_distillation(mut self, distillation: Option<Distillation>) -> Self {
        self.distillation = distillation;
        self
    }

    /// The learner, drawing features to the centres of their classes, too.
    ///
    /// # Errors
    /// When the network has no linear layer at its end, whose input would be the features.
    pub fn with_centers(mut self, options: Option<&CenterLossOptions>) -> Result<Self> {
        let Some(options) = options else { return Ok(self) };
        let graph = self.network.graph();
        let features = graph.classifier_input().context("objective.center_loss")?;
        self.centers = Some(CenterLoss::new(options, graph.classes, graph.nodes[features].shape.len()));
        self.part.watched = Some(features);
        Ok(self)
    }

    /// The learner, with adversarial examples among those it trains on.
    pub fn with_adversary(mut self, adversary: Option<Adversary>) -> Self {
        self.adversary = adversary;
        self
    }

    /// To be called before the steps of an epoch, counted from 0: freezes and unfreezes.
    pub fn begin_epoch(&mut self, epoch: usize) {
        self.part.frozen = self.freezing.frozen(epoch);
    }

    /// To be called after the steps of an epoch, counted from 0.
    pub fn end_epoch(&mut self, epoch: usize) {
        if let Some(swa) = &mut self.swa {
            swa.update(epoch, tensors(&self.network));
        }
    }

    /// Optimizer steps done.
    pub fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    /// Takes one optimizer step on the mean loss of all examples of `batches` (the parts of gradient accumulation).
    ///
    /// # Errors
    /// When the loss, or the norm of a gradient to be clipped, is not a finite number: no weight is changed then.
    pub fn step(&mut self, batches: &[Batch], lr: f64) -> Result<StepOutcome> {
        let mut outcome = StepOutcome::default();
        let mut sums: Vec<Option<Tensor<1>>> = vec![None; self.network.parameters.len()];
        for (part, batch) in batches.iter().enumerate() {
            self.accumulate(batch, part, &mut sums, &mut outcome)?;
        }
        let mut scale = 1.0 / outcome.weight_sum.max(f64::MIN_POSITIVE);
        if let Some(limit) = self.options.clip_norm {
            let compute = self.network.compute();
            let squares: f64 = sums.iter().flatten().map(|g| ops::sum_squares(compute, g)).sum();
            let norm = squares.sqrt() * scale;
            // Scaled by limit / infinity it would turn every weight into NaN.
            if !norm.is_finite() {
                bail!("the norm of the gradient is {norm}");
            }
            outcome.gradient_norm = Some(norm);
            scale *= (limit / (norm + 1e-6)).min(1.0);
        }
        if let Some(limit) = self.options.clip_value {
            let limit = limit / scale;
            sums.iter_mut().for_each(|sum| *sum = sum.take().map(|sum| sum.clamp(-limit, limit)));
        }
        timed(Kind::Phase(Phase::Update), || self.update(sums, lr, scale));
        if let Some(centers) = &mut self.centers {
            centers.advance();
        }
        Ok(outcome)
    }

    /// Adds the gradient of the summed loss of one batch.
    fn accumulate(
        &mut self,
        batch: &Batch,
        part: usize,
        sums: &mut [Option<Tensor<1>>],
        outcome: &mut StepOutcome,
    ) -> Result<()> {
        let mixed = match &self.adversary {
            Some(adversary) => adversary.mixed(&self.network, self.objective.as_ref(), batch, self.steps(), part)?,
            None => Cow::Borrowed(batch),
        };
        let batch = mixed.as_ref();
        let device = self.network.device().clone();
        let classes = self.network.graph().classes;
        let dropout = key(self.seed, Purpose::Dropout, &[self.steps(), part as u64]);
        let pixels = timed(Kind::Phase(Phase::Input), || images(batch, &device));
        let forward = || self.network.train_pass_of(pixels, dropout, &self.part, &batch.valid);
        let pass = timed(Kind::Phase(Phase::Forward), forward)?;
        let weights = self.example_weights(batch);
        let rows = batch.len();
        let targets = Tensor::<2>::from_data(TensorData::new(batch.targets.clone(), [rows, classes]), &device);
        let compute = self.network.compute();
        let mut losses = if batch.known.is_empty() {
            self.objective.losses(compute, pass.logits.clone(), targets.autodiff())
        } else {
            let known = Tensor::<2>::from_data(TensorData::new(batch.known.clone(), [rows, classes]), &device);
            self.objective.masked_losses(compute, pass.logits.clone(), targets.autodiff(), known.autodiff())
        };
        if let Some(distillation) = &self.distillation {
            losses = distillation.blend(self.network.compute(), losses, pass.logits.clone(), &batch.soft)?;
        }
        if let (Some(centers), Some(features)) = (&mut self.centers, pass.watched) {
            losses = losses + centers.losses(features, &batch.targets)?;
        }
        let weight_tensor = Tensor::<1>::from_data(TensorData::new(weights.clone(), [rows]), &device);
        let loss = (losses * weight_tensor.autodiff()).sum();
        let loss_sum = f64::from(ops::host(loss.clone().inner())?[0]);
        let gradients = timed(Kind::Phase(Phase::Backward), || loss.backward());
        let logits = ops::host(pass.logits.inner().reshape([rows * classes]))?;
        if !loss_sum.is_finite() {
            bail!("the loss is {loss_sum}");
        }
        outcome.loss_sum += loss_sum;
        outcome.weight_sum += weights.iter().map(|&w| f64::from(w)).sum::<f64>();
        if !self.class_weights.is_empty() {
            outcome.correct += correct(&logits, &batch.targets, classes);
        }
        outcome.seen += rows as u64;
        for (sum, leaf) in sums.iter_mut().zip(&pass.leaves) {
            if let Some(gradient) = leaf.grad(&gradients) {
                *sum = Some(match sum.take() {
                    Some(s) => s + gradient,
                    None => gradient,
                });
            }
        }
        self.network.apply_buffer_updates(pass.buffer_updates)
    }

    /// The loss's weight of each example: its own times that of its class.
    fn example_weights(&self, batch: &Batch) -> Vec<f32> {
        let classes = self.class_weights.len();
        if classes == 0 {
            return batch.weights.clone();
        }
        let by_class = batch.targets.chunks_exact(classes).map(|t| {
            let pairs = t.iter().zip(&self.class_weights);
            pairs.map(|(p, w)| p * w).sum::<f32>() / t.iter().sum::<f32>().max(f32::MIN_POSITIVE)
        });
        by_class.zip(&batch.weights).map(|(c, w)| c * w).collect()
    }

    fn update(&mut self, sums: Vec<Option<Tensor<1>>>, lr: f64, scale: f64) {
        self.optimizer.advance();
        for (index, gradient) in sums.into_iter().enumerate() {
            let parameter = &mut self.network.parameters[index];
            let Some(gradient) = gradient else {
                self.optimizer.skip(index);
                continue;
            };
            let skips = self.options.decay_skips_norms && parameter.role != Role::Weight;
            let decay = if skips { 0.0 } else { self.options.weight_decay };
            let regulariser = 2.0 * f64::from(parameter.l2);
            let device = parameter.tensor.device();
            // Taken out, not cloned: an optimizer that works in place needs the only handle.
            let weight = std::mem::replace(&mut parameter.tensor, Tensor::empty([0], &device));
            let lr = lr * self.freezing.rate(index);
            let (gradient, decay) = self.optimizer.regularised(&weight, gradient, decay, regulariser, scale);
            parameter.tensor = self.optimizer.update(index, weight, gradient, lr, decay, scale);
        }
        let step = self.optimizer.steps();
        if let Some(ema) = &mut self.ema {
            let mut frozen = self.part.frozen.clone();
            frozen.extend(self.network.graph().frozen_buffers(&self.part.frozen));
            ema.update(step, tensors(&self.network), &frozen);
        }
    }

    /// The network that is scored and kept: the average where there is one.
    pub fn scored(&self) -> Network {
        let mut network = self.network.clone();
        for (slot, average) in tensors_mut(&mut network).zip(self.averages().into_iter().flat_map(|(_, means)| means)) {
            *slot = average.clone();
        }
        network
    }

    /// Under which name a checkpoint keeps the average, and its tensors.
    fn averages(&self) -> Option<(&'static str, &[Tensor<1>])> {
        let ema = self.ema.as_ref().map(|ema| ("ema", ema.tensors()));
        ema.or_else(|| self.swa.as_ref().map(|swa| ("swa", swa.tensors())))
    }

    /// Whether the running statistics of [`Learner::scored`] are not those of its weights, so that they are to be taken anew.
    pub fn has_stale_statistics(&self) -> bool {
        self.swa.as_ref().is_some_and(|swa| !swa.tensors().is_empty()) && !self.network.buffers.is_empty()
    }

    /// Gives a network with this one's layers the mean of its statistics over these batches, each weighing the same
    /// (torch.optim.swa_utils.update_bn).
    ///
    /// # Errors
    /// When a batch cannot be had.
    pub fn refresh_statistics(
        &self,
        network: &mut Network,
        batches: impl Iterator<Item = Result<Batch>>,
    ) -> Result<()> {
        let device = network.device().clone();
        let watched = network.with_momentum(1.0);
        let mut sums: Vec<Vec<f64>> = watched.buffers.iter().map(|b| vec![0.0; b.shape.iter().product()]).collect();
        let mut count = 0u64;
        for batch in batches {
            let batch = batch?;
            let dropout = key(self.seed, Purpose::Dropout, &[self.steps(), count, 1]);
            let seen = watched.batch_statistics(images(&batch, &device), dropout, &self.part, &batch.valid)?;
            for (sum, tensor) in sums.iter_mut().zip(seen) {
                sum.iter_mut().zip(ops::host(tensor)?).for_each(|(sum, value)| *sum += f64::from(value));
            }
            count += 1;
        }
        for (buffer, sum) in network.buffers.iter_mut().zip(sums) {
            let mean: Vec<f32> = sum.iter().map(|sum| (sum / count.max(1) as f64) as f32).collect();
            let length = mean.len();
            buffer.tensor = Tensor::from_data(TensorData::new(mean, [length]), &device);
        }
        Ok(())
    }
}

/// A batch's pictures as a tensor, `[batch, channels, height, width]`.
pub fn images(batch: &Batch, device: &Device) -> Tensor<4> {
    let [c, h, w] = batch.shape;
    Tensor::from_data(TensorData::new(batch.images.clone(), [batch.len(), c, h, w]), device)
}

fn names(network: &Network) -> impl Iterator<Item = &String> {
    network.parameters.iter().map(|p| &p.name).chain(network.buffers.iter().map(|b| &b.name))
}

fn tensors(network: &Network) -> impl Iterator<Item = &Tensor<1>> {
    network.parameters.iter().map(|p| &p.tensor).chain(network.buffers.iter().map(|b| &b.tensor))
}

fn tensors_mut(network: &mut Network) -> impl Iterator<Item = &mut Tensor<1>> {
    let buffers = network.buffers.iter_mut().map(|b| &mut b.tensor);
    network.parameters.iter_mut().map(|p| &mut p.tensor).chain(buffers)
}

/// How many rows have their largest logit where their target is largest.
fn correct(logits: &[f32], targets: &[f32], classes: usize) -> u64 {
    let rows = logits.chunks_exact(classes).zip(targets.chunks_exact(classes));
    rows.filter(|(z, t)| first_largest(z) == first_largest(t)).count() as u64
}
