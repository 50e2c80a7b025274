//! A training that was stopped and resumed ends with the same bits as one that was not, wherever it was stopped.

mod common;

use std::path::Path;
use std::sync::Arc;

use ferrotype::clips::write_source;
use ferrotype::config::{self, Experiment};
use ferrotype::data::task::{Epochs, Task};
use ferrotype::device::DeviceName;
use ferrotype::model::Network;
use ferrotype::objective::Distillation;
use ferrotype::run::RunFolder;
use ferrotype::run::history::History;
use ferrotype::training::adversarial::Adversary;
use ferrotype::training::checkpoint::{Checkpoint, Meta};
use ferrotype::training::freeze::Freezing;
use ferrotype::training::interrupt::Interrupt;
use ferrotype::training::learner::Learner;
use ferrotype::training::progress::{EpochReport, Progress, StepReport};
use ferrotype::training::schedule;
use ferrotype::training::scoring::Scoring;
use ferrotype::training::teacher::{DistillContext, Ensemble, Teacher, Teaching};
use ferrotype::training::trainer::{Ended, Keep, Setup, Trainer};
use ferrotype_expressions::compute::compute;

use common::{Place, history, weights};

/// Everything that a checkpoint must remember: optimizer slots, moving average, plateau, patience, and choices that
/// depend on the place. Seven batches are four steps; the smallest improvement that counts is never reached, so the
/// rate falls after the second epoch and training stops early after the third.
const EVERYTHING: [&str; 11] = [
    "train.epochs=6",
    "train.accumulate=2",
    "train.optimizer.adamw={}",
    "train.weight_decay=0.01",
    "train.clip_norm=0.5",
    "train.ema=0.9",
    "train.schedule.reduce_on_plateau={factor: 0.5, patience: 1, min_delta: 10, watch: loss}",
    "train.early_stopping={patience: 2, min_delta: 10}",
    "data.augment.mixup=0.4",
    "data.labels=probability",
    "evaluate.select_by=loss",
];
/// Optimizer steps that it takes.
const STEPS: u64 = 12;

/// Asks to stop after a step.
struct StopAfter {
    interrupt: Interrupt,
    step: Option<u64>,
}

impl Progress for StopAfter {
    fn step(&mut self, report: &StepReport) {
        if Some(report.step) == self.step {
            self.interrupt.ask();
        }
    }
    fn epoch(&mut self, _: &EpochReport) {}
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
    fn work(&mut self, _: &str, _: usize, _: usize) {}
}

/// A bug in the program, after a step.
struct Bug {
    step: u64,
}

impl Progress for Bug {
    fn step(&mut self, report: &StepReport) {
        assert!(report.step < self.step, "a bug");
    }
    fn epoch(&mut self, _: &EpochReport) {}
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
    fn work(&mut self, _: &str, _: usize, _: usize) {}
}

/// An experiment with its data.
struct Bench {
    place: Place,
    experiment: Experiment,
    task: Task,
}

impl Bench {
    fn new(sets: &[&str]) -> Self {
        let place = Place::new();
        let mut sets: Vec<String> = sets.iter().map(|&s| s.to_owned()).collect();
        sets.push(format!("data.path={}", place.at("small.h5").display()));
        let experiment = config::load(&place.at("small.yaml"), &sets).unwrap().experiment;
        let task = Task::prepare(&experiment.data, experiment.seed, write_source).unwrap();
        Self { place, experiment, task }
    }

    /// Trains in a folder from its checkpoint, if it has one, until the end or the step.
    fn train(&self, name: &str, until: Option<u64>) -> Ended {
        let interrupt = Interrupt::default();
        self.train_with(name, &interrupt, &mut StopAfter { interrupt: interrupt.clone(), step: until })
    }

    fn train_with(&self, name: &str, interrupt: &Interrupt, progress: &mut dyn Progress) -> Ended {
        let e = &self.experiment;
        let run = RunFolder::create_at(&self.place.at(name)).unwrap();
        let _lock = run.lock().unwrap();
        std::fs::create_dir_all(run.checkpoints()).unwrap();
        let device = DeviceName::Flex.open().unwrap();
        let compute = compute(&e.kernels, &device).unwrap();
        let classes = self.task.classes();
        let graph = Arc::new(e.model.build(self.task.input(), classes.len()).unwrap());
        let network = Network::new(graph, e.seed, &device.device).with_compute(compute);
        let freezing = Freezing::new(&e.train, network.graph()).unwrap();
        let adversary = Adversary::of(&e.train, self.task.train.pipeline(), self.task.train.len(), e.seed).unwrap();
        let learner = Learner::new(network, e.objective.build(), vec![1.0; classes.len()], &e.train, e.seed)
            .with_freezing(freezing, 0)
            .with_distillation(e.objective.distillation().map(Distillation::new))
            .with_adversary(adversary)
            .with_centers(e.objective.center_loss())
            .unwrap();
        let loader = self.task.training_loader(e.train.batch_size, e.seed).unwrap();
        let teaching = self.teaching(interrupt);
        let setup = Setup {
            options: &e.train,
            every: e.evaluate.every,
            loader: &loader,
            validation: &Scoring { subset: &self.task.validation, features: None, options: &e.evaluate },
            keep: Keep::Best,
            teaching: teaching.as_ref(),
            run: &run,
            interrupt,
        };
        let fresh = Meta { model: e.model.name().into(), kernels: compute.to_string(), ..Meta::default() };
        let path = run.last_checkpoint();
        let checkpoint = path.is_file().then(|| Checkpoint::load(&path).unwrap());
        let schedule = schedule::build(&e.train.schedule, e.train.lr);
        Trainer::new(setup, learner, schedule, fresh, checkpoint, progress).unwrap().run().unwrap()
    }

    /// A teacher of another size than the student, where the experiment distils.
    fn teaching(&self, interrupt: &Interrupt) -> Option<Teaching> {
        let e = &self.experiment;
        let options = e.objective.distillation()?;
        let mut preprocess = e.data.preprocess.clone();
        preprocess.size = 32;
        let classes = self.task.classes().to_vec();
        let graph = Arc::new(e.model.build([1, 32, 32], classes.len()).unwrap());
        let network = Network::new(graph, 77, &DeviceName::Flex.open().unwrap().device);
        let teacher = Teacher { name: "teacher".into(), network, classes: classes.clone(), preprocess, pictures: 1 };
        let place = DistillContext {
            task: &self.task,
            epochs: Epochs { batch_size: e.train.batch_size, seed: e.seed, views: None },
            pictures: true,
            signal: options.signal,
            kernels: "burn",
            folder: self.place.at("answers"),
            interrupt,
        };
        let ensemble = Ensemble::new(vec![teacher], options, &classes).unwrap();
        let mut silent = StopAfter { interrupt: interrupt.clone(), step: None };
        Some(Teaching::new(ensemble, &place, &mut silent).unwrap())
    }

    fn check(&self, name: &str) {
        let (whole, parts) = (self.place.at("whole"), self.place.at(name));
        assert_eq!(history(&whole), history(&parts), "{name}");
        assert_eq!(weights(&whole), weights(&parts), "{name}");
        let best = |run: &Path| std::fs::read(run.join("checkpoints/best.safetensors")).unwrap();
        assert!(best(&whole) == best(&parts), "{name}: best.safetensors");
        assert_eq!(timeless(&whole), timeless(&parts), "{name}");
    }

    /// Trains without a stop; gives the number of steps.
    fn whole(&self) -> u64 {
        assert_eq!(self.train("whole", None), Ended::Finished);
        timeless(&self.place.at("whole")).step
    }
}

/// What the last checkpoint says, without what a clock says.
fn timeless(run: &Path) -> Meta {
    let meta = Checkpoint::load(&run.join("checkpoints/last.safetensors")).unwrap().meta;
    Meta { training_seconds: 0.0, resumed: 0, ..meta }
}

fn everything_with(more: &[&str]) -> Bench {
    Bench::new(&[&EVERYTHING[..], more].concat())
}

#[test]
fn stopped_after_any_step_and_resumed() {
    // Batch norm, then dropout.
    for model in ["model=tiny_xception", "model=emopy_cnn"] {
        let bench = everything_with(&[model]);
        assert_eq!(bench.whole(), STEPS);
        for step in 1..STEPS {
            let name = format!("at-{step}");
            assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted, "{name}");
            assert_eq!(bench.train(&name, None), Ended::Finished, "{name}");
            bench.check(&name);
        }
    }
}

/// Which examples are replaced, and where the attacks on them begin, follow from the place; the first epoch is clean.
#[test]
fn adversarial_training_stopped_and_resumed() {
    let plain = everything_with(&[]);
    plain.whole();
    for method in ["fgsm: {random_start: true}", "pgd: {steps: 2}"] {
        let set = format!("train.adversarial={{method: {{{method}}}, eps: 4, norm: l2, start_epoch: 1}}");
        let bench = everything_with(&[&set]);
        assert_eq!(bench.whole(), STEPS);
        assert_ne!(weights(&bench.place.at("whole")), weights(&plain.place.at("whole")), "{method}");
        for step in [2, 5, 10] {
            let name = format!("at-{step}");
            assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted, "{name}");
            assert_eq!(bench.train(&name, None), Ended::Finished, "{name}");
            bench.check(&name);
        }
    }
}

#[test]
fn stopped_before_the_first_step() {
    let bench = everything_with(&[]);
    bench.whole();
    let interrupt = Interrupt::default();
    interrupt.ask();
    let ended = bench.train_with("early", &interrupt, &mut StopAfter { interrupt: interrupt.clone(), step: None });
    assert_eq!(ended, Ended::Interrupted);
    assert_eq!(timeless(&bench.place.at("early")).step, 0);
    assert_eq!(bench.train("early", None), Ended::Finished);
    bench.check("early");
}

#[test]
fn an_epoch_that_was_stopped_took_as_long_as_all_its_parts() {
    let bench = everything_with(&[]);
    assert_eq!(bench.train("parts", Some(1)), Ended::Interrupted);
    let run = RunFolder::create_at(&bench.place.at("parts")).unwrap();
    let mut checkpoint = Checkpoint::load(&run.last_checkpoint()).unwrap();
    assert!(checkpoint.meta.epoch_seconds > 0.0);
    checkpoint.meta.epoch_seconds = 1000.0;
    checkpoint.save(&run.last_checkpoint()).unwrap();
    assert_eq!(bench.train("parts", None), Ended::Finished);
    let seconds: Vec<f64> = History::read(run.history()).unwrap().epochs.iter().map(|e| e.seconds).collect();
    assert!(seconds[0] > 1000.0 && seconds[1..].iter().all(|&s| s < 1000.0), "{seconds:?}");
}

#[test]
fn stopped_after_every_step() {
    let bench = everything_with(&["model=emopy_cnn", "evaluate.every=2", "train.early_stopping=null"]);
    let steps = bench.whole();
    assert_eq!(steps, 24);
    for step in 1..steps {
        assert_eq!(bench.train("every", Some(step)), Ended::Interrupted);
    }
    assert_eq!(bench.train("every", None), Ended::Finished);
    bench.check("every");
}

#[test]
fn a_stop_that_is_asked_for_at_the_very_end_comes_too_late() {
    let bench = everything_with(&[]);
    bench.whole();
    assert_eq!(bench.train("late", Some(STEPS)), Ended::Finished);
    bench.check("late");
    // Resuming what is finished changes nothing.
    assert_eq!(bench.train("late", None), Ended::Finished);
    bench.check("late");
}

#[test]
fn resumed_on_burns_own_operations() {
    let bench = everything_with(&["kernels.backend=burn", "model=emopy_cnn"]);
    bench.whole();
    for step in [1, 4, 7] {
        let name = format!("at-{step}");
        assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted);
        assert_eq!(bench.train(&name, None), Ended::Finished);
        bench.check(&name);
    }
}

#[test]
fn every_optimizer_and_schedule_resumes() {
    let optimizers = [
        "train.optimizer=sgd",
        "train.optimizer.sgd={momentum: 0.9, nesterov: true}",
        "train.optimizer.adam={form: keras}",
        "train.optimizer.rmsprop={momentum: 0.5}",
    ];
    let schedules = [
        "train.schedule.step={every: 1, factor: 0.5}",
        "train.schedule.multi_step={at: [1], factor: [0.1]}",
        "train.schedule.cosine={warmup: 1}",
        "train.schedule=one_cycle",
    ];
    for (optimizer, schedule) in optimizers.into_iter().zip(schedules) {
        let bench = Bench::new(&[optimizer, schedule, "data.augment.cutmix=1", "data.sampler=balanced"]);
        bench.whole();
        for step in [3, 7, 11] {
            let name = format!("at-{step}");
            assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted);
            assert_eq!(bench.train(&name, None), Ended::Finished);
            bench.check(&name);
        }
    }
}

/// Thawing in the middle, rates by depth, and an average that leaves frozen weights alone.
#[test]
fn resumed_before_at_and_after_a_thaw() {
    let bench = Bench::new(&[
        "train.epochs=4",
        "train.freeze=[base.*, module*]",
        "train.unfreeze_at=[{epoch: 2, patterns: [module*]}]",
        "train.layer_decay=0.9",
        "train.head_lr=2",
        "train.ema=0.9",
        "train.optimizer.adamw={}",
        "train.weight_decay=0.01",
        "train.clip_norm=0.5",
        "train.accumulate=2",
    ]);
    assert_eq!(bench.whole(), 16);
    for step in [1, 7, 8, 9, 13] {
        let name = format!("at-{step}");
        assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted);
        assert_eq!(bench.train(&name, None), Ended::Finished);
        bench.check(&name);
    }
}

/// Before the average begins, in its first epoch, and while its rate comes to its own.
#[test]
fn resumed_while_weights_are_averaged() {
    let bench = Bench::new(&[
        "model=tiny_xception",
        "train.epochs=4",
        "train.swa={after: 1, lr: 3e-4, anneal: 1.5}",
        "train.schedule.cosine={}",
    ]);
    assert_eq!(bench.whole(), 28);
    for step in [3, 7, 9, 14, 20, 27] {
        let name = format!("at-{step}");
        assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted);
        assert_eq!(bench.train(&name, None), Ended::Finished);
        bench.check(&name);
    }
}

#[test]
fn resumed_while_centres_move() {
    let model = "model.ferronet={widths: [4, 8, 8, 12], blocks: [0, 0, 1]}";
    let bench = everything_with(&["objective.center_loss={weight: 0.05, island: 5}", model]);
    bench.whole();
    for step in [1, 3, 4, 7, 11] {
        let name = format!("at-{step}");
        assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted);
        assert_eq!(bench.train(&name, None), Ended::Finished);
        bench.check(&name);
    }
    // The centres have a part in it.
    let without = everything_with(&["objective.center_loss={weight: 0}", model]);
    without.whole();
    assert_ne!(weights(&without.place.at("whole")), weights(&bench.place.at("whole")));
}

#[test]
fn resumed_while_being_taught() {
    for signal in ["recompute", "rows"] {
        let distillation = format!("objective.distillation={{teachers: [t], t_squared: true, signal: {signal}}}");
        let bench = Bench::new(&[&distillation, "model=tiny_xception"]);
        bench.whole();
        for step in [3, 7, 10] {
            let name = format!("at-{step}");
            assert_eq!(bench.train(&name, Some(step)), Ended::Interrupted);
            assert_eq!(bench.train(&name, None), Ended::Finished);
            bench.check(&name);
        }
    }
}

#[test]
fn a_bug_leaves_no_lock_and_a_run_that_goes_on() {
    let bench = everything_with(&["train.checkpoint.steps=2"]);
    bench.whole();
    let crash = || bench.train_with("crashed", &Interrupt::default(), &mut Bug { step: 7 });
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(crash)).is_err());
    let last = timeless(&bench.place.at("crashed"));
    assert_eq!(last.step, 6);
    assert_eq!(bench.train("crashed", None), Ended::Finished);
    bench.check("crashed");
}
