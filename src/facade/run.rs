//! Runs: what training leaves behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::{Error, Experiment, Predictor, Result};
use crate::commands::export::ExportCommand;
use crate::runner::{Runner, with_seeds};
use crate::systems::loaded::any_experiment_of;
use ferrotype_evaluation::Aggregate;
use ferrotype_interop::export::ExportCheck;
use ferrotype_report as report;
use ferrotype_run::RunFolder;
use ferrotype_run::group::{Group, GroupAxis, parse_values};
use ferrotype_run::history::History;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::{Style as Progress, Watcher};

/// Options of [`Experiment::train`] and [`Run::resume`].
///
/// # Examples
/// ```
/// let mut options = ferrotype::TrainOptions::default();
/// options.out = "experiments".into();
/// options.progress = ferrotype::Progress::Quiet;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrainOptions {
    /// The folder in which the run's folder is made; `runs` by default.
    pub out: PathBuf,
    /// What is shown meanwhile: bars on a terminal and lines elsewhere by default.
    pub progress: Progress,
    /// Is told of every batch, epoch and note, on the thread that trains, and may stop it: the run is then interrupted.
    pub watcher: Option<Watcher>,
    /// Train once per seed: `0..5`, `0..=4` or `1,3,7`.
    pub seeds: Option<String>,
    /// Train every fold of the experiment's split; with `seeds` every fold of every seed.
    pub folds: bool,
    /// A clone of it, kept by the caller, stops training from another thread: [`Interrupt::ask`].
    pub interrupt: Interrupt,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            out: "runs".into(),
            progress: Progress::default(),
            watcher: None,
            seeds: None,
            folds: false,
            interrupt: Interrupt::default(),
        }
    }
}

impl TrainOptions {
    pub(super) fn runner(&self) -> Runner {
        Runner { watcher: self.watcher.clone(), ..Runner::new(self.interrupt.clone(), self.progress) }
    }
}

/// Options of [`Run::export`].
///
/// # Examples
/// ```
/// let mut options = ferrotype::ExportOptions::default();
/// options.data = Some("datasets/fer2013.h5".into());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExportOptions {
    /// A prepared file to check the ONNX file on, instead of the run's own test set.
    pub data: Option<PathBuf>,
    /// Stops the export from another thread.
    pub interrupt: Interrupt,
}

/// The folder of a run, trained or still to be resumed.
///
/// # Examples
/// ```no_run
/// let run = ferrotype::Run::open("runs/quickstart-20260101-120000")?;
/// println!("{:.2} %", 100.0 * run.scores()?["accuracy"]);
/// # Ok::<(), ferrotype::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    folder: RunFolder,
}

impl Run {
    /// An existing run.
    ///
    /// # Errors
    /// [`Error::Run`] where the folder holds none.
    ///
    /// # Examples
    /// ```
    /// assert!(matches!(ferrotype::Run::open("src"), Err(ferrotype::Error::Run { .. })));
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self { folder: RunFolder::open(path).map_err(|e| Error::run(path, e))? })
    }

    /// Its folder.
    ///
    /// # Examples
    /// See [`Experiment`].
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Whether it was trained to its end and scored; of a group, whether all its runs were.
    ///
    /// # Examples
    /// ```no_run
    /// let run = ferrotype::Run::open("runs/quickstart-20260101-120000")?;
    /// if !run.is_finished() {
    ///     run.resume(&ferrotype::TrainOptions::default())?;
    /// }
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn is_finished(&self) -> bool {
        self.folder.is_finished()
    }

    /// The experiment that it was trained by.
    ///
    /// # Errors
    /// [`Error::Experiment`] or [`Error::Run`] where its file was damaged.
    ///
    /// # Examples
    /// See [`Experiment`].
    pub fn experiment(&self) -> Result<Experiment> {
        any_experiment_of(&self.folder).map(Experiment::of).map_err(|e| Error::run(self.path(), e))
    }

    /// The test set's metrics by name, such as `accuracy`, `uar` and `macro_f1`; rates as parts of 1. Of a group of folds those of
    /// all their predictions pooled, of a group of seeds the means.
    ///
    /// # Errors
    /// [`Error::Run`] of a run that is not finished, or of a system without a scored test set.
    ///
    /// # Examples
    /// See [`Run`].
    pub fn scores(&self) -> Result<BTreeMap<String, f64>> {
        let read = || {
            let aggregate = self.path().join("aggregate.json");
            if !self.folder.scores().is_file() && aggregate.is_file() {
                let seeds: Aggregate = self.folder.read_json(&aggregate)?;
                return Ok(seeds.metrics.into_iter().map(|(name, spread)| (name, spread.mean)).collect());
            }
            let mut sets = report::read_metrics(self.folder.scores())?;
            let scored = sets.remove("test").or_else(|| sets.remove("pooled"));
            let scored = scored.context("it has no scores of a test set")?;
            Ok(scored.metrics.into_iter().map(|(name, score)| (name, score.value)).collect())
        };
        read().map_err(|e: anyhow::Error| Error::run(self.path(), e))
    }

    /// The runs of a group, in their order; none of a single run, and those that were not begun yet are left out.
    ///
    /// # Errors
    /// [`Error::Run`] where the group's file was damaged.
    ///
    /// # Examples
    /// ```no_run
    /// for fold in ferrotype::Run::open("runs/own-folds-20260101-120000")?.members()? {
    ///     println!("{} {:?}", fold.path().display(), fold.scores()?);
    /// }
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn members(&self) -> Result<Vec<Self>> {
        let group = Group::open(self.path()).map_err(|e| Error::run(self.path(), e))?;
        let folders = group.map(|group| group.run_folders(self.path())).unwrap_or_default();
        folders.iter().filter(|path| RunFolder::open(path).is_ok()).map(Self::open).collect()
    }

    /// What happened while it was trained: some of its batches, all of its epochs.
    ///
    /// # Errors
    /// [`Error::Run`] where nothing was trained step by step, as in a group, or the file was damaged.
    ///
    /// # Examples
    /// See [`History`].
    pub fn history(&self) -> Result<History> {
        History::read(self.folder.history()).map_err(|e| Error::run(self.path(), e))
    }

    /// Trains on from the last checkpoint; the result is the same, bit for bit, as without the interruption. With
    /// [`TrainOptions::seeds`] those are trained, too, that it does not have: a single run, or its folds, is then moved into a
    /// new group, which is given.
    ///
    /// # Errors
    /// As [`Experiment::train`], and [`Error::Run`] where there is nothing to resume, or where [`TrainOptions::out`] or
    /// [`TrainOptions::folds`] ask for another run than this.
    ///
    /// # Examples
    /// See [`Run::is_finished`].
    pub fn resume(&self, options: &TrainOptions) -> Result<Self> {
        let failed = |cause| Error::run(self.path(), cause);
        self.check_resumable(options).map_err(failed)?;
        if let Some(seeds) = &options.seeds {
            let grown = parse_values(seeds).and_then(|seeds| with_seeds(self.path(), &seeds)).map_err(failed)?;
            let grown = Self::open(grown)?;
            return grown.experiment()?.train_in(&grown.folder, options);
        }
        if self.is_finished() || self.folder.is_imported() {
            let cause = anyhow::anyhow!("it is finished or was imported: there is nothing to resume");
            return Err(Error::run(self.path(), cause));
        }
        self.experiment()?.train_in(&self.folder, options)
    }

    /// Refuses options that make another run than this.
    fn check_resumable(&self, options: &TrainOptions) -> anyhow::Result<()> {
        let has_folds = |group: Group| group.axis == GroupAxis::Fold || group.folds.is_some();
        ensure!(
            !options.folds || Group::open(self.path())?.is_some_and(has_folds),
            "it has no folds, and `folds` is for a new training: leave it out"
        );
        let lies_in =
            |out: &Path| -> std::io::Result<bool> { Ok(self.path().canonicalize()?.starts_with(out.canonicalize()?)) };
        let stays = options.out == TrainOptions::default().out || lies_in(&options.out).unwrap_or(false);
        ensure!(stays, "it stays where it is, and `out` is {}: leave that out", options.out.display());
        Ok(())
    }

    /// Its network, ready for pictures.
    ///
    /// # Errors
    /// As [`Predictor::open`].
    ///
    /// # Examples
    /// ```no_run
    /// use ferrotype::{Picture, Run};
    ///
    /// let predictor = Run::open("runs/quickstart-20260101-120000")?.predictor()?;
    /// println!("{:?}", predictor.predict(&Picture::synthetic(2, 48, 1)?)?);
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn predictor(&self) -> Result<Predictor> {
        Predictor::open(self.path())
    }

    /// Writes the network as an ONNX file with the preprocessing inside, checked in a second runtime: on the run's test set
    /// where its data are at hand, else on synthetic faces. A file that fails the check is not left behind.
    ///
    /// # Errors
    /// [`Error::Export`].
    ///
    /// # Examples
    /// ```no_run
    /// use ferrotype::{ExportOptions, Run};
    ///
    /// let check = Run::open("runs/quickstart-20260101-120000")?.export("model.onnx", &ExportOptions::default())?;
    /// println!("checked on {} pictures", check.rows);
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn export(&self, out: impl AsRef<Path>, options: &ExportOptions) -> Result<ExportCheck> {
        let command = ExportCommand::new(self.path(), out.as_ref(), options.data.clone());
        let (check, _notes) = command.export(&options.interrupt).map_err(Error::export)?;
        Ok(check)
    }
}
