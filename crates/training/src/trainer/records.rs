//! What the trainer tells: steps and epochs, to the history, TensorBoard and the user.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;

use super::Trainer;
use crate::learner::StepOutcome;
use crate::progress::{EpochReport, StepReport};
use ferrotype_run::history::{EpochRecord, Event, StepRecord};

impl Trainer<'_> {
    pub(super) fn record_step(&mut self, outcome: &StepOutcome, lr: f64) -> Result<()> {
        let loss = outcome.loss_sum / outcome.weight_sum.max(f64::MIN_POSITIVE);
        let step = self.meta.step;
        self.board.scalar("step/loss", step, loss)?;
        self.board.scalar("step/learning_rate", step, lr)?;
        let mut more = BTreeMap::new();
        if let Some(norm) = outcome.gradient_norm {
            self.board.scalar("step/gradient_norm", step, norm)?;
            more.insert("gradient_norm".to_owned(), norm);
        }
        let epoch = self.meta.epoch as f64 + self.meta.batch as f64 / self.setup.loader.batches().max(1) as f64;
        let images_per_second = self.images as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        self.history.write(&Event::Step(StepRecord { step, epoch, loss, lr, images_per_second, more }))
    }

    pub(super) fn report(&mut self, started: Instant, seen_before: u64) {
        let elapsed = started.elapsed().as_secs_f64();
        let report = StepReport {
            epoch: self.meta.epoch + 1,
            epochs: self.setup.options.epochs,
            batch: self.meta.batch,
            batches: self.setup.loader.batches(),
            step: self.meta.step,
            loss: self.mean_loss(),
            lr: self.rate(),
            images_per_second: (self.meta.seen - seen_before) as f64 / elapsed.max(1e-9),
            seconds_left: self.seconds_left(),
        };
        self.progress.step(&report);
    }

    fn mean_loss(&self) -> f64 {
        self.meta.loss_sum / self.meta.weight_sum.max(f64::MIN_POSITIVE)
    }

    /// Time left, from the speed of this process, validation included.
    fn seconds_left(&self) -> f64 {
        let per_epoch = self.setup.loader.examples() as u64;
        let all = per_epoch * self.setup.options.epochs as u64;
        let done = per_epoch * self.meta.epoch as u64 + self.meta.seen;
        self.began.elapsed().as_secs_f64() / self.images.max(1) as f64 * all.saturating_sub(done) as f64
    }

    pub(super) fn finish_epoch(
        &mut self,
        values: BTreeMap<String, f64>,
        best: bool,
        seconds: f64,
        speed: f64,
    ) -> Result<()> {
        let lr = self.rate();
        let validation = self.setup.validation;
        let select_by = validation.selects_by()?;
        let accuracy = self.meta.correct as f64 / self.meta.seen.max(1) as f64;
        let report = EpochReport {
            epoch: self.meta.epoch + 1,
            epochs: self.setup.options.epochs,
            train_loss: self.mean_loss(),
            train_accuracy: validation.has_classes().then_some(accuracy),
            validation: shown(&values, select_by, &validation.shown()),
            select_by: select_by.to_owned(),
            best,
            lr,
            seconds,
            images_per_second: speed,
            seconds_left: 0.0,
        };
        self.record_epoch(&report, values)?;
        self.meta.epoch += 1;
        (self.meta.batch, self.meta.epoch_seconds) = (0, 0.0);
        (self.meta.loss_sum, self.meta.weight_sum, self.meta.correct, self.meta.seen) = (0.0, 0.0, 0, 0);
        self.save()?;
        let seconds_left = self.seconds_left();
        self.progress.epoch(&EpochReport { seconds_left, ..report });
        Ok(())
    }

    fn record_epoch(&mut self, report: &EpochReport, validation: BTreeMap<String, f64>) -> Result<()> {
        let step = self.meta.step;
        self.board.scalar("train/loss", step, report.train_loss)?;
        if let Some(accuracy) = report.train_accuracy {
            self.board.scalar("train/accuracy", step, accuracy)?;
        }
        self.board.scalar("train/images_per_second", step, report.images_per_second)?;
        for (name, value) in &validation {
            self.board.scalar(&format!("validation/{name}"), step, *value)?;
        }
        self.history.write(&Event::Epoch(EpochRecord {
            epoch: report.epoch as u64,
            step,
            train_loss: report.train_loss,
            train_accuracy: report.train_accuracy,
            validation_loss: validation.get(self.setup.validation.loss()).copied(),
            validation,
            lr: report.lr,
            seconds: report.seconds,
        }))
    }
}

/// The scores worth a place on the epoch's line, the selecting one first.
fn shown(values: &BTreeMap<String, f64>, selecting: &str, others: &[&str]) -> Vec<(String, f64)> {
    let others = others.iter().copied().filter(|name| *name != selecting);
    let names = std::iter::once(selecting).chain(others);
    names.filter_map(|name| values.get(name).map(|v| (name.to_owned(), *v))).collect()
}
