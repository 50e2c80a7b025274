//! One run from its experiment to its finished folder.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use ferrotype_kernels::Isa;
use rayon::ThreadPoolBuilder;

use super::{onnx, view};
use crate::config::{self, Experiment, KernelBackend, Kernels, KernelsIsa, SelectOn};
use crate::data::task::{Facts, Subset, Task};
use crate::data::template::FaceTemplate;
use crate::device::{DeviceName, Opened};
use crate::evaluation::metrics::{self, format_value};
use crate::evaluation::{Scores, aggregate, score};
use crate::export::ExportCheck;
use crate::model::Network;
use crate::ops::Compute;
use crate::report;
use crate::report::terminal::format_score;
use crate::run::files::write_atomic;
use crate::run::group::Group;
use crate::run::tensorboard::TensorBoard;
use crate::run::{Provenance, RunFolder};
use crate::training::checkpoint::{Checkpoint, Meta};
use crate::training::interrupt::{Interrupt, Interrupted};
use crate::training::learner::Learner;
use crate::training::progress::{Progress, Style};
use crate::training::scoring::Scoring;
use crate::training::trainer::{Ended, Setup, Trainer, load_selected};
use crate::training::{schedule, scoring};

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
}

/// What came out.
pub struct Outcome {
    /// Test scores.
    pub scores: Scores,
    /// The result as text for a terminal.
    text: String,
    run: RunFolder,
    onnx: Option<ExportCheck>,
}

impl Outcome {
    /// The last lines of a run.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The result as one JSON object.
    pub fn json(&self) -> serde_json::Value {
        let values: serde_json::Map<_, _> =
            self.scores.metrics.iter().map(|(k, v)| (k.clone(), v.value.into())).collect();
        serde_json::json!({ "event": "result", "run": self.run.path(), "scores": values, "onnx": self.onnx })
    }
}

/// The code that computes, by the experiment's wish and the device.
///
/// # Errors
/// When the processor lacks the instruction set asked for.
pub fn compute(kernels: &Kernels, device: &Opened) -> Result<Compute> {
    if device.name != DeviceName::Flex || kernels.backend == KernelBackend::Burn {
        return Ok(Compute::Burn);
    }
    let wanted = match kernels.isa {
        KernelsIsa::Auto => return Ok(Compute::Native(Isa::detect())),
        KernelsIsa::Avx512 => Isa::Avx512,
        KernelsIsa::Avx2 => Isa::Avx2,
        KernelsIsa::Portable => Isa::Portable,
    };
    if !Isa::available().contains(&wanted) {
        let sets: Vec<String> = Isa::available().iter().map(ToString::to_string).collect();
        bail!("kernels.isa asks for {wanted}, but this processor has {}", sets.join(", "));
    }
    Ok(Compute::Native(wanted))
}

/// The words for a [`Compute`] in checkpoints and provenance.
pub fn compute_name(compute: Compute) -> String {
    match compute {
        Compute::Burn => "burn".into(),
        Compute::Native(isa) => format!("native {isa}"),
    }
}

/// The digest of what a result depends on. Threads may differ between the parts of an interrupted run; kernels are
/// compared by the name of what really computes.
pub fn result_digest(experiment: &Experiment) -> String {
    let mut e = experiment.clone();
    (e.threads, e.data.workers, e.kernels) = Default::default();
    config::digest(&e)
}

impl Session<'_> {
    /// Trains, scores, exports and reports.
    ///
    /// # Errors
    /// For bad input, a diverging loss, an interruption, or a file that cannot be written.
    pub fn run(&self) -> Result<Outcome> {
        let threads = match self.experiment.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        // A pool of our own: kernels and Burn's CPU backend both obey it, and nothing global is set.
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
        pool.install(|| self.run_in_pool(threads))
    }

    fn run_in_pool(&self, threads: usize) -> Result<Outcome> {
        let began = Instant::now();
        let _lock = self.run.lock()?;
        let mut progress = self.style.start();
        let device = self.experiment.device.0.parse::<DeviceName>()?.open()?;
        let compute = compute(&self.experiment.kernels, &device)?;
        write_atomic(self.run.config(), config::to_yaml(self.experiment).as_bytes())?;
        let task = Task::prepare(&self.experiment.data, self.experiment.seed)?;

        let graph = Arc::new(self.experiment.model.build(task.input(), task.classes().len())?);
        let network = Network::new(graph, self.experiment.seed, &device.device).with_compute(compute);
        let fresh = Meta {
            model: self.experiment.model.name().into(),
            classes: task.classes().to_vec(),
            experiment_sha256: result_digest(self.experiment),
            kernels: compute_name(compute),
            ..Meta::default()
        };
        let checkpoint = Checkpoint::to_resume(self.run, &fresh, self.other_kernels)?;
        if checkpoint.is_some() {
            self.check_data(&task)?;
        }
        self.write_facts(&task)?;
        let mut provenance = Provenance::begin(&device.name.to_string(), &compute_name(compute), threads);
        provenance.data.insert(task.facts.path.clone(), task.facts.sha256.clone());
        provenance.experiment_sha256 = config::digest(self.experiment);
        if checkpoint.is_some() {
            provenance.started = Provenance::load(self.run).started;
        }
        provenance.save(self.run)?;
        self.announce(&task, &network, &device, compute, checkpoint.as_ref(), progress.as_mut());

        let learner = self.learner(network.clone(), &task)?;
        let (seconds, resumed) = self.train(&task, learner, fresh, checkpoint, progress.as_mut())?;
        provenance.training_seconds = seconds;
        provenance.resumed = resumed;
        self.finish(&task, network, &mut provenance, began, progress.as_mut())
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

    /// Whether the data are still those that training began with.
    fn check_data(&self, task: &Task) -> Result<()> {
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
        Ok(())
    }

    fn learner(&self, network: Network, task: &Task) -> Result<Learner> {
        let weights = self.experiment.objective.weights(&task.train.class_mass())?;
        let objective = self.experiment.objective.build();
        Ok(Learner::new(network, objective, weights, &self.experiment.train, self.experiment.seed))
    }

    /// Trains to the end; gives seconds of training and the number of resumptions.
    fn train(
        &self,
        task: &Task,
        learner: Learner,
        fresh: Meta,
        checkpoint: Option<Checkpoint>,
        progress: &mut dyn Progress,
    ) -> Result<(f64, usize)> {
        let options = &self.experiment.train;
        let loader = task.training_loader(options.batch_size, self.experiment.seed)?;
        let selection = match self.experiment.evaluate.select_on {
            SelectOn::Validation => &task.validation,
            SelectOn::Test => &task.test,
        };
        let setup = Setup {
            options,
            every: self.experiment.evaluate.every,
            loader: &loader,
            validation: &Scoring { subset: selection, options: &self.experiment.evaluate },
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
        Ok((trainer.seconds(), trainer.meta().resumed))
    }

    /// Scores the selected weights, exports, writes everything, reports.
    fn finish(
        &self,
        task: &Task,
        mut network: Network,
        provenance: &mut Provenance,
        began: Instant,
        progress: &mut dyn Progress,
    ) -> Result<Outcome> {
        load_selected(self.run, &mut network)?;
        let last_step = Checkpoint::load(&self.run.last_checkpoint())?.meta.step;
        let evaluate = &self.experiment.evaluate;
        self.stop_if_asked()?;
        let validation = scoring::scores(&network, &task.validation, evaluate, progress)?;
        self.stop_if_asked()?;
        let predictions = scoring::predict(&network, &task.test, evaluate, progress)?;
        self.stop_if_asked()?;
        let test = score(&predictions).context("cannot score the test set")?;
        let check = match self.experiment.export.onnx {
            true => Some(self.export(task, &network, &test, progress)?),
            false => None,
        };
        provenance.finish(began.elapsed().as_secs_f64());
        provenance.save(self.run)?;
        report::predictions::write(self.run.predictions(), &predictions)?;
        // Its presence says that the run is finished; the report can be built again at any time.
        let sets = BTreeMap::from([("validation".to_owned(), validation), ("test".to_owned(), test.clone())]);
        report::write_metrics(self.run.scores(), &sets)?;
        let text = report_run(self.run)?;
        self.show_confusion(last_step)?;
        Ok(Outcome { scores: test, text, run: self.run.clone(), onnx: check })
    }

    /// Adds the test set's confusion matrix to TensorBoard, at the last step.
    fn show_confusion(&self, last_step: u64) -> Result<()> {
        let path = self.run.path().join("plots/confusion_matrix.png");
        let png = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        TensorBoard::open(self.run.tensorboard(), last_step)?.image("test/confusion_matrix", last_step, &png)
    }

    /// Between the parts of the work that follows training.
    fn stop_if_asked(&self) -> Result<()> {
        if !self.interrupt.is_asked() {
            return Ok(());
        }
        let run = self.run.path().display();
        Err(Interrupted(format!(
            "interrupted; training is complete and saved, scores and report are not made yet. Go on with\n  ferrotype train \
             --resume {run}"
        ))
        .into())
    }

    fn export(
        &self,
        task: &Task,
        network: &Network,
        scores: &Scores,
        progress: &mut dyn Progress,
    ) -> Result<ExportCheck> {
        progress.note("exporting and checking model.onnx");
        let out = self.run.onnx();
        let check = onnx::export(network, self.experiment, &task.facts, &task.test, scores, self.run, &out)?;
        write_atomic(self.run.onnx_check(), (serde_json::to_string_pretty(&check)? + "\n").as_bytes())?;
        Ok(check)
    }

    /// Says what is about to be trained, and what deserves a warning.
    fn announce(
        &self,
        task: &Task,
        network: &Network,
        device: &Opened,
        compute: Compute,
        checkpoint: Option<&Checkpoint>,
        progress: &mut dyn Progress,
    ) {
        let f = &task.facts;
        let drawn = if f.synthetic { " (synthetic: drawn faces)" } else { "" };
        progress.note(&format!("run      {}", self.run.path().display()));
        progress.note(&format!(
            "data     {}{drawn}: {} training, {} validation, {} test; {} classes",
            f.path,
            f.sizes[0],
            f.sizes[1],
            f.sizes[2],
            f.classes.len()
        ));
        let count: usize = network.parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum();
        progress.note(&format!("model    {}, {count} parameters", self.experiment.model.name()));
        progress.note(&format!("device   {}, {} kernels", device.name, compute_name(compute)));
        if let Some(c) = checkpoint {
            let (epoch, batch) = (c.meta.epoch + 1, c.meta.batch);
            progress.note(&format!("resumed  at step {} (epoch {epoch}, batch {batch})", c.meta.step));
        }
        if f.dropped > 0 {
            progress.note(&format!("leaks    {} training rows dropped: their pictures are held out", f.dropped));
        } else if f.test_leaks + f.validation_leaks > 0 {
            progress.warn(&format!(
                "{} validation and {} test pictures also stand in training (data.drop_leaks: true removes them there)",
                f.validation_leaks, f.test_leaks
            ));
        }
        if let Some([shared, all]) = f.shared_clips.filter(|[shared, _]| *shared > 0) {
            progress.warn(&format!(
                "{shared} of {all} clips of the test set also stand in training, by other segments: the score is optimistic"
            ));
        }
        if let Some(limit) = self.experiment.data.limit {
            progress.warn(&format!("each set is cut to {limit} rows (data.limit): this is a trial, not a result"));
        }
        if self.experiment.evaluate.select_on == SelectOn::Test || task.is_validation_test() {
            progress.warn("the weights are selected on the test set, as this recipe did: the score is optimistic");
        }
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

/// Builds the report of a finished run; gives its last lines.
///
/// # Errors
/// When a file of the run is missing or broken, or the report cannot be written.
pub fn report_run(run: &RunFolder) -> Result<String> {
    let view = view::of_run(run)?;
    // predictions.csv stays as it is: read and written again, its probabilities would lose their last digits.
    let path = report::write_run(run.path(), &view, None)?;
    Ok(report::terminal::summary_for_stdout(&view, &path.display().to_string()))
}

/// Builds the report of a group of runs; gives the result as one JSON object, and as its last lines.
///
/// # Errors
/// When no run of the group is finished, or a file is broken.
pub fn report_group(folder: &RunFolder, group: &Group) -> Result<(serde_json::Value, String)> {
    let view = view::of_group(folder, group)?;
    let path = report::write_aggregate(folder.path(), &view)?;
    let scores: Vec<Scores> = view.runs.iter().map(|r| r.scores.clone()).collect();
    let sum = aggregate(&scores)?;
    let mut lines = vec![format!("{}: {} {}s", view.name, sum.runs, view.over)];
    for metric in metrics::all() {
        let Some(spread) = sum.metrics.get(metric.name()) else { continue };
        let show = |v: f64| format_value(*metric, v);
        let mut line = format!("  {:<28} mean {}", metric.title(), show(spread.mean));
        if let (Some(sd), Some([low, high])) = (spread.sd, spread.interval) {
            line += &format!(", sd {}, 95 % interval {} to {}", show(sd), show(low), show(high));
        }
        lines.push(line);
    }
    if let Some(pooled) = view.pooled.as_ref().and_then(|p| p.metrics.get("uf1")) {
        lines.push(format!("  {:<28} {}", "UF1 over all folds", format_score("uf1", pooled)));
    }
    lines.push(format!("report  {}", path.display()));
    let json = serde_json::json!({
        "event": "group_result", "run": folder.path(), "over": view.over, "runs": sum.runs, "scores": sum.metrics,
        "pooled": view.pooled.as_ref().map(|p| &p.metrics),
    });
    Ok((json, lines.join("\n")))
}
