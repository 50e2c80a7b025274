//! `ferrotype train`

mod runner;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::loaded::load;
use super::slurm::{self, Place};
use crate::systems;
use crate::systems::RunScope;
use ferrotype_run::RunFolder;
use ferrotype_run::group::{Group, GroupAxis, parse_values};
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::Style;

pub use runner::{Runner, begin_group};

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
        let trainer = Runner { interrupt, style: self.style(), other_kernels: self.other_kernels, scope };
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
        let experiment = load(path, &sets)?;
        if self.rebuild {
            systems::of(&experiment).rebuild_data()?;
        }
        let values = match (&self.seeds, self.folds) {
            (Some(text), _) => Some((GroupAxis::Seed, parse_values(text)?)),
            (None, true) => {
                let count = systems::of(&experiment).fold_count()?;
                Some((GroupAxis::Fold, (0..count as u64).collect()))
            }
            (None, false) => None,
        };
        match (values, cluster) {
            (None, Some(_)) => bail!("--launcher slurm trains the members of a group: add --seeds or --folds"),
            (Some((axis, values)), cluster) => {
                let group = Group { axis, values };
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
