//! Trains one run, or many: the seeds and folds of an experiment, the variants of an ablation, the entries of a list. All
//! commands that train more than one run do it here.

pub(crate) mod bar;
mod child;
mod gpus;
mod groups;
mod many;
mod more_seeds;
mod pooled;

use std::path::PathBuf;

use anyhow::Result;

use crate::config::AnyExperiment;
use crate::systems::engine::Job;
use crate::systems::{self, RunScope, Summary};
use ferrotype_run::RunFolder;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::{Style, Watcher};

pub use child::{Child, Ended, Start};
pub use gpus::{gpus, takes_gpu};
pub use groups::{GroupOptions, begin_group, begin_members, is_finished, member, report, same_data};
pub use many::{Jobs, Planned, on_gpus};
pub use more_seeds::{union, with_seeds};

/// Trains runs.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// How progress is shown.
    pub style: Style,
    /// Who is told of it besides, of the runs in this process.
    pub watcher: Option<Watcher>,
    /// Resume although the kernels differ.
    pub other_kernels: bool,
    /// What follows training.
    pub scope: RunScope,
    /// CPU threads in place of the experiment's.
    pub threads: Option<usize>,
    /// Whether standard error is told which of many runs begins, or has ended.
    pub names_runs: bool,
    /// How many runs are trained at a time, each in a process of its own; with 1 one after another in this one.
    pub jobs: Jobs,
    /// The program of those processes, where it is not this one.
    pub program: Option<PathBuf>,
}

impl Runner {
    /// One that trains whole runs, one at a time.
    pub fn new(interrupt: Interrupt, style: Style) -> Self {
        Self {
            interrupt,
            style,
            watcher: None,
            other_kernels: false,
            scope: RunScope::Whole,
            threads: None,
            names_runs: style == Style::Auto,
            jobs: Jobs::default(),
            program: None,
        }
    }

    /// Trains in a folder, from its checkpoint if it has one.
    ///
    /// # Errors
    /// For bad input, a diverging loss, or an interruption.
    pub fn train(&self, experiment: &AnyExperiment, run: &RunFolder) -> Result<Summary> {
        systems::of(experiment).train(&Job {
            run,
            interrupt: &self.interrupt,
            style: self.style,
            watcher: self.watcher.as_ref(),
            other_kernels: self.other_kernels,
            scope: self.scope,
            threads: self.threads,
        })
    }
}
