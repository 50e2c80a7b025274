//! Trains runs, and groups of runs that differ by seed or fold.

use std::path::Path;

use anyhow::{Result, bail};
use ferrotype_sweep::options::Slurm;

use crate::commands::loaded::any_experiment_of;
use crate::commands::{reproduce, say, slurm};
use crate::config::AnyExperiment;
use crate::systems::engine::Job;
use crate::systems::{self, RunScope, Summary};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_run::group::{Group, GroupAxis};
use ferrotype_training::interrupt::{Interrupt, Interrupted};
use ferrotype_training::progress::Style;

/// Trains single runs and groups alike.
pub struct Runner {
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// How progress is shown.
    pub style: Style,
    /// Resume although the kernels differ.
    pub other_kernels: bool,
    /// What follows training.
    pub scope: RunScope,
}

impl Runner {
    pub(super) fn single(&self, experiment: &AnyExperiment, run: &RunFolder) -> Result<()> {
        self.show(self.train(experiment, run)?)
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
            other_kernels: self.other_kernels,
            scope: self.scope,
        })
    }

    pub(super) fn resume(&self, path: &Path, cluster: Option<&Slurm>) -> Result<()> {
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

    pub(super) fn show(&self, summary: Summary) -> Result<()> {
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
                eprintln!("== {} {value} ({} of {})", group.axis.as_str(), i + 1, group.values.len());
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
        let trained = self.train(&member(experiment, group.axis, value), &run);
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
            Err(e) => Err(e.context(format!("{} {value} failed", group.axis.as_str()))),
        }
    }

    /// Writes the report of a group.
    ///
    /// # Errors
    /// When none of its runs is finished, or a file is broken.
    pub fn report(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
        systems::of(experiment).report_group(folder, group)
    }
}

/// Makes the folder of a new group.
///
/// # Errors
/// When it cannot be made.
pub fn begin_group(experiment: &AnyExperiment, out: &Path, group: &Group) -> Result<RunFolder> {
    let folder = RunFolder::create(out, &format!("{}-{}s", experiment.name(), group.axis.as_str()))?;
    write_group(experiment, &folder, group)?;
    Ok(folder)
}

fn write_group(experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<()> {
    // Before the experiment: a folder with an experiment and no group would be resumed as a single run.
    group.save(folder)?;
    write_atomic(folder.config(), experiment.to_yaml().as_bytes())
}

/// The experiment of one member of a group.
fn member(experiment: &AnyExperiment, axis: GroupAxis, value: u64) -> AnyExperiment {
    let mut member = experiment.clone();
    let shared = member.shared();
    match (axis, shared.fold) {
        (GroupAxis::Seed, _) => *shared.seed = value,
        (GroupAxis::Fold, Some(fold)) => *fold = value as usize,
        (GroupAxis::Fold, None) => unreachable!("groups of folds are made of systems with folds"),
    }
    member
}
