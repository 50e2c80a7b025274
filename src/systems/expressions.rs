//! One run from its experiment to its finished folder: preparing and training here, announcing, finishing and the report
//! in files of their own.

mod announce;
mod calibration;
pub(crate) mod exposure;
mod finish;
mod heads;
mod identity;
pub(crate) mod onnx;
pub(crate) mod parts;
mod reports;
mod saliency;
mod search;
mod seen;
mod system;
mod transfer;
pub(crate) mod view;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::Summary;
use super::engine::{Account, Effort, Ingredients, Job, Training, Workbench};
use crate::config::{Experiment, SelectOn};
use ferrotype_data::task::{DatasetSummary, Subset, Task};
use ferrotype_data::template::FaceTemplate;
use ferrotype_evaluation::{metrics, score};
use ferrotype_model::Network;
use ferrotype_model::objective::Distillation;
use ferrotype_run::files::{write_atomic, write_json};
use ferrotype_training::adversarial::Adversary;
use ferrotype_training::checkpoint::{Checkpoint, Meta};
use ferrotype_training::learner::Learner;
use ferrotype_training::trainer::{Ended, Keep, Setup, Trainer};
use ferrotype_training::{head_scoring, schedule, scoring};
use ferrotype_vision::clips::write_source;

pub use identity::result_digest;
pub(crate) use reports::group_summary;
pub use reports::{report_group, report_run};
pub use system::Expressions;
pub(crate) use system::{data_sha256, fold_count, prepare_data};

use transfer::Prepared;

/// One run, new or to be resumed.
pub struct Session<'a> {
    /// What is trained.
    pub experiment: &'a Experiment,
    /// Where and how.
    pub job: &'a Job<'a>,
}

/// What a run works on.
pub struct Data {
    task: Task,
    network: Network,
    /// What a checkpoint of this run says at its beginning.
    meta: Meta,
    checkpoint: Option<Checkpoint>,
}

impl Training for Session<'_> {
    type Data = Data;
    /// Where training stood at its end.
    type Fitted = Meta;
    type Experiment = Experiment;

    fn experiment(&self) -> &Experiment {
        self.experiment
    }

    fn prepare(&self, work: &mut Workbench<'_>) -> Result<(Data, Ingredients)> {
        let Experiment { data, seed, .. } = self.experiment;
        let mut task = Task::prepare_with_heads(data, &self.experiment.head_requests(), *seed, write_source)?;
        let outputs = task.output_names();
        let graph = Arc::new(self.experiment.graph(task.input(), outputs.len())?);
        scoring::check_lengths(&graph, &task.train)?;
        scoring::check_views(&self.experiment.evaluate, &task.train)?;
        let network = Network::new(graph, self.experiment.seed, &work.device.device).with_compute(work.compute);
        let mut meta = Meta {
            model: self.experiment.model.name().into(),
            classes: outputs,
            heads: task.heads().to_vec(),
            experiment_sha256: result_digest(self.experiment),
            kernels: work.compute.to_string(),
            ..Meta::default()
        };
        let checkpoint = Checkpoint::to_resume(self.job.run, &meta, self.job.other_kernels)?;
        meta.sources = self.sources(checkpoint.as_ref())?;
        match checkpoint.is_some() {
            true => self.check_data(&mut task)?,
            false => task.check_source()?,
        }
        self.write_seen(&mut task, checkpoint.is_some())?;
        self.write_facts(&task)?;
        let (data, sha256) = (task.facts.path.clone(), task.facts.sha256.clone());
        let ingredients = Ingredients { data, sha256, weights: meta.sources.clone() };
        Ok((Data { task, network, meta, checkpoint }, ingredients))
    }

    fn announce(&self, data: &Data, work: &mut Workbench<'_>) {
        self.first_lines(data, work);
    }

    fn fit(&self, data: &mut Data, work: &mut Workbench<'_>) -> Result<(Meta, Effort)> {
        let progress = work.progress.as_mut();
        let classes = data.task.output_names();
        self.begin_with(&mut data.network, data.checkpoint.as_ref(), &classes, progress)?;
        let preparing = Instant::now();
        let prepared = self.build_on(&data.task, &data.network, work.compute, progress)?;
        let stored =
            self.experiment.train.feature_cache.is_some() || self.experiment.objective.distillation().is_some();
        let preparation = if stored { preparing.elapsed().as_secs_f64() } else { 0.0 };
        let learner = self.learner(data.network.clone(), &data.task, &prepared)?;
        let (meta, checkpoint) = (data.meta.clone(), data.checkpoint.take());
        let (seconds, last) = self.train(&data.task, learner, &prepared, meta, checkpoint, work)?;
        let effort = Effort { seconds: Some(seconds), preparation, resumed: Some(last.resumed) };
        Ok((last, effort))
    }

    fn finish(&self, data: Data, last: Meta, work: &mut Workbench<'_>, account: &mut Account<'_>) -> Result<Summary> {
        self.score(&data.task, data.network, last.step, account, work.progress.as_mut())
    }
}

impl Session<'_> {
    /// Writes what is known about the data: figures for the report, and the template that predictions compare with.
    fn write_facts(&self, task: &Task) -> Result<()> {
        write_json(self.job.run.facts(), &task.facts)?;
        if task.train.faces.segments.is_some() {
            // The template is for telling faces from other pictures; parts of faces in clips are neither.
            return Ok(());
        }
        match FaceTemplate::of(&task.train.faces, &task.train.rows())? {
            Some(template) => {
                write_atomic(self.job.run.template(), (serde_json::to_string(&template)? + "\n").as_bytes())
            }
            None => Ok(()),
        }
    }

    /// Whether the data are still those that training began with. What was noted then still holds.
    fn check_data(&self, task: &mut Task) -> Result<()> {
        let text = self.job.run.read(&self.job.run.facts())?;
        let before: DatasetSummary = serde_json::from_str(&text)
            .with_context(|| format!("{} is not what a run writes", self.job.run.facts().display()))?;
        if before.sha256 != task.facts.sha256
            || before.class_counts != task.facts.class_counts
            || before.targets_sha256 != task.facts.targets_sha256
        {
            bail!(
                "{} is not the file that {} was trained on until now (the sha256 of its pictures or its sets differ): put \
                 that file back, or train anew",
                task.facts.path,
                self.job.run.path().display()
            );
        }
        task.facts.notes = before.notes;
        Ok(())
    }

    fn learner(&self, mut network: Network, task: &Task, prepared: &Prepared) -> Result<Learner> {
        let Experiment { objective, train, seed, .. } = self.experiment;
        let (objective, weights) = match task.heads() {
            [] => (objective.build(), objective.weights(&task.train.class_mass())?),
            _ => (self.heads_objective(task)?, Vec::new()),
        };
        if let Some(scale) = self.experiment.objective.cosine_scale() {
            // Weights to begin with may come from a run that was calibrated.
            network.set_cosine_scale(scale);
        }
        let entry = prepared.features.as_ref().map_or(0, |f| f.entry);
        let adversary = Adversary::of(train, task.train.pipeline(), task.train.len(), *seed)?;
        Learner::new(network, objective, weights, train, *seed)
            .with_freezing(prepared.freezing.clone(), entry)
            .with_distillation(self.experiment.objective.distillation().map(Distillation::new))
            .with_adversary(adversary)
            .with_centers(self.experiment.objective.center_loss())
    }

    /// Trains to the end; gives seconds of training and where it stands then.
    fn train(
        &self,
        task: &Task,
        learner: Learner,
        prepared: &Prepared,
        meta: Meta,
        checkpoint: Option<Checkpoint>,
        work: &mut Workbench<'_>,
    ) -> Result<(f64, Meta)> {
        let Experiment { train: options, evaluate, .. } = self.experiment;
        let selection = self.selection(task);
        let validation = self.validation(task, selection, prepared.features.as_ref())?;
        let setup = Setup {
            options,
            every: evaluate.every,
            loader: &prepared.loader,
            teaching: prepared.teaching.as_ref(),
            validation: validation.as_ref(),
            keep: if evaluate.select_on == SelectOn::None { Keep::Last } else { Keep::Best },
            run: self.job.run,
            interrupt: self.job.interrupt,
        };
        let schedule = schedule::build(&options.schedule, options.lr);
        if setup.keep == Keep::Best {
            check_metrics(selection, [Some(evaluate.select_by.as_str()), schedule.watches()])?;
        }
        let mut trainer = Trainer::new(setup, learner, schedule, meta, checkpoint, work.progress.as_mut())?;
        if trainer.run()? == Ended::Interrupted {
            let Meta { step, epoch, batch, .. } = trainer.meta().clone();
            drop(trainer);
            return Err(work.interrupted(&format!("after step {step} (epoch {}, batch {batch})", epoch + 1)));
        }
        Ok((trainer.seconds(), trainer.meta().clone()))
    }
}

/// Whether the metrics that training will ask for exist on the selection set: better now than after an epoch.
fn check_metrics(selection: &Subset, names: [Option<&str>; 2]) -> Result<()> {
    if !selection.labelled.heads.is_empty() {
        return head_scoring::check_metrics(selection, &names.into_iter().flatten().collect::<Vec<_>>());
    }
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
