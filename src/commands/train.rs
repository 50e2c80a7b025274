//! `ferrotype train`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use ferrotype_sweep::options::Slurm;

use super::anomalies::{self, AnomalySession};
use super::loaded::any_experiment_of;
use super::real_fake::{self, RealFakeSession};
use super::session::{self, Ending, Session};
use super::slurm::{self, Place};
use super::{reproduce, say};
use crate::config::{self, AnyExperiment, Experiment};
use crate::data::split;
use crate::run::RunFolder;
use crate::run::files::write_atomic;
use crate::run::group::{Group, Varied, parse_values};
use crate::training::interrupt::{Interrupt, Interrupted};
use crate::training::progress::Style;

/// Train an experiment, or go on with an interrupted one: checkpoint, scores, verified ONNX model, report.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype train --config configs/quickstart.yaml
  ferrotype train --config configs/fer2013/mini_xception.yaml --set train.epochs=5 --set train.lr=0.002
  ferrotype train --config configs/ferplus/vgg13_majority.yaml --seeds 0..5     (five seeds, 0 to 4)
  ferrotype train --config configs/ferplus/mobilenet_v2_frozen.yaml --init runs/imported/mobilenet_v2_0.35
  ferrotype train --config configs/ferplus/vgg13_majority.yaml --seeds 0..5 --launcher slurm --slurm gpu.yaml
  ferrotype train --resume runs/quickstart-20260101-120000")]
pub struct TrainCommand {
    /// The experiment file.
    #[arg(long, value_name = "YAML", required_unless_present_any = ["resume", "member_of"], conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Go on with an interrupted run or group of runs.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// Change a key of the experiment; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "resume")]
    sets: Vec<String>,
    /// Begin with the weights of this run or file of weights: short for --set train.init=RUN.
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Train once per seed and write mean, standard deviation and 95 % interval: 0..5, 0..=4 or 1,3,7.
    #[arg(long, value_name = "SEEDS", conflicts_with_all = ["resume", "folds"])]
    seeds: Option<String>,
    /// Train every fold of the split and pool the result.
    #[arg(long, conflicts_with = "resume")]
    folds: bool,
    /// Where run folders are made.
    #[arg(long, value_name = "FOLDER", default_value = "runs")]
    out: PathBuf,
    /// Where the seeds or folds are trained.
    #[arg(long, value_enum, default_value_t = Place::Local)]
    launcher: Place,
    /// How jobs are submitted: a YAML file with the keys of a sweep's section `slurm` (see docs/sweeps.md).
    #[arg(long, value_name = "YAML")]
    slurm: Option<PathBuf>,
    /// Resume although the CPU kernels differ from those that began the run: bits will differ.
    #[arg(long, requires = "resume")]
    other_kernels: bool,
    /// Print one JSON object per event on standard output.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Print only warnings and the result.
    #[arg(long, short)]
    quiet: bool,
    /// Save and end when standard input is closed: how a sweep ends its trials, and how they end when it is killed.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
    /// End with the validation set's scores: the test set of a sweep's trial is nobody's business.
    #[arg(long, hide = true)]
    validation_only: bool,
    /// Train the member of this group that is this Slurm task's.
    #[arg(long, hide = true, value_name = "GROUP", conflicts_with_all = ["config", "resume"])]
    member_of: Option<PathBuf>,
}

impl TrainCommand {
    /// Trains.
    ///
    /// # Errors
    /// For bad input, a diverging loss, or an interruption.
    pub fn run(self) -> Result<()> {
        let interrupt = Interrupt::listen()?;
        if self.until_stdin_closes {
            interrupt.ask_when_closed(std::io::stdin());
        }
        let ending = if self.validation_only { Ending::ValidationOnly } else { Ending::Whole };
        let trainer = Runner { interrupt, style: self.style(), other_kernels: self.other_kernels, ending };
        if let Some(group) = &self.member_of {
            return slurm::member(&trainer, group);
        }
        let cluster = match self.launcher {
            Place::Local => None,
            Place::Slurm => Some(slurm::options(self.slurm.as_deref())?),
        };
        if let Some(path) = &self.resume {
            return trainer.resume(path, cluster.as_ref());
        }
        let Some(path) = &self.config else { bail!("either --config or --resume is needed") };
        let mut sets = self.sets.clone();
        if let Some(init) = &self.init {
            // In quotes: a path may look like a number.
            sets.push(format!("train.init={}", serde_json::to_string(init)?));
        }
        let experiment = config::load_any(path, &sets)?.experiment;
        let values = match (&self.seeds, self.folds) {
            (Some(text), _) => Some((Varied::Seed, parse_values(text)?)),
            (None, true) => {
                let count = match &experiment {
                    AnyExperiment::Expressions(e) => fold_count(e)?,
                    AnyExperiment::RealFake(e) => real_fake::fold_count(e)?,
                    AnyExperiment::Anomalies(_) => {
                        bail!("an experiment of the system {} has no folds: --seeds repeats it", experiment.system())
                    }
                };
                Some((Varied::Fold, (0..count as u64).collect()))
            }
            (None, false) => None,
        };
        match (values, cluster) {
            (None, Some(_)) => bail!("--launcher slurm trains the members of a group: add --seeds or --folds"),
            (Some((varied, values)), cluster) => {
                let group = Group { varied, values };
                let folder = begin_group(&experiment, &self.out, &group)?;
                match cluster {
                    Some(options) => slurm::submit_group(&folder, experiment.name(), &group, &options),
                    None => trainer.show(trainer.new_group(&experiment, &folder, &group)?),
                }
            }
            (None, None) => {
                let run = RunFolder::create(&self.out, experiment.name())?;
                let trained = trainer.single(&experiment, &run);
                if trained.is_err() {
                    run.remove_if_untouched();
                }
                trained
            }
        }
    }

    fn style(&self) -> Style {
        match (self.json, self.quiet) {
            (true, _) => Style::Json,
            (_, true) => Style::Quiet,
            _ => Style::Auto,
        }
    }
}

/// The last lines of a run, and its result as one JSON object.
pub struct Summary {
    /// For a terminal.
    pub text: String,
    /// For machines.
    pub json: serde_json::Value,
}

/// How many folds the experiment's split makes of its data.
///
/// # Errors
/// When the data cannot be read, or the split makes none.
pub fn fold_count(experiment: &Experiment) -> Result<usize> {
    let faces = crate::data::task::obtain(&experiment.data)?;
    let count = split::folds(&faces, &experiment.data.split)?;
    if count < 2 {
        bail!("--folds needs a split that makes folds: k_fold, subject_k_fold or leave_one_subject_out");
    }
    Ok(count)
}

/// Trains single runs and groups alike.
pub struct Runner {
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// How progress is shown.
    pub style: Style,
    /// Resume although the kernels differ.
    pub other_kernels: bool,
    /// What follows training.
    pub ending: Ending,
}

impl Runner {
    fn single(&self, experiment: &AnyExperiment, run: &RunFolder) -> Result<()> {
        self.show(self.train(experiment, run)?)
    }

    /// Trains in a folder, from its checkpoint if it has one.
    ///
    /// # Errors
    /// For bad input, a diverging loss, or an interruption.
    pub fn train(&self, experiment: &AnyExperiment, run: &RunFolder) -> Result<Summary> {
        let (interrupt, style, other_kernels) = (&self.interrupt, self.style, self.other_kernels);
        match experiment {
            AnyExperiment::Expressions(experiment) => {
                let ending = self.ending;
                let outcome = Session { experiment, run, interrupt, style, other_kernels, ending }.run()?;
                Ok(Summary { text: outcome.text().to_owned(), json: outcome.json() })
            }
            AnyExperiment::Anomalies(experiment) => {
                AnomalySession { experiment, run, interrupt, style, other_kernels }.run()
            }
            AnyExperiment::RealFake(experiment) => {
                RealFakeSession { experiment, run, interrupt, style, other_kernels }.run()
            }
        }
    }

    fn resume(&self, path: &Path, cluster: Option<&Slurm>) -> Result<()> {
        if let Some(group) = Group::open(path)? {
            let folder = RunFolder::open(path)?;
            let experiment = any_experiment_of(&folder)?;
            if let Some(options) = cluster {
                return slurm::submit_group(&folder, experiment.name(), &group, options);
            }
            self.show(self.members(&experiment, &folder, &group)?)?;
            return if self.style == Style::Json { Ok(()) } else { reproduce::say_verdict(path) };
        }
        if cluster.is_some() {
            bail!("--launcher slurm goes on with the members of a group, and {} is a single run", path.display());
        }
        let run = RunFolder::open(path)?;
        if run.is_imported() {
            bail!("{} was imported, not trained: there is nothing to resume", path.display());
        }
        if run.is_finished() {
            bail!(
                "{} is finished: its scores are in {}; `ferrotype report --run {}` rebuilds the report",
                path.display(),
                run.scores().display(),
                path.display()
            );
        }
        let experiment = any_experiment_of(&run)?;
        self.single(&experiment, &run)
    }

    /// Trains a group whose folder was just made; where none of its members could begin, the folder is removed.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn new_group(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
        let trained = self.members(experiment, folder, group);
        if trained.is_err() && group.values.iter().all(|&v| !group.member(folder.path(), v).exists()) {
            folder.remove();
        }
        trained
    }

    /// Trains what is not finished of a group in this folder, and writes its report.
    ///
    /// # Errors
    /// As [`train`](Self::train); the other members that are finished stay.
    pub fn train_group(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
        write_group(experiment, folder, group)?;
        self.members(experiment, folder, group)
    }

    fn show(&self, summary: Summary) -> Result<()> {
        if self.style == Style::Json { say(summary.json) } else { say(summary.text) }
    }

    /// Trains the members of a group that are not finished, and writes its report.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn members(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
        let _lock = folder.lock()?;
        for (i, &value) in group.values.iter().enumerate() {
            let finished = RunFolder::open(&group.member(folder.path(), value)).is_ok_and(|run| run.is_finished());
            if self.style == Style::Auto && !finished {
                eprintln!("== {} {value} ({} of {})", group.varied.word(), i + 1, group.values.len());
            }
            if let Some(summary) = self.member(experiment, folder, group, value)?
                && self.style == Style::Json
            {
                // Whether somebody reads this line or not, the other members are trained.
                drop(say(summary.json));
            }
        }
        self.report(experiment, folder, group)
    }

    /// Trains one member of a group, or goes on with it; gives nothing where it is finished already.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn member(
        &self,
        experiment: &AnyExperiment,
        folder: &RunFolder,
        group: &Group,
        value: u64,
    ) -> Result<Option<Summary>> {
        let run = RunFolder::create_at(&group.member(folder.path(), value))?;
        if run.is_finished() {
            return Ok(None);
        }
        let trained = self.train(&member(experiment, group.varied, value), &run);
        if trained.is_err() {
            run.remove_if_untouched();
        }
        match trained {
            Ok(summary) => Ok(Some(summary)),
            Err(e) if e.downcast_ref::<Interrupted>().is_some() => {
                let group = folder.path().display();
                let text = format!("interrupted; go on with the whole group: ferrotype train --resume {group}");
                Err(Interrupted(text).into())
            }
            Err(e) => Err(e.context(format!("{} {value} failed", group.varied.word()))),
        }
    }

    /// Writes the report of a group.
    ///
    /// # Errors
    /// When none of its runs is finished, or a file is broken.
    pub fn report(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
        let (json, text) = match experiment {
            AnyExperiment::Expressions(_) => session::report_group(folder, group)?,
            AnyExperiment::Anomalies(_) => anomalies::report_group(folder, group)?,
            AnyExperiment::RealFake(_) => real_fake::report_group(folder, group)?,
        };
        Ok(Summary { text, json })
    }
}

/// Makes the folder of a new group.
///
/// # Errors
/// When it cannot be made.
pub fn begin_group(experiment: &AnyExperiment, out: &Path, group: &Group) -> Result<RunFolder> {
    let folder = RunFolder::create(out, &format!("{}-{}s", experiment.name(), group.varied.word()))?;
    write_group(experiment, &folder, group)?;
    Ok(folder)
}

fn write_group(experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<()> {
    // Before the experiment: a folder with an experiment and no group would be resumed as a single run.
    group.save(folder)?;
    write_atomic(folder.config(), experiment.to_yaml().as_bytes())
}

/// The experiment of one member of a group.
fn member(experiment: &AnyExperiment, varied: Varied, value: u64) -> AnyExperiment {
    let mut member = experiment.clone();
    match (&mut member, varied) {
        (AnyExperiment::Expressions(e), Varied::Seed) => e.seed = value,
        (AnyExperiment::Expressions(e), Varied::Fold) => e.data.fold = value as usize,
        (AnyExperiment::Anomalies(e), _) => e.seed = value,
        (AnyExperiment::RealFake(e), Varied::Seed) => e.seed = value,
        (AnyExperiment::RealFake(e), Varied::Fold) => e.data.fold = value as usize,
    }
    member
}
