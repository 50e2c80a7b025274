//! A dataset made ready for one experiment: labelled, divided, and with its leaks known.

mod facts;
mod obtain;
mod seen;
mod subset;

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::augment::Augmentation;
use super::labels::{self, HeadRequest, Role};
use super::loader::{Loader, Stored, Training};
use super::options::{DataOptions, Sampler, SplitRule};
use super::preprocess::Pipeline;
use super::{Labelled, audit, split};
use ferrotype_base::random::{Purpose, Stream};
use ferrotype_base::targets::{Head, output_names};

pub use facts::{DatasetSummary, TargetSummary};
pub use obtain::{Prepare, load, make, obtain};
pub use seen::{Seen, SeenRows};
pub use subset::{Subset, of_faces, rows_of, rows_with_heads};

use facts::facts;
use subset::pipeline;

/// What the batches of a training are made by, besides the data.
#[derive(Clone, Copy, Debug)]
pub struct Epochs {
    /// Examples per batch.
    pub batch_size: usize,
    /// The experiment's seed.
    pub seed: u64,
    /// Augmented views per example that take turns; none draws new ones.
    pub views: Option<u64>,
}

/// A dataset made ready for one experiment.
pub struct Task {
    /// What is trained on.
    pub train: Subset,
    /// What selects the weights.
    pub validation: Subset,
    /// What is scored at the end.
    pub test: Subset,
    /// What is known about the data, for the run folder and the report.
    pub facts: DatasetSummary,
    augmentation: Augmentation,
    options: DataOptions,
}

impl Task {
    /// Reads the data of an experiment, labels and divides it; `prepare` makes the file first where there is none.
    ///
    /// # Errors
    /// When the data cannot be had, or does not allow the labels or the division asked for.
    pub fn prepare(options: &DataOptions, seed: u64, prepare: Prepare) -> Result<Self> {
        Self::prepare_with_heads(options, &[], seed, prepare)
    }

    /// As [`prepare`](Self::prepare), with the targets of these heads in place of the classes; without heads the classes.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and when a head's target is not among the data's, or cannot be sampled or mixed as the
    /// options ask.
    pub fn prepare_with_heads(
        options: &DataOptions,
        heads: &[HeadRequest],
        seed: u64,
        prepare: Prepare,
    ) -> Result<Self> {
        let faces = Arc::new(obtain(options, prepare)?);
        let labelled = |role| match heads {
            [] => labels::apply(&faces, options.labels, role),
            heads => labels::apply_heads(&faces, heads, options.labels, role),
        };
        let (training, evaluation) = (Arc::new(labelled(Role::Train)?), Arc::new(labelled(Role::Evaluation)?));
        check_heads(options, &training)?;
        let division = split::divide(&faces, &training, &evaluation, &options.dividing(), seed)?;
        let pipeline = pipeline(options)?;
        let subset = |labelled: &Arc<Labelled>, indices: Vec<usize>, salt: u64| Subset {
            faces: faces.clone(),
            labelled: labelled.clone(),
            indices: limited(indices, options.limit, seed, salt),
            pipeline: pipeline.clone(),
            workers: options.workers,
        };
        let mut train = subset(&training, division.train, 0);
        let validation = subset(&evaluation, division.validation, 1);
        let test = subset(&evaluation, division.test, 2);
        let leaks = audit::leaks_between(&faces, &train.rows(), &validation.rows(), &test.rows());
        let before = train.len();
        if options.drop_leaks {
            let leaking: HashSet<u32> = leaks.training.iter().copied().collect();
            train.indices.retain(|&i| !leaking.contains(&training.rows[i]));
        }
        for (name, set) in [("training", &train), ("validation", &validation), ("test", &test)] {
            if set.is_empty() && (name != "validation" || options.has_validation()) {
                bail!(
                    "the {name} set is empty: {} has no rows for it under labels `{:?}` and this split; \
                     `ferrotype data info {}` shows what there is",
                    options.path.display(),
                    options.labels,
                    options.path.display()
                );
            }
        }
        let facts = facts(options, &faces, [&train, &validation, &test], &leaks, before - train.len());
        let facts = DatasetSummary { notes: division.notes, ..facts };
        let augmentation = Augmentation::new(&options.augment)?.with_motion(facts.motion.as_ref());
        Ok(Self { train, validation, test, facts, augmentation, options: options.clone() })
    }

    /// Makes sure that the prepared file is still what the experiment's source gives, as a new run must be. What could not be
    /// compared becomes a note among the facts.
    ///
    /// # Errors
    /// When the source has other files now.
    pub fn check_source(&mut self) -> Result<()> {
        let notes = obtain::check_source(&self.options, &self.train.faces)?;
        self.facts.notes.extend(notes);
        Ok(())
    }

    /// Training batches.
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn training_loader(&self, batch_size: usize, seed: u64) -> Result<Loader> {
        self.training_loader_of(&Epochs { batch_size, seed, views: None }, None)
    }

    /// Training batches whose augmented views may take turns, preprocessed by another pipeline than the experiment's where
    /// one is given. The same epochs give the same examples in the same places, each changed by the same random choices,
    /// whatever the pipeline.
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn training_loader_of(&self, epochs: &Epochs, pipeline: Option<&Pipeline>) -> Result<Loader> {
        let augmentation = Some(self.augmentation.clone());
        let training = Training { sampler: self.options.sampler, augmentation, seed: epochs.seed, views: epochs.views };
        self.train.with_pipeline(pipeline).loader(Some(training), epochs.batch_size)
    }

    /// The training pictures in row order; epoch v shows view v ([`Loader::with_views`]).
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn view_loader(&self, epochs: &Epochs, pipeline: Option<&Pipeline>) -> Result<Loader> {
        let loader = self.train.with_pipeline(pipeline).loader(None, epochs.batch_size)?;
        Ok(loader.with_views(self.augmentation.clone(), epochs.seed))
    }

    /// The training pictures in row order, unchanged.
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn plain_loader(&self, epochs: &Epochs, pipeline: Option<&Pipeline>) -> Result<Loader> {
        self.train.with_pipeline(pipeline).loader(None, epochs.batch_size)
    }

    /// Training batches of stored values in place of pictures.
    ///
    /// # Errors
    /// When they are of other examples, or pictures are mixed.
    pub fn stored_loader(&self, epochs: &Epochs, stored: Arc<Stored>) -> Result<Loader> {
        self.training_loader_of(epochs, None)?.with_stored(stored)
    }

    /// The random changes to training pictures.
    pub fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// The heads, where the model is to have some.
    pub fn heads(&self) -> &[Head] {
        &self.train.labelled.heads
    }

    /// Names of the model's outputs: the classes, or `HEAD.COLUMN` of each.
    pub fn output_names(&self) -> Vec<String> {
        match self.heads() {
            [] => self.classes().to_vec(),
            heads => output_names(heads),
        }
    }

    /// Class names.
    pub fn classes(&self) -> &[String] {
        &self.train.labelled.classes
    }

    /// `[channels, height, width]` of the model's input.
    pub fn input(&self) -> [usize; 3] {
        self.train.pipeline.shape()
    }

    /// Whether selecting on the validation set would be selecting on the test set.
    pub fn is_validation_test(&self) -> bool {
        matches!(self.options.split, SplitRule::TestAsValidation)
    }
}

/// Whether the sampler and the mixing can do with the targets of heads.
fn check_heads(options: &DataOptions, labelled: &Labelled) -> Result<()> {
    let Some(other) = labelled.heads.iter().find(|head| !head.kind.has_classes()) else { return Ok(()) };
    let balanced = matches!(options.sampler, Sampler::Balanced | Sampler::SqrtBalanced | Sampler::ByClass);
    if balanced && labelled.class_head().is_none() {
        bail!(
            "data.sampler goes by classes, and none of the heads has the target `classes`: choose shuffle, and weigh rare \
             labels by their loss (heads.NAME.loss.binary_cross_entropy.positive_weights: balanced)"
        );
    }
    if Augmentation::new(&options.augment)?.ranges().cutmix > 0.0 {
        bail!(
            "data.augment.cutmix mixes targets by the area of the pasted rectangle, which says nothing of {} (head `{}`): \
             set it to 0; mixup mixes whole pictures and can stay",
            other.kind.describe(),
            other.name
        );
    }
    Ok(())
}

/// The first so many by a seeded shuffle, in row order again.
pub fn limited(mut indices: Vec<usize>, limit: Option<usize>, seed: u64, salt: u64) -> Vec<usize> {
    if let Some(limit) = limit.filter(|l| *l < indices.len()) {
        Stream::of(seed, Purpose::Division, &[1000 + salt]).shuffle(&mut indices);
        indices.truncate(limit);
        indices.sort_unstable();
    }
    indices
}
