//! `ferrotype sweep`

mod cluster;
mod crew;
pub(crate) mod folder;
mod live;
mod local;
mod page;
mod show;
mod trial;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use ferrotype_sweep::study::Study;
use ferrotype_sweep::template::Template;

use super::launcher::LauncherOptions;
use super::say;
use super::say_warnings;
use crate::config;
use ferrotype_training::interrupt::Interrupt;

/// Search for good settings of an experiment: trials in processes of their own, on this machine or many.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  ferrotype sweep --config configs/sweeps/quickstart.yaml
  ferrotype sweep --config configs/sweeps/mini_xception_lr.yaml --jobs 2 --trials 50
  ferrotype sweep status sweeps/mini_xception_lr
  ferrotype sweep resume sweeps/mini_xception_lr
  ferrotype sweep best sweeps/mini_xception_lr --out best.yaml
  ferrotype sweep --config configs/sweeps/mini_xception_lr.yaml --launcher slurm")]
pub struct SweepCommand {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The sweep file.
    #[arg(long, value_name = "YAML", required = true)]
    config: Option<PathBuf>,
    /// The study's folder; `sweeps/<name>` by default. What is there already is gone on with.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// How a sweep is run.
#[derive(Clone, Debug, Args)]
struct How {
    /// Trials at a time on this machine. They share the cores, and each has a GPU of its own as far as there are enough.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// The GPUs that trials are given, as CUDA_VISIBLE_DEVICES names them; by default those that it names, else all.
    #[arg(long, value_name = "0,1,...", value_delimiter = ',')]
    devices: Option<Vec<String>>,
    /// How many trials, in place of what the file says.
    #[arg(long, value_name = "N")]
    trials: Option<usize>,
    #[command(flatten)]
    launcher: LauncherOptions,
    /// Print only the result.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say how the trials stand, and Slurm's jobs where there are any.
    Status {
        /// The study's folder.
        study: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the best trial's experiment file, ready for `ferrotype train`.
    Best {
        /// The study's folder.
        study: PathBuf,
        /// Write it here.
        #[arg(long, value_name = "YAML")]
        out: Option<PathBuf>,
    },
    /// Go on with a study that was interrupted or killed, or with more trials.
    Resume {
        /// The study's folder.
        study: PathBuf,
        /// Try the failed trials again.
        #[arg(long)]
        failed: bool,
        #[command(flatten)]
        how: How,
    },
    /// Write the trials as CSV.
    Export {
        /// The study's folder.
        study: PathBuf,
        /// Write it here, in place of standard output.
        #[arg(long, value_name = "CSV")]
        out: Option<PathBuf>,
    },
    /// Build the report again, at any time.
    Report {
        /// The study's folder.
        study: PathBuf,
    },
    /// Print a launcher's template, to be changed and given back with --launcher-template.
    Template {
        /// background, slurm, kubernetes or ssh.
        name: String,
    },
    /// Work on a study until no trial is free: what launchers begin; any machine that shares the folder may.
    Worker {
        /// The study's folder.
        study: PathBuf,
        #[command(flatten)]
        options: cluster::WorkerOptions,
    },
}

impl SweepCommand {
    /// Does what the command line says.
    ///
    /// # Errors
    /// For bad input, a study that cannot be written, or an interruption.
    pub fn run(self) -> Result<()> {
        match self.verb {
            None => {
                let Some(path) = &self.config else { bail!("--config is needed") };
                let mut loaded = config::load_sweep(path)?;
                say_warnings(&loaded.warnings);
                if let Some(trials) = self.how.trials {
                    loaded.options.trials = Some(at_least_one("--trials", trials)?);
                }
                let out = self.out.unwrap_or_else(|| folder::default_folder(&loaded));
                start(&folder::create(&loaded, &out)?, &self.how)
            }
            Some(Verb::Resume { study, failed, how }) => {
                let study = folder::open_with_trials(&study, how.trials)?;
                if failed {
                    study.reopen_failed()?;
                }
                start(&study, &how)
            }
            Some(Verb::Status { study, json }) => show::status(&folder::open(&study)?, json),
            Some(Verb::Best { study, out }) => show::best(&folder::open(&study)?, out.as_deref()),
            Some(Verb::Export { study, out }) => show::export(&folder::open(&study)?, out.as_deref()),
            Some(Verb::Report { study }) => show::report(&folder::open(&study)?),
            Some(Verb::Template { name }) => say(Template::built_in(&name)?.source().trim_end()),
            Some(Verb::Worker { study, options }) => cluster::worker(&folder::open(&study)?, &options),
        }
    }
}

fn start(study: &Study, how: &How) -> Result<()> {
    if let Some(elsewhere) = how.launcher.elsewhere()? {
        return cluster::begin(study, how, &elsewhere);
    }
    let jobs = at_least_one("--jobs", how.jobs.unwrap_or(study.options().jobs))?;
    local::run(study, jobs, how, &Interrupt::listen()?)
}

fn at_least_one(flag: &str, n: usize) -> Result<usize> {
    if n == 0 || n > 100_000 {
        bail!("{flag} {n} is impossible: 1 to 100000");
    }
    Ok(n)
}
