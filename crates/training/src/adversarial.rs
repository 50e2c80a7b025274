//! Adversarial training (Madry et al., arXiv:1706.06083): a part of each batch is replaced by adversarial examples made
//! from it (the mixture is that of Kurakin et al., arXiv:1611.01236).
//!
//! Examples are made with the weights of the moment, in evaluation mode: batch normalisation by its running statistics,
//! no dropout. That is how the attacks of `ferrotype attack` see the network; it keeps the pictures of a batch from
//! seeing each other, and leaves the running statistics alone (Pang et al., arXiv:2010.00467, compare both modes). The
//! step itself then trains on the mixed batch as on any other. Which examples are replaced, and where an attack begins,
//! follow from seed, step and place: a resumed run goes on with the same bits.

use std::borrow::Cow;

use anyhow::{Result, bail};
use burn::tensor::{Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::options::TrainOptions;
use crate::attack::{Attack, AttackTarget, Method, Norm};
use ferrotype_base::random::{Purpose, Stream, key};
use ferrotype_data::Batch;
use ferrotype_data::preprocess::{Pipeline, Views};
use ferrotype_model::Network;
use ferrotype_model::objective::Objective;

/// Training on adversarial examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdversarialOptions {
    /// How the examples are made.
    pub method: Method,
    /// Largest size of the perturbation, in pixel units of 0..255.
    pub eps: f32,
    /// How that size is measured.
    pub norm: Norm,
    /// Share of each batch that is replaced by adversarial examples, 0 to 1.
    pub ratio: f64,
    /// Epochs on clean examples alone before the first adversarial one.
    pub start_epoch: usize,
}

impl Default for AdversarialOptions {
    fn default() -> Self {
        Self { method: Method::default(), eps: 4.0, norm: Norm::Linf, ratio: 0.5, start_epoch: 0 }
    }
}

/// Makes the adversarial examples of training.
#[derive(Clone, Debug)]
pub struct Adversary {
    attack: Attack,
    ratio: f64,
    start_step: u64,
    pipeline: Pipeline,
    seed: u64,
}

impl Adversary {
    /// The adversary of an experiment with so many training rows; none where it asks for none.
    ///
    /// # Errors
    /// As [`Adversary::new`].
    pub fn of(train: &TrainOptions, pipeline: &Pipeline, rows: usize, seed: u64) -> Result<Option<Self>> {
        let steps = rows.div_ceil(train.batch_size.max(1)).div_ceil(train.accumulate.max(1));
        train.adversarial.as_ref().map(|options| Self::new(options, pipeline, steps, seed)).transpose()
    }

    /// An adversary that begins after `start_epoch` epochs of `steps_per_epoch` optimizer steps.
    ///
    /// # Errors
    /// When a number is impossible, or the scale cannot be undone: augmented pictures are known after the scale only.
    pub fn new(options: &AdversarialOptions, pipeline: &Pipeline, steps_per_epoch: usize, seed: u64) -> Result<Self> {
        if pipeline.slopes().is_none() {
            bail!(
                "train.adversarial cannot be used with preprocess.scale ferplus: its histogram equalisation cannot be \
                 undone, so there are no pixels to perturb; choose another scale (unit, signed or mean_std)"
            );
        }
        let attack = Attack::new(&options.method, options.norm, options.eps)?;
        let start_step = (options.start_epoch * steps_per_epoch) as u64;
        Ok(Self { attack, ratio: options.ratio, start_step, pipeline: pipeline.clone(), seed })
    }

    /// The batch with its share of examples replaced, for part `part` of step `step` (both counted from 0). The loss that
    /// is raised is the objective's, against the training targets.
    ///
    /// # Errors
    /// When the pictures do not fit the network, or a gradient is not finite.
    pub fn mixed<'a>(
        &self,
        network: &Network,
        objective: &dyn Objective,
        batch: &'a Batch,
        step: u64,
        part: usize,
    ) -> Result<Cow<'a, Batch>> {
        let rows = self.chosen(batch.len(), step, part);
        if step < self.start_step || rows.is_empty() {
            return Ok(Cow::Borrowed(batch));
        }
        let size: usize = batch.shape.iter().product();
        let classes = batch.targets.len() / batch.len();
        let of = |values: &[f32], width: usize| -> Vec<f32> {
            rows.iter().flat_map(|&r| &values[r * width..(r + 1) * width]).copied().collect()
        };
        let mut pixels = of(&batch.images, size);
        pixels.chunks_exact_mut(size).for_each(|image| {
            self.pipeline.unscale(image);
        });
        let targets = Tensor::<2>::from_data(
            TensorData::new(of(&batch.targets, classes), [rows.len(), classes]),
            network.device(),
        );
        let keys: Vec<u64> = rows.iter().map(|&r| self.key(step, part, 1 + r as u64)).collect();
        let target_network = AttackTarget { network, pipeline: &self.pipeline, views: Views::Single };
        let losses = |z: Tensor<2>| objective.losses(network.compute(), z, targets.clone().autodiff());
        let mut found = self.attack.perturb(&target_network, &pixels, &keys, &losses)?;
        let mut mixed = batch.clone();
        for (image, &row) in found.chunks_exact_mut(size).zip(&rows) {
            self.pipeline.scale(image);
            mixed.images[row * size..(row + 1) * size].copy_from_slice(image);
        }
        Ok(Cow::Owned(mixed))
    }

    /// The examples of a batch that are replaced, in order.
    fn chosen(&self, n: usize, step: u64, part: usize) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..n).collect();
        Stream::new(self.key(step, part, 0)).shuffle(&mut rows);
        rows.truncate((self.ratio * n as f64).round() as usize);
        rows.sort_unstable();
        rows
    }

    fn key(&self, step: u64, part: usize, place: u64) -> u64 {
        key(self.seed, Purpose::Attack, &[step, part as u64, place])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;

    use super::*;
    use ferrotype_data::options::{Colour, Preprocess, Resize, Scale};
    use ferrotype_model::ModelOptions;
    use ferrotype_model::objective::ObjectiveOptions;

    const SIZE: usize = 24;

    fn pipeline(scale: Scale) -> Pipeline {
        Pipeline::new(&Preprocess::new(SIZE, Resize::Bilinear, Colour::Grey, scale)).unwrap()
    }

    fn batch() -> Batch {
        let mut s = Stream::new(3);
        let mut targets = vec![0.0; 8 * 4];
        (0..8).for_each(|i| targets[i * 4 + i % 4] = 1.0);
        Batch {
            images: (0..8 * SIZE * SIZE).map(|_| s.uniform(0.0, 1.0)).collect(),
            targets,
            weights: vec![1.0; 8],
            rows: (0..8).collect(),
            shape: [1, SIZE, SIZE],
            ..Batch::default()
        }
    }

    #[test]
    fn a_share_of_each_batch_is_replaced_by_examples_within_eps() {
        let tiny = ModelOptions::all().into_iter().find(|m| m.name() == "tiny_xception").unwrap();
        let network = Network::new(Arc::new(tiny.build([1, SIZE, SIZE], 4).unwrap()), 1, &Device::flex());
        let objective = ObjectiveOptions::default().build();
        let options = AdversarialOptions { start_epoch: 2, ..Default::default() };
        let adversary = Adversary::new(&options, &pipeline(Scale::Unit), 10, 5).unwrap();
        let clean = batch();
        let mixed = |step, part| adversary.mixed(&network, objective.as_ref(), &clean, step, part).unwrap();
        assert!(matches!(mixed(19, 0), Cow::Borrowed(_)));
        let after = mixed(20, 0);
        let changed: Vec<f32> = (0..8)
            .map(|r| {
                let of = |b: &Batch| b.images[r * SIZE * SIZE..(r + 1) * SIZE * SIZE].to_vec();
                255.0 * of(&clean).iter().zip(of(&after)).fold(0f32, |m, (a, b)| m.max((a - b).abs()))
            })
            .collect();
        assert_eq!(changed.iter().filter(|&&c| c > 0.0).count(), 4, "{changed:?}");
        assert!(changed.iter().all(|&c| c < 4.001) && changed.iter().any(|&c| c > 3.9), "{changed:?}");
        assert_eq!(after.targets, clean.targets);
        // The same place gives the same bits; another, other examples.
        assert_eq!(mixed(20, 0), after);
        assert_ne!(mixed(21, 0), after);
        assert_ne!(mixed(20, 1), after);
    }

    #[test]
    fn a_scale_that_cannot_be_undone_is_refused() {
        let refused = Adversary::new(&AdversarialOptions::default(), &pipeline(Scale::Ferplus), 1, 0).unwrap_err();
        assert!(refused.to_string().contains("scale ferplus"), "{refused}");
    }
}
