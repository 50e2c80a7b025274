//! The training loop.

mod records;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::checkpoint::{Checkpoint, Meta};
use super::interrupt::Interrupt;
use super::learner::Learner;
use super::options::TrainOptions;
use super::parts::{Batches, Validation};
use super::progress::Progress;
use super::schedule::{Place, Schedule};
use super::teacher::Teaching;
use ferrotype_data::Batch;
use ferrotype_model::Network;
use ferrotype_run::RunFolder;
use ferrotype_run::history::HistoryWriter;
use ferrotype_run::tensorboard::TensorBoard;

/// Optimizer steps between two step records of the history.
const RECORD_EVERY: u64 = 20;

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All epochs are done, or early stopping's patience is used up.
    Finished,
    /// The user asked to stop; the checkpoint is written.
    Interrupted,
}

/// Which weights a run ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those with the best value of the selecting metric.
    Best,
    /// Those of the last epoch; nothing is validated.
    Last,
}

/// What the loop works with and does not change.
pub struct Setup<'a> {
    /// The `train:` section.
    pub options: &'a TrainOptions,
    /// Validate every so many epochs.
    pub every: usize,
    /// Training batches.
    pub loader: &'a dyn Batches,
    /// What selects the weights.
    pub validation: &'a dyn Validation,
    /// Whether it does.
    pub keep: Keep,
    /// Teachers of a distillation.
    pub teaching: Option<&'a Teaching>,
    /// The run's folder.
    pub run: &'a RunFolder,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
}

/// The training loop with its state. All of the state is in every checkpoint.
pub struct Trainer<'a> {
    setup: Setup<'a>,
    learner: Learner,
    schedule: Box<dyn Schedule>,
    history: HistoryWriter,
    board: TensorBoard,
    meta: Meta,
    progress: &'a mut dyn Progress,
    began: Instant,
    saved: Instant,
    /// Seconds of training before this process.
    before: f64,
    /// Images trained in this process, for the time left.
    images: u64,
}

impl<'a> Trainer<'a> {
    /// A trainer at the start, or where the checkpoint stands.
    ///
    /// # Errors
    /// When the checkpoint does not belong to this experiment, or the history cannot be opened.
    pub fn new(
        setup: Setup<'a>,
        mut learner: Learner,
        mut schedule: Box<dyn Schedule>,
        new: Meta,
        checkpoint: Option<Checkpoint>,
        progress: &'a mut dyn Progress,
    ) -> Result<Self> {
        let mut meta = new;
        if let Some(checkpoint) = checkpoint {
            let resumed = checkpoint.meta.resumed + 1;
            meta = Meta { resumed, ..checkpoint.meta.clone() };
            schedule.restore(&meta.schedule);
            learner.restore(checkpoint).context("cannot resume from the checkpoint")?;
        }
        let history = HistoryWriter::open(setup.run.history(), meta.step)?;
        let board = TensorBoard::open(setup.run.tensorboard(), meta.step)?;
        let now = Instant::now();
        let before = meta.training_seconds;
        Ok(Self { setup, learner, schedule, history, board, meta, progress, began: now, saved: now, before, images: 0 })
    }

    /// Trains to the end, or until the user asks to stop.
    ///
    /// # Errors
    /// When the loss is not finite, or a file cannot be written. The last checkpoint stays as it is.
    pub fn run(&mut self) -> Result<Ended> {
        while !self.is_done()? {
            // Asked for before the first step, or while the last epoch was validated.
            if self.setup.interrupt.is_asked() {
                self.save()?;
                return Ok(Ended::Interrupted);
            }
            if self.epoch()? == Ended::Interrupted {
                self.save()?;
                return Ok(Ended::Interrupted);
            }
        }
        Ok(Ended::Finished)
    }

    /// Whether all epochs are trained, nothing improves any more, or the weights are as good as was asked for.
    fn is_done(&self) -> Result<bool> {
        let (options, selection) = (&self.setup.options, &self.meta.selection);
        let reached = match options.stop_at {
            Some(target) => {
                let (_, higher_is_better) = self.setup.validation.metric(self.setup.validation.selects_by()?)?;
                selection.has_reached(target, higher_is_better)
            }
            None => false,
        };
        let patience = options.early_stopping.as_ref().map(|e| e.patience);
        Ok(reached || self.meta.epoch >= options.epochs || selection.is_exhausted(patience))
    }

    /// Seconds of training so far, over all parts of an interrupted run.
    pub fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    /// Where training stands.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Trains the rest of one epoch and validates.
    fn epoch(&mut self) -> Result<Ended> {
        self.learner.begin_epoch(self.meta.epoch);
        let started = Instant::now();
        let (images_before, seen_before) = (self.images, self.meta.seen);
        // Of the parts of the epoch before this one, where it was interrupted.
        let seconds_before = self.meta.epoch_seconds;
        if self.batches(started, seen_before, seconds_before)? == Ended::Interrupted {
            return Ok(Ended::Interrupted);
        }
        self.learner.end_epoch(self.meta.epoch);
        let trained = started.elapsed().as_secs_f64();
        let speed = (self.images - images_before) as f64 / trained.max(1e-9);
        let epoch = self.meta.epoch;
        let last = epoch + 1 == self.setup.options.epochs;
        let due = last || (epoch + 1).is_multiple_of(self.setup.every.max(1));
        let (values, best) = match self.setup.keep {
            Keep::Best if due => self.validate()?,
            Keep::Last if last => {
                self.save_best(&self.scored()?)?;
                Default::default()
            }
            _ => Default::default(),
        };
        self.finish_epoch(values, best, seconds_before + started.elapsed().as_secs_f64(), speed)?;
        Ok(Ended::Finished)
    }

    /// The batches of the epoch that are still to do.
    fn batches(&mut self, started: Instant, seen_before: u64, seconds_before: f64) -> Result<Ended> {
        let loader = self.setup.loader;
        let accumulate = self.setup.options.accumulate.max(1);
        let (epoch, first) = (self.meta.epoch as u64, self.meta.batch);
        let mut lessons = self.setup.teaching.map(|teaching| teaching.epoch(epoch, first));
        let mut batches = loader.epoch(epoch, first);
        loop {
            let mut group: Vec<Batch> = batches.by_ref().take(accumulate).collect::<Result<_>>()?;
            if let Some(lessons) = &mut lessons {
                group.iter_mut().try_for_each(|batch| lessons.teach(batch))?;
            }
            if group.is_empty() {
                return Ok(Ended::Finished);
            }
            self.step(&group)?;
            self.meta.epoch_seconds = seconds_before + started.elapsed().as_secs_f64();
            self.report(started, seen_before);
            if self.meta.batch < loader.batches() {
                if self.setup.interrupt.is_asked() {
                    return Ok(Ended::Interrupted);
                }
                if self.is_checkpoint_due() {
                    self.save()?;
                }
            }
        }
    }

    fn step(&mut self, group: &[Batch]) -> Result<()> {
        let lr = self.rate();
        let outcome = self.learner.step(group, lr).map_err(|e| self.diverged(&e, group))?;
        self.meta.batch += group.len();
        self.meta.step = self.learner.steps();
        self.meta.loss_sum += outcome.loss_sum;
        self.meta.weight_sum += outcome.weight_sum;
        self.meta.correct += outcome.correct;
        self.meta.seen += outcome.seen;
        self.images += outcome.seen;
        if self.meta.step.is_multiple_of(RECORD_EVERY) {
            self.record_step(&outcome, lr)?;
        }
        Ok(())
    }

    /// The error for a step that failed: where it happened and how to go on.
    fn diverged(&self, cause: &anyhow::Error, group: &[Batch]) -> anyhow::Error {
        let rows: Vec<String> = group.iter().flat_map(|b| &b.rows).take(8).map(u32::to_string).collect();
        anyhow::anyhow!(
            "training stopped at step {} (epoch {}, batch {}, rows {}, ...): {cause:#}; {}",
            self.meta.step + 1,
            self.meta.epoch + 1,
            self.meta.batch + 1,
            rows.join(", "),
            self.how_to_go_on()
        )
    }

    /// The error for weights that are of no use after the step that was taken last.
    fn spoilt(&self, cause: &anyhow::Error) -> anyhow::Error {
        let (step, epoch, batch) = (self.meta.step, self.meta.epoch + 1, self.meta.batch);
        anyhow::anyhow!(
            "training stopped after step {step} (epoch {epoch}, batch {batch}): {cause:#}; {}",
            self.how_to_go_on()
        )
    }

    fn how_to_go_on(&self) -> String {
        let checkpoint = self.setup.run.last_checkpoint();
        let kept = if checkpoint.is_file() {
            format!("the last good checkpoint is {}", checkpoint.display())
        } else {
            "no checkpoint was written yet".to_owned()
        };
        format!(
            "{kept}. A lower train.lr or train.clip_norm usually helps: start anew with --set train.lr=... or --set \
             train.clip_norm=1"
        )
    }

    fn place(&self) -> Place {
        let per_epoch = self.setup.loader.batches().div_ceil(self.setup.options.accumulate.max(1)) as u64;
        Place { step: self.meta.step, per_epoch, total: per_epoch * self.setup.options.epochs as u64 }
    }

    fn rate(&self) -> f64 {
        let (options, place) = (self.setup.options, self.place());
        let scheduled = |place: Place| options.lr * self.schedule.factor(place);
        match &options.swa {
            None => scheduled(place),
            Some(swa) => {
                let start = Place { step: place.per_epoch * swa.after as u64, ..place };
                swa.rate(place.epochs(), scheduled(start), scheduled(place))
            }
        }
    }

    /// The network that is scored and kept, with running statistics that belong to its weights.
    fn scored(&self) -> Result<Network> {
        let mut network = self.learner.scored();
        if self.learner.has_stale_statistics() {
            self.learner
                .refresh_statistics(&mut network, self.setup.loader.epoch(self.meta.epoch as u64, 0))
                .context("cannot take the statistics of the averaged weights")?;
        }
        Ok(network)
    }

    /// Measures on the selection set, keeps the weights if they are the best, and tells the schedule.
    fn validate(&mut self) -> Result<(BTreeMap<String, f64>, bool)> {
        let network = self.scored()?;
        let validation = self.setup.validation;
        let values = validation
            .measure(&network, self.progress)
            .map_err(|e| self.spoilt(&e.context("cannot score the validation set")))?;
        let (value, higher_is_better) = lookup(validation, &values, validation.selects_by()?)?;
        let options = &self.setup.options;
        let min_delta = options.early_stopping.as_ref().map_or(0.0, |e| e.min_delta);
        // Where the mean of later weights is to be kept, weights before it are no candidates.
        let may_be_kept = options.swa.as_ref().is_none_or(|swa| self.meta.epoch >= swa.after);
        let best = may_be_kept && self.meta.selection.observe(value, self.meta.epoch, higher_is_better, min_delta);
        if best {
            self.save_best(&network)?;
        }
        if let Some(name) = self.schedule.watches() {
            let (value, higher_is_better) = lookup(validation, &values, name)?;
            self.schedule.observe(value, higher_is_better);
        }
        Ok((values, best))
    }

    fn is_checkpoint_due(&self) -> bool {
        let cadence = &self.setup.options.checkpoint;
        let by_steps = cadence.steps > 0 && self.meta.step.is_multiple_of(cadence.steps as u64);
        let by_time = cadence.minutes > 0.0 && self.saved.elapsed().as_secs_f64() >= 60.0 * cadence.minutes;
        by_steps || by_time
    }

    /// Writes the checkpoint to go on from.
    fn save(&mut self) -> Result<()> {
        self.meta.training_seconds = self.seconds();
        self.meta.schedule = self.schedule.memory();
        let mut checkpoint = Checkpoint { tensors: Vec::new(), meta: self.meta.clone() };
        self.learner.save(&mut checkpoint)?;
        // The checkpoint that stands there is the last good one only as long as no other kind takes its place.
        if let Some(t) = checkpoint.tensors.iter().find(|t| t.values.iter().any(|v| !v.is_finite())) {
            return Err(self.spoilt(&anyhow::anyhow!("{} holds values that are not finite", t.name)));
        }
        checkpoint.save(&self.setup.run.last_checkpoint())?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Writes the selected weights alone.
    fn save_best(&self, network: &Network) -> Result<()> {
        let mut meta = self.meta.clone();
        (meta.training_seconds, meta.epoch_seconds, meta.resumed) = (0.0, 0.0, 0);
        // These belong to the optimizer, whose memory is not written either.
        meta.missed.clear();
        let mut checkpoint = Checkpoint { tensors: network.state()?, meta };
        checkpoint.save(&self.setup.run.best_weights())
    }
}

/// A metric's value, and whether higher is better.
fn lookup(validation: &dyn Validation, values: &BTreeMap<String, f64>, name: &str) -> Result<(f64, bool)> {
    let (name, higher_is_better) = validation.metric(name)?;
    let value = values.get(name).with_context(|| format!("{name} is not measured on this validation set"))?;
    Ok((*value, higher_is_better))
}

/// The checkpoint with the weights that a run selected.
///
/// # Errors
/// When there is none, or it is damaged.
pub fn selected(run: &RunFolder) -> Result<Checkpoint> {
    let path = run.best_weights();
    if !path.is_file() {
        bail!(
            "{} has no selected weights yet (no epoch was validated): resume it with `ferrotype train --resume {}`",
            run.path().display(),
            run.path().display()
        );
    }
    Checkpoint::load(&path)
}

/// Loads the weights that a run selected.
///
/// # Errors
/// When there are none, or they belong to another model.
pub fn load_selected(run: &RunFolder, network: &mut Network) -> Result<Meta> {
    fill(run, network, selected(run)?)
}

/// Fills a network with a run's [`selected`] weights.
///
/// # Errors
/// When they belong to another model.
pub fn fill(run: &RunFolder, network: &mut Network, selected: Checkpoint) -> Result<Meta> {
    let path = run.best_weights();
    network.load_state(selected.tensors).with_context(|| format!("cannot use the weights of {}", path.display()))?;
    Ok(selected.meta)
}
