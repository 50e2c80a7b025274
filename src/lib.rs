//! Ferrotype trains and benchmarks facial-expression models: one experiment goes in; a checkpoint, a checked ONNX file,
//! scores and a report come out.
//!
//! An [`Experiment`] is loaded from a file or built in code, and trained; its [`Run`] has scores, is exported, and gives a
//! [`Predictor`] for [`Picture`]s. Everything that the command line does beyond that is in the crates `ferrotype-*`, which
//! `docs/architecture.md` draws.
//!
//! ```no_run
//! use ferrotype::{Experiment, Picture, TrainOptions};
//!
//! let run = Experiment::load("configs/quickstart.yaml")?.train(&TrainOptions::default())?;
//! println!("accuracy {:.2} %", 100.0 * run.scores()?["accuracy"]);
//! let predictor = run.predictor()?;
//! let said = &predictor.predict(&[Picture::open("face.jpg")?])?[0];
//! println!("{}", predictor.classes()[said.class]);
//! # Ok::<(), ferrotype::Error>(())
//! ```

mod facade;

pub use facade::{
    AnalyzeOptions, Dataset, Error, Experiment, ExperimentBuilder, ExportOptions, Picture, Predictor, PredictorOptions,
    Result, Run, TrainOptions, analyze,
};
/// # Examples
/// ```
/// let error: ferrotype::ConfigError = match ferrotype::Experiment::from_yaml("nmae: x") {
///     Err(ferrotype::Error::Experiment { source, .. }) => source,
///     _ => unreachable!("the key is unknown"),
/// };
/// assert!(error.to_string().contains("nmae"));
/// ```
pub use ferrotype_config::ConfigError;
/// # Examples
/// ```
/// fn sure(said: &ferrotype::Prediction) -> bool {
///     said.probabilities[said.class] > 0.9
/// }
/// ```
pub use ferrotype_expressions::Prediction;
/// # Examples
/// ```
/// fn say(check: &ferrotype::ExportCheck) {
///     println!("{} of {} decided rows have the same class", check.agreeing, check.decided);
/// }
/// ```
pub use ferrotype_interop::export::ExportCheck;
/// # Examples
/// ```no_run
/// fn losses(run: &ferrotype::Run) -> ferrotype::Result<Vec<f64>> {
///     Ok(run.history()?.epochs.iter().map(|epoch| epoch.train_loss).collect())
/// }
/// ```
pub use ferrotype_run::history::History;
/// # Examples
/// ```
/// let options = ferrotype::TrainOptions::default();
/// let stop: ferrotype::Interrupt = options.interrupt.clone();
/// std::thread::spawn(move || stop.ask());
/// ```
pub use ferrotype_training::interrupt::Interrupt;
/// # Examples
/// ```
/// let mut options = ferrotype::TrainOptions::default();
/// options.progress = ferrotype::Progress::Json;
/// ```
pub use ferrotype_training::progress::Style as Progress;
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use ferrotype::{Event, TrainOptions, Watcher};
///
/// let mut options = TrainOptions::default();
/// options.watcher = Some(Watcher::new(|event| match event {
///     Event::Epoch(epoch) if epoch.train_loss < 0.1 => ControlFlow::Break(()),
///     _ => ControlFlow::Continue(()),
/// }));
/// ```
pub use ferrotype_training::progress::{EpochReport, Event, StepReport, Watcher};

/// The commit that this was built from, or `unknown`.
pub(crate) const COMMIT: &str = match option_env!("FERROTYPE_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

// The parts, for the binary, for `fuzz` and for the examples that show single ones: no part of the library's interface.
#[doc(hidden)]
pub mod allocator;
#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod commands;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod publication;
#[doc(hidden)]
pub mod published;
#[doc(hidden)]
pub mod reproduction;
#[doc(hidden)]
pub mod runner;
#[doc(hidden)]
pub mod serving;
#[doc(hidden)]
pub mod systems;

#[doc(hidden)]
pub use {
    ferrotype_anomaly as anomaly, ferrotype_base::random, ferrotype_data as data, ferrotype_evaluation as evaluation,
    ferrotype_interop::export, ferrotype_interop::import, ferrotype_model as model, ferrotype_model::device,
    ferrotype_model::objective, ferrotype_model::saliency, ferrotype_ops as ops, ferrotype_real_fake as real_fake,
    ferrotype_report as report, ferrotype_run as run, ferrotype_training as training, ferrotype_training::attack,
    ferrotype_vision::clips, ferrotype_vision::faces, ferrotype_vision::video,
};
