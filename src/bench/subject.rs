//! A network with fixed random data, ready to be timed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use ferrotype_base::random::Stream;
use ferrotype_data::Batch;
use ferrotype_model::objective::ObjectiveOptions;
use ferrotype_model::{ModelOptions, Network, StateTensor};
use ferrotype_ops::{self as ops, Compute};
use ferrotype_training::learner::{Learner, images};
use ferrotype_training::options::{AdamOptions, OptimizerOptions, SgdOptions, TrainOptions};

/// The optimizers that steps are measured with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// SGD with a momentum of 0.9.
    #[default]
    Sgd,
    /// Adam.
    Adam,
}

/// The learning rate: small, so that no network diverges on noise.
const LR: f64 = 1e-3;

/// A network that is trained and asked on fixed random pictures.
pub struct Subject {
    learner: Learner,
    batch: Batch,
}

impl Subject {
    /// The network at its default input, and a batch of random pictures with soft random targets.
    ///
    /// # Errors
    /// When the network cannot be built.
    pub fn new(
        model: &ModelOptions,
        batch: usize,
        optimizer: Optimizer,
        compute: Compute,
        device: &Device,
    ) -> Result<Self> {
        ensure!(batch > 0, "a batch needs at least one picture");
        let (input, classes) = (model.default_input(), model.architecture().default_classes());
        let network = Network::new(Arc::new(model.build(input, classes)?), 1, device).with_compute(compute);
        let objective = ObjectiveOptions::default().build();
        let learner = Learner::new(network, objective, vec![1.0; classes], &options(optimizer, batch), 1);
        Ok(Self { learner, batch: random_batch(input, classes, batch) })
    }

    /// The time of each of so many training steps, in milliseconds: forward, backward, optimizer, and the copy of the
    /// pictures into a tensor.
    ///
    /// # Errors
    /// When the loss is no longer finite.
    pub fn train(&mut self, steps: usize) -> Result<Vec<f64>> {
        let batch = std::slice::from_ref(&self.batch);
        (0..steps).map(|_| timed(|| self.learner.step(batch, LR).map(drop))).collect()
    }

    /// The mean loss of each of so many training steps.
    ///
    /// # Errors
    /// When the loss is no longer finite.
    pub fn losses(&mut self, steps: usize) -> Result<Vec<f64>> {
        let batch = std::slice::from_ref(&self.batch);
        (0..steps).map(|_| self.learner.step(batch, LR).map(|o| o.loss_sum / o.weight_sum)).collect()
    }

    /// The time of each of so many forward passes in evaluation mode, in milliseconds, logits on the host.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn infer(&self, passes: usize) -> Result<Vec<f64>> {
        // As prediction does: once for all pictures.
        let network = self.learner.network.folded()?;
        (0..passes).map(|_| timed(|| self.logits_of(&network).map(drop))).collect()
    }

    /// The logits of the fixed pictures, in evaluation mode.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn logits(&self) -> Result<Vec<f32>> {
        self.logits_of(&self.learner.network)
    }

    fn logits_of(&self, network: &Network) -> Result<Vec<f32>> {
        let logits = network.forward(images(&self.batch, network.device()))?;
        let length = logits.dims().iter().product::<usize>();
        ops::host(logits.reshape([length]))
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.learner.network
    }

    /// Number of trained values.
    pub fn parameters(&self) -> usize {
        self.learner.network.graph().parameter_count()
    }

    /// Pictures per batch.
    pub fn batch_size(&self) -> usize {
        self.batch.len()
    }

    /// The network's values, the fixed `pixels`, `targets`, and the `logits` it gives: for the same network elsewhere
    /// to be compared with. Running statistics are shifted first, so that a network that ignores them shows.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn state(&mut self) -> Result<Vec<StateTensor>> {
        let device = self.learner.network.device().clone();
        for (i, buffer) in self.learner.network.buffers.iter_mut().enumerate() {
            let length = buffer.tensor.dims()[0];
            let mut stream = Stream::new(i as u64);
            let [low, high] = if buffer.name.ends_with("running_var") { [0.2, 0.8] } else { [-0.3, 0.1] };
            let values: Vec<f32> = (0..length).map(|_| stream.uniform(low, high)).collect();
            buffer.tensor = Tensor::from_data(TensorData::new(values, [length]), &device);
        }
        let mut state = self.learner.network.state()?;
        let (rows, classes) = (self.batch.len(), self.learner.network.graph().classes);
        let [c, h, w] = self.batch.shape;
        let mut push = |name: &str, shape: Vec<usize>, values: Vec<f32>| {
            state.push(StateTensor { name: name.into(), shape, values });
        };
        push("pixels", vec![rows, c, h, w], self.batch.images.clone());
        push("targets", vec![rows, classes], self.batch.targets.clone());
        push("logits", vec![rows, classes], self.logits()?);
        Ok(state)
    }
}

/// Milliseconds that `f` takes.
fn timed(f: impl FnOnce() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    f()?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn options(optimizer: Optimizer, batch_size: usize) -> TrainOptions {
    TrainOptions {
        adversarial: None,
        epochs: 1,
        batch_size,
        accumulate: 1,
        lr: LR,
        optimizer: match optimizer {
            Optimizer::Sgd => OptimizerOptions::Sgd(SgdOptions::default()),
            Optimizer::Adam => OptimizerOptions::Adam(AdamOptions::default()),
        },
        schedule: Default::default(),
        weight_decay: 0.0,
        decay_skips_norms: true,
        clip_norm: None,
        clip_value: None,
        ema: None,
        swa: None,
        early_stopping: None,
        stop_at: None,
        checkpoint: Default::default(),
        init: None,
        reinit: Vec::new(),
        freeze: Vec::new(),
        unfreeze_at: Vec::new(),
        layer_decay: None,
        head_lr: None,
        feature_cache: None,
    }
}

/// Pixels in [-1, 1) and targets with half their weight on one class, the rest spread evenly.
fn random_batch(shape: [usize; 3], classes: usize, size: usize) -> Batch {
    let mut stream = Stream::new(7);
    let images = (0..size * shape.iter().product::<usize>()).map(|_| stream.uniform(-1.0, 1.0)).collect();
    let mut targets = vec![0.5 / classes as f32; size * classes];
    for row in targets.chunks_exact_mut(classes) {
        row[stream.below(classes)] += 0.5;
    }
    Batch { images, targets, weights: vec![1.0; size], rows: (0..size as u32).collect(), shape, ..Batch::default() }
}
