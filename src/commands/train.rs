//! `ferrotype train`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::launcher::{self, Elsewhere, LauncherOptions};
use super::say;
use super::verdict::say_verdict;
use crate::runner::{GroupOptions, Jobs, Runner, begin_group, with_seeds};
use crate::systems::loaded::{any_experiment_of, load};
use crate::systems::{self, RunScope, Summary};
use ferrotype_run::RunFolder;
use ferrotype_run::group::{Group, parse_values};
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
  ferrotype train --config configs/ferplus/vgg13_majority.yaml --seeds 0..5 --launcher slurm --launcher-options gpu.yaml
  ferrotype train --resume runs/quickstart-20260101-120000
  ferrotype train --resume runs/quickstart-20260101-120000 --seeds 0..5         (four more seeds beside it)")]
pub struct TrainCommand {
    /// The experiment file.
    #[arg(long, value_name = "YAML", required_unless_present_any = ["resume", "member_of"], conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Go on with an interrupted run or group of runs; with --seeds train those seeds of it, too, that it does not have. A
    /// single run, or its folds, is then moved into a new group.
    #[arg(long, value_name = "RUN", conflicts_with = "folds")]
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
    #[arg(long, value_name = "FOLDER", default_value = "runs", conflicts_with = "resume")]
    out: PathBuf,
    #[command(flatten)]
    launcher: LauncherOptions,
    /// How jobs are submitted: a YAML file with the keys of a sweep's section of the launcher's name (see docs/sweeps.md).
    #[arg(long, value_name = "YAML", alias = "slurm")]
    launcher_options: Option<PathBuf>,
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
    /// Train the member of this group that has this task's number.
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
            jobs: self.jobs.clone(),
            ..Runner::new(interrupt, self.style())
        };
        if let Some(group) = &self.member_of {
            return launcher::member(runner, group);
        }
        let elsewhere = self.launcher.elsewhere_with(self.launcher_options.as_deref())?;
        if let Some(elsewhere) = &elsewhere {
            elsewhere.check(self.jobs.chosen(), self.jobs.devices.as_deref(), self.threads)?;
        }
        match &self.resume {
            Some(path) => match self.group.seeds.as_deref().map(parse_values).transpose()? {
                Some(seeds) => self.resume(&runner, &with_seeds(path, &seeds)?, elsewhere.as_ref()),
                None => self.resume(&runner, path, elsewhere.as_ref()),
            },
            None => self.begin(&runner, elsewhere.as_ref()),
        }
    }

    /// Begins the members of a group elsewhere.
    fn launch(&self, elsewhere: &Elsewhere, name: &str, folder: &RunFolder, group: &Group) -> Result<()> {
        let options = elsewhere.of_file(self.launcher_options.as_deref())?;
        launcher::begin_tasks(elsewhere, folder, name, group, self.jobs.jobs, &options)
    }

    fn begin(&self, runner: &Runner, elsewhere: Option<&Elsewhere>) -> Result<()> {
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
        match (self.group.group(&experiment)?, elsewhere) {
            (None, Some(_)) => bail!("--launcher begins the members of a group: add --seeds or --folds"),
            (Some(group), elsewhere) => {
                let folder = begin_group(&experiment, &self.out, &group)?;
                match elsewhere {
                    Some(elsewhere) => {
                        let launched = self.launch(elsewhere, experiment.name(), &folder, &group);
                        if elsewhere.is_dry_run() {
                            folder.remove();
                        }
                        launched
                    }
                    None => self.show(runner.new_group(&experiment, &folder, &group)?),
                }
            }
            (None, None) => {
                self.single()?;
                let run = RunFolder::create(&self.out, experiment.name())?;
                let trained = runner.train(&experiment, &run);
                if trained.is_err() {
                    run.remove_if_untouched();
                }
                self.show(trained?)
            }
        }
    }

    fn resume(&self, runner: &Runner, path: &Path, elsewhere: Option<&Elsewhere>) -> Result<()> {
        if let Some(group) = Group::open(path)? {
            let folder = RunFolder::open(path)?;
            let experiment = any_experiment_of(&folder)?;
            if let Some(elsewhere) = elsewhere {
                return self.launch(elsewhere, experiment.name(), &folder, &group);
            }
            self.show(runner.group(&experiment, &folder, &group)?)?;
            return if self.json { Ok(()) } else { say_verdict(path) };
        }
        if elsewhere.is_some() {
            bail!("--launcher goes on with the members of a group, and {} is a single run", path.display());
        }
        self.single()?;
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

    /// Refuses what only several runs can have.
    fn single(&self) -> Result<()> {
        if self.jobs.devices.is_some() {
            bail!(
                "--devices gives several runs a GPU each: add --seeds or --folds; of one run say --set device=cuda:2"
            );
        }
        if let Some(jobs) = self.jobs.chosen() {
            bail!(
                "--jobs {jobs} trains several runs at a time, and this is a single run: leave it out, or add --seeds or \
                 --folds"
            );
        }
        Ok(())
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
