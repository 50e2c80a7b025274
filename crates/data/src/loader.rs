//! The loader: batches in order, prepared ahead by worker threads.
//!
//! Which examples a batch holds, and each random choice in it, follow from seed, epoch and position; so batches are the
//! same for any number of workers, and an epoch may be entered at any batch. Worker `w` of `n` prepares every n-th batch
//! into a channel of its own with room for [`AHEAD`] batches; the consumer takes from the channels in turn. Nothing waits
//! for a particular worker but the consumer, memory is bounded, and order needs no buffer.

mod batches;
mod epoch;
mod stored;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::{Result, bail};

use super::augment::{Augmentation, Mix};
use super::face_set::{FaceSet, Labelled, NO_PICTURE};
use super::options::Sampler;
use super::preprocess::{Picture, Pipeline};
use super::sampler;
use batches::{Recipe, Visit};

pub use epoch::Epoch;
pub use stored::Stored;

/// Batches that each worker may have ready before the consumer takes them.
pub const AHEAD: usize = 2;

/// How a training epoch is made from its examples.
#[derive(Clone, Debug)]
pub struct Training {
    /// The order of examples.
    pub sampler: Sampler,
    /// Random changes, if any.
    pub augmentation: Option<Augmentation>,
    /// The experiment's seed.
    pub seed: u64,
    /// Augmented views per example that take turns over the epochs; none draws a new one at every visit.
    pub views: Option<u64>,
}

/// Hands out the batches of a set of examples.
///
/// With [`Training`], in the sampler's order, augmented; without, in row order and unchanged. The last batch of an epoch is
/// short where the number of examples is no multiple of the batch size.
#[derive(Clone, Debug)]
pub struct Loader {
    recipe: Arc<Recipe>,
    examples: Vec<u32>,
    batch: usize,
    workers: usize,
    sampler: Option<Sampler>,
}

impl Loader {
    /// A loader of `examples` (indices into `labelled`), `batch` at a time, prepared by `workers` threads (0 chooses: one
    /// per core, at most eight).
    pub fn new(
        set: Arc<FaceSet>,
        labelled: Arc<Labelled>,
        examples: Vec<u32>,
        pipeline: Pipeline,
        training: Option<Training>,
        batch: usize,
        workers: usize,
    ) -> Result<Self> {
        check(&set, &labelled, &examples, batch)?;
        let sampler = training.as_ref().map(|t| t.sampler);
        let seed = training.as_ref().map_or(0, |t| t.seed);
        let views = training.as_ref().and_then(|t| t.views);
        let augmentation = training.and_then(|t| t.augmentation);
        let mix = augmentation.as_ref().and_then(|a| Mix::new(a.ranges()));
        let is_training = sampler.is_some();
        let mut examples = examples;
        if !is_training {
            examples.sort_by_key(|&e| labelled.rows[e as usize]);
        }
        let recipe = Recipe { set, labelled, pipeline, augmentation, mix, seed, is_training, views, stored: None };
        Ok(Self { recipe: Arc::new(recipe), examples, batch, workers: threads(workers), sampler })
    }

    /// A loader without [`Training`] whose epochs are views: the pictures in row order, each changed as that epoch of a
    /// training with this seed changes it.
    pub fn with_views(mut self, augmentation: Augmentation, seed: u64) -> Self {
        let recipe = Arc::make_mut(&mut self.recipe);
        (recipe.augmentation, recipe.seed) = (Some(augmentation), seed);
        self
    }

    /// The loader with stored values in place of pictures.
    ///
    /// # Errors
    /// When an example has none, or when examples are to be mixed: a mixture of stored values is not what a network makes
    /// of a mixture of pictures.
    pub fn with_stored(mut self, stored: Arc<Stored>) -> Result<Self> {
        if self.recipe.mix.is_some() {
            bail!(
                "data.augment.mixup and cutmix mix pictures, but stored features and stored teacher's answers are of single \
                 pictures: set both to 0, or store nothing"
            );
        }
        if !stored.covers(&self.examples) {
            bail!("the stored values are of other examples than those to be loaded");
        }
        Arc::make_mut(&mut self.recipe).stored = Some(stored);
        Ok(self)
    }

    /// The examples, as indices into the labels.
    pub fn example_indices(&self) -> &[u32] {
        &self.examples
    }

    /// Examples per epoch.
    pub fn examples(&self) -> usize {
        self.examples.len()
    }

    /// Batches per epoch; the last may be short.
    pub fn batches(&self) -> usize {
        self.examples.len().div_ceil(self.batch)
    }

    /// Examples per full batch.
    pub fn batch_size(&self) -> usize {
        self.batch
    }

    /// `[channels, height, width]` of each image.
    pub fn shape(&self) -> [usize; 3] {
        self.recipe.shape()
    }

    /// The batches of an epoch from number `first_batch` on (0 is the whole epoch). For evaluation the epoch is without
    /// effect.
    ///
    /// An item is an error where a batch could not be made, and the last; dropping the iterator stops the workers.
    pub fn epoch(&self, epoch: u64, first_batch: usize) -> Epoch {
        let visits = self.visits(epoch);
        let left = self.batches().saturating_sub(first_batch);
        let recipe = Arc::clone(&self.recipe);
        let size = self.batch;
        let make = move |index: usize| {
            let visits = &visits[index * size..visits.len().min((index + 1) * size)];
            recipe.batch(visits, epoch, index as u64)
        };
        Epoch::start(Arc::new(make), first_batch, left, self.workers)
    }

    /// Every visit of an epoch in order, with a count of the earlier visits of the same example.
    fn visits(&self, epoch: u64) -> Vec<Visit> {
        let Some(sampler) = self.sampler else {
            return self.examples.iter().map(|&example| Visit { example, earlier: 0 }).collect();
        };
        let order = sampler::order(&self.recipe.labelled, &self.examples, sampler, self.recipe.seed, epoch);
        let mut seen = vec![0u32; self.recipe.labelled.len()];
        let mut visit = |example: u32| {
            let earlier = seen[example as usize];
            seen[example as usize] += 1;
            Visit { example, earlier }
        };
        order.into_iter().map(&mut visit).collect()
    }
}

/// The number of worker threads.
fn threads(wanted: usize) -> usize {
    if wanted > 0 { wanted } else { std::thread::available_parallelism().map_or(1, |n| n.get().min(8)) }
}

/// Finds what would fail in a worker.
fn check(set: &FaceSet, labelled: &Labelled, examples: &[u32], batch: usize) -> Result<()> {
    if batch == 0 {
        bail!("the batch size is 0: it must be at least 1");
    }
    let k = labelled.width();
    if k == 0 || labelled.targets.len() != labelled.len() * k {
        bail!(
            "the labels have {} target values for {} examples of {k} columns: one is needed for each pair",
            labelled.targets.len(),
            labelled.len()
        );
    }
    if let Some(e) = examples.iter().find(|&&e| e as usize >= labelled.len()) {
        bail!("example {e} was asked for, but the labels have {} examples", labelled.len());
    }
    let images = &set.images;
    let rows = examples.iter().map(|&e| labelled.rows[e as usize] as usize);
    let pictures = set.pictures();
    let count = set.segments.as_ref().map_or(pictures, |s| s.valid.len());
    if let Some(row) = rows.max().filter(|&row| row >= count) {
        bail!("row {row} was asked for, but the dataset has {count} images");
    }
    if let Some(segments) = &set.segments {
        let numbers = segments.pictures.iter().filter(|&&n| n != NO_PICTURE);
        if let Some(number) = numbers.max().filter(|&&n| n as usize >= pictures) {
            bail!("picture {number} was asked for, but the dataset has {pictures}");
        }
    }
    if !examples.is_empty() {
        Picture::new(&set.picture(0)?, images.height, images.width, images.channels)?;
    }
    Ok(())
}
