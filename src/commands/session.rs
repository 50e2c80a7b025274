//! One run from its experiment to its finished folder: preparing and training here, announcing, finishing and the report
//! in files of their own.

mod announce;
mod finish;
mod identity;
mod reports;
mod seen;
mod transfer;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::commands::pool::in_pool;
use crate::config::{self, Experiment};
use ferrotype_data::task::{Facts, Subset, Task};
use ferrotype_data::template::FaceTemplate;
use ferrotype_evaluation::{metrics, score};
use ferrotype_model::Network;
use ferrotype_model::device::DeviceName;
use ferrotype_model::objective::Distillation;
use ferrotype_run::files::write_atomic;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::adversarial::Adversary;
use ferrotype_training::checkpoint::{Checkpoint, Meta};
use ferrotype_training::interrupt::{Interrupt, Interrupted};
use ferrotype_training::learner::Learner;
use ferrotype_training::progress::{Progress, Style};
use ferrotype_training::scoring::Scoring;
use ferrotype_training::trainer::{Ended, Setup, Trainer};
use ferrotype_training::{schedule, scoring};
use ferrotype_vision::clips::write_source;

pub use finish::Outcome;
pub use identity::{compute, compute_name, result_digest};
pub use reports::{report_group, report_run};

use transfer::Prepared;

/// One run, new or to be resumed.
pub struct Session<'a> {
    /// What is trained.
    pub experiment: &'a Experiment,
    /// Where.
    pub run: &'a RunFolder,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
    /// How progress is shown.
    pub style: Style,
    /// Resume although the kernels differ.
    pub other_kernels: bool,
    /// What follows training.
    pub ending: Ending,
}

/// What follows training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Scores of both sets, export, report.
    #[default]
    Whole,
    /// The selected weights' scores on the validation set alone: all that a sweep may know of a trial.
    ValidationOnly,
}

impl Session<'_> {
    /// Trains, scores, exports and reports.
    ///
    /// # Errors
    /// For bad input, a diverging loss, an interruption, or a file that cannot be written.
    pub fn run(&self) -> Result<Outcome> {
        in_pool(self.experiment.threads, |threads| self.run_in_pool(threads))
    }

    fn run_in_pool(&self, threads: usize) -> Result<Outcome> {
        let began = Instant::now();
        let _lock = self.run.lock()?;
        let mut progress = self.style.start();
        let device = self.experiment.device.0.parse::<DeviceName>()?.open()?;
        let compute = compute(&self.experiment.kernels, &device)?;
        write_atomic(self.run.config(), config::to_yaml(self.experiment).as_bytes())?;
        let mut task = Task::prepare(&self.experiment.data, self.experiment.seed, write_source)?;

        let graph = Arc::new(self.experiment.model.build(task.input(), task.classes().len())?);
        scoring::check_lengths(&graph, &task.train)?;
        let mut network = Network::new(graph, self.experiment.seed, &device.device).with_compute(compute);
        let mut fresh = Meta {
            model: self.experiment.model.name().into(),
            classes: task.classes().to_vec(),
            experiment_sha256: result_digest(self.experiment),
            kernels: compute_name(compute),
            ..Meta::default()
        };
        let checkpoint = Checkpoint::to_resume(self.run, &fresh, self.other_kernels)?;
        fresh.sources = self.sources(checkpoint.as_ref())?;
        match checkpoint.is_some() {
            true => self.check_data(&mut task)?,
            false => task.check_source()?,
        }
        self.write_seen(&mut task, checkpoint.is_some())?;
        self.write_facts(&task)?;
        let mut provenance = Provenance::begin(&device.name.to_string(), &compute_name(compute), threads);
        provenance.data.insert(task.facts.path.clone(), task.facts.sha256.clone());
        provenance.weights = fresh.sources.clone();
        provenance.experiment_sha256 = config::digest(self.experiment);
        if checkpoint.is_some() {
            provenance.started = Provenance::load(self.run).started;
        }
        provenance.save(self.run)?;
        self.announce(&task, &network, &device, compute, checkpoint.as_ref(), progress.as_mut());
        self.begin_with(&mut network, checkpoint.as_ref(), progress.as_mut())?;
        let prepared = self.prepare(&task, &network, compute, progress.as_mut())?;

        let learner = self.learner(network.clone(), &task, &prepared)?;
        let (seconds, last) = self.train(&task, learner, &prepared, fresh, checkpoint, progress.as_mut())?;
        provenance.training_seconds = seconds;
        provenance.resumed = last.resumed;
        self.finish(&task, network, last.step, &mut provenance, began, progress.as_mut())
    }

    /// Writes what is known about the data: figures for the report, and the template that predictions compare with.
    fn write_facts(&self, task: &Task) -> Result<()> {
        write_atomic(self.run.facts(), (serde_json::to_string_pretty(&task.facts)? + "\n").as_bytes())?;
        if task.train.faces.segments.is_some() {
            // The template is for telling faces from other pictures; parts of faces in clips are neither.
            return Ok(());
        }
        match FaceTemplate::of(&task.train.faces.images, &task.train.rows())? {
            Some(template) => write_atomic(self.run.template(), (serde_json::to_string(&template)? + "\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// Whether the data are still those that training began with. What was noted then still holds.
    fn check_data(&self, task: &mut Task) -> Result<()> {
        let text = self.run.read(&self.run.facts())?;
        let before: Facts = serde_json::from_str(&text)
            .with_context(|| format!("{} is not what a run writes", self.run.facts().display()))?;
        if before.sha256 != task.facts.sha256 || before.class_counts != task.facts.class_counts {
            bail!(
                "{} is not the file that {} was trained on until now (the sha256 of its pictures or its sets differ): put \
                 that file back, or train anew",
                task.facts.path,
                self.run.path().display()
            );
        }
        task.facts.notes = before.notes;
        Ok(())
    }

    fn learner(&self, network: Network, task: &Task, prepared: &Prepared) -> Result<Learner> {
        let Experiment { objective, train, seed, .. } = self.experiment;
        let weights = objective.weights(&task.train.class_mass())?;
        let entry = prepared.features.as_ref().map_or(0, |f| f.entry);
        let adversary = Adversary::of(train, task.train.pipeline(), task.train.len(), *seed)?;
        Ok(Learner::new(network, objective.build(), weights, train, *seed)
            .with_freezing(prepared.freezing.clone(), entry)
            .with_distillation(objective.distillation().map(Distillation::new))
            .with_adversary(adversary))
    }

    /// Trains to the end; gives seconds of training and where it stands then.
    fn train(
        &self,
        task: &Task,
        learner: Learner,
        prepared: &Prepared,
        fresh: Meta,
        checkpoint: Option<Checkpoint>,
        progress: &mut dyn Progress,
    ) -> Result<(f64, Meta)> {
        let options = &self.experiment.train;
        let selection = self.selection(task);
        let setup = Setup {
            options,
            every: self.experiment.evaluate.every,
            loader: &prepared.loader,
            teaching: prepared.teaching.as_ref(),
            validation: &Scoring {
                subset: selection,
                features: prepared.features.as_ref(),
                options: &self.experiment.evaluate,
            },
            run: self.run,
            interrupt: self.interrupt,
        };
        let schedule = schedule::build(&options.schedule, options.lr);
        check_metrics(selection, [Some(self.experiment.evaluate.select_by.as_str()), schedule.watches()])?;
        let mut trainer = Trainer::new(setup, learner, schedule, fresh, checkpoint, progress)?;
        if trainer.run()? == Ended::Interrupted {
            let meta = trainer.meta();
            return Err(Interrupted(format!(
                "interrupted after step {} (epoch {}, batch {}); everything is saved. Go on with\n  ferrotype train --resume {}",
                meta.step,
                meta.epoch + 1,
                meta.batch,
                self.run.path().display()
            ))
            .into());
        }
        Ok((trainer.seconds(), trainer.meta().clone()))
    }
}

/// Whether the metrics that training will ask for exist on the selection set: better now than after an epoch.
fn check_metrics(selection: &Subset, names: [Option<&str>; 2]) -> Result<()> {
    let mut guess = scoring::without_logits(selection);
    guess.logits = vec![0.0; guess.len() * guess.classes.len()];
    let scores = score(&guess)?;
    for name in names.into_iter().flatten() {
        let metric = metrics::find(name)?;
        scores
            .get(metric.name())
            .with_context(|| format!("training cannot go by {name} (evaluate.select_by, or watch)"))?;
    }
    Ok(())
}
