//! `ferrotype train`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use ferrotype_sweep::options::Slurm;

use super::say;
use super::slurm::{self, Place};
use super::verdict::say_verdict;
use crate::runner::{GroupOptions, Jobs, Runner, begin_group};
use crate::systems::loaded::{any_experiment_of, load};
use crate::systems::{self, RunScope, Summary};
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::Style;

/// Train an experiment, or go on with an interrupted one: checkpoint, scores, verified ONNX model, report.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype train --config configs/quickstart.yaml
  ferrotype train --config configs/fer2013/mini_xception.yaml --set train.epochs=5 --set train.lr=0.002
  ferrotype train --config configs/ferplus/vgg13_majority.yaml --seeds 0..5     (five seeds, 0 to 4)
  ferrotype train --config configs/baum/microx_gap.yaml --folds --jobs 2        (two folds at a time)
  ferrotype train --config configs/ferplus/mobilenet_v2_frozen.yaml --init runs/imported/mobilenet_v2_0.35
  ferrotype train --config configs/ferplus/vgg13_majority.yaml --seeds 0..5 --launcher slurm --slurm gpu.yaml
  ferrotype train --resume runs/quickstart-20260101-120000")]
pub struct TrainCommand {
    /// The experiment file.
    #[arg(long, value_name = "YAML", required_unless_present_any = ["resume", "member_of"], conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Go on with an interrupted run or group of runs.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["seeds", "folds"])]
    resume: Option<PathBuf>,
    /// Change a key of the experiment; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "resume")]
    sets: Vec<String>,
    /// Begin with the weights of this run or file of weights: short for --set train.init=RUN.
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    init: Option<PathBuf>,
    #[command(flatten)]
    group: GroupOptions,
    #[command(flatten)]
    jobs: Jobs,
    /// CPU threads in place of the experiment's; 0 means all cores. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
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
    /// Make the prepared data file again from data.source first, replacing the one that is there.
    #[arg(long, conflicts_with_all = ["resume", "member_of"])]
    rebuild: bool,
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
        let scope = if self.validation_only { RunScope::ValidationOnly } else { RunScope::Whole };
        let runner = Runner {
            other_kernels: self.other_kernels,
            scope,
            threads: self.threads,
            jobs: self.jobs.jobs,
            ..Runner::new(interrupt, self.style())
        };
        if let Some(group) = &self.member_of {
            return slurm::member(runner, group);
        }
        let cluster = match self.launcher {
            Place::Local => None,
            Place::Slurm => Some(slurm::options(self.slurm.as_deref())?),
        };
        match &self.resume {
            Some(path) => self.resume(&runner, path, cluster.as_ref()),
            None => self.begin(&runner, cluster.as_ref()),
        }
    }

    fn begin(&self, runner: &Runner, cluster: Option<&Slurm>) -> Result<()> {
        let Some(path) = &self.config else { bail!("either --config or --resume is needed") };
        let mut sets = self.sets.clone();
        if let Some(init) = &self.init {
            // In quotes: a path may look like a number.
            sets.push(format!("train.init={}", serde_json::to_string(init)?));
        }
        let experiment = load(path, &sets)?;
        if self.rebuild {
            systems::of(&experiment).rebuild_data()?;
        }
        match (self.group.group(&experiment)?, cluster) {
            (None, Some(_)) => bail!("--launcher slurm trains the members of a group: add --seeds or --folds"),
            (Some(group), cluster) => {
                let folder = begin_group(&experiment, &self.out, &group)?;
                match cluster {
                    Some(options) => slurm::submit_group(&folder, experiment.name(), &group, options),
                    None => self.show(runner.new_group(&experiment, &folder, &group)?),
                }
            }
            (None, None) => {
                let run = RunFolder::create(&self.out, experiment.name())?;
                let trained = runner.train(&experiment, &run);
                if trained.is_err() {
                    run.remove_if_untouched();
                }
                self.show(trained?)
            }
        }
    }

    fn resume(&self, runner: &Runner, path: &Path, cluster: Option<&Slurm>) -> Result<()> {
        if let Some(group) = Group::open(path)? {
            let folder = RunFolder::open(path)?;
            let experiment = any_experiment_of(&folder)?;
            if let Some(options) = cluster {
                return slurm::submit_group(&folder, experiment.name(), &group, options);
            }
            self.show(runner.group(&experiment, &folder, &group)?)?;
            return if self.json { Ok(()) } else { say_verdict(path) };
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
        self.show(runner.train(&any_experiment_of(&run)?, &run)?)
    }

    fn show(&self, summary: Summary) -> Result<()> {
        if self.json { say(summary.json) } else { say(summary.text) }
    }

    fn style(&self) -> Style {
        match (self.json, self.quiet) {
            (true, _) => Style::Json,
            (_, true) => Style::Quiet,
            _ => Style::Auto,
        }
    }
}
