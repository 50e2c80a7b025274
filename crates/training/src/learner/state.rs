//! What of a learner a checkpoint keeps.

use std::collections::HashMap;

use anyhow::{Context, Result};
use burn::tensor::{Tensor, TensorData};
use ferrotype_model::StateTensor;
use ferrotype_ops as ops;

use super::{Learner, names};
use crate::checkpoint::Checkpoint;

/// Under which name a checkpoint keeps the centres of the classes.
const CENTERS: &str = "objective/centers";

impl Learner {
    /// Adds weights, optimizer state and moving average to a checkpoint.
    ///
    /// # Errors
    /// When a tensor cannot be read from its device.
    pub fn save(&self, checkpoint: &mut Checkpoint) -> Result<()> {
        checkpoint.tensors = self.network.state()?;
        for (name, values) in self.optimizer.state() {
            checkpoint.tensors.push(flat(format!("optimizer/{name}"), values));
        }
        if let Some((kind, tensors)) = self.averages() {
            for (name, tensor) in names(&self.network).zip(tensors) {
                checkpoint.tensors.push(flat(format!("{kind}/{name}"), ops::host(tensor.clone())?));
            }
        }
        if let Some(centers) = &self.centers {
            checkpoint.tensors.push(flat(CENTERS.into(), centers.centers().to_vec()));
        }
        checkpoint.meta.step = self.steps();
        checkpoint.meta.missed = self.optimizer.missed();
        Ok(())
    }

    /// Takes back what [`Learner::save`] wrote.
    ///
    /// # Errors
    /// When the checkpoint belongs to another model or optimizer.
    pub fn restore(&mut self, mut checkpoint: Checkpoint) -> Result<()> {
        let device = self.network.device().clone();
        let mut slots = checkpoint.take("optimizer/");
        let (ema, swa) = (checkpoint.take("ema/"), checkpoint.take("swa/"));
        if let Some(centers) = &mut self.centers {
            let kept = checkpoint.take(CENTERS).into_values().next();
            centers.restore(kept.context("the checkpoint has no centres of objective.center_loss")?.values)?;
        }
        self.network.load_state(checkpoint.tensors)?;
        self.optimizer.restore_missed(&checkpoint.meta.missed);
        self.optimizer.load(checkpoint.meta.step, &device, |name| slots.remove(name).map(|t| t.values))?;
        let network = &self.network;
        let in_order = |mut found: HashMap<String, StateTensor>| -> Result<Vec<Tensor<1>>> {
            let tensor = |name: &String| {
                let average = found.remove(name);
                let values = average.with_context(|| format!("the checkpoint has no average of {name}"))?.values;
                let length = values.len();
                Ok(Tensor::from_data(TensorData::new(values, [length]), &device))
            };
            names(network).map(tensor).collect()
        };
        if let Some(average) = &mut self.ema {
            average.restore(in_order(ema)?);
        }
        let done = checkpoint.meta.epoch;
        if let Some(average) = self.swa.as_mut().filter(|average| average.taken_after(done) > 0) {
            average.restore(done, in_order(swa)?);
        }
        Ok(())
    }
}

fn flat(name: String, values: Vec<f32>) -> StateTensor {
    StateTensor { name, shape: vec![values.len()], values }
}
