//! Job arrays on a Slurm cluster: of a sweep's workers, and of the members of a group of runs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use ferrotype_sweep::options::Slurm;
use ferrotype_sweep::slurm::{self, Submission};

use super::say;
use super::verdict::say_verdict;
use crate::config;
use crate::runner::{Runner, is_finished, report};
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::RunFolder;
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_run::group::Group;
use ferrotype_run::lock::Lock;
use ferrotype_run::program;
use ferrotype_training::interrupt::Interrupted;

/// Where runs are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// On this machine.
    Local,
    /// As an array of jobs on a Slurm cluster.
    Slurm,
}

/// How jobs are submitted, by a file with the keys of a sweep's section `slurm`; by default the cluster's own ways.
///
/// # Errors
/// When the file cannot be read.
pub fn options(path: Option<&Path>) -> Result<Slurm> {
    let Some(path) = path else { return Ok(Slurm::default()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let options: Slurm = config::document(&path.display().to_string(), &text)?;
    Ok(options)
}

/// Writes the batch script `slurm.sh` of an array into a folder and submits it; gives the job's id, which is kept in the
/// folder, too.
///
/// # Errors
/// When it cannot be written, or Slurm refuses it.
pub fn submit(folder: &Path, name: &str, tasks: usize, options: &Slurm, arguments: &[String]) -> Result<String> {
    let program = program::words()?;
    let logs = absolute(folder)?;
    let script = folder.join("slurm.sh");
    let submission = Submission { name, folder: &logs, tasks, program: &program, arguments, options };
    write_atomic(&script, slurm::script(&submission).as_bytes())?;
    let id = slurm::submit(&script)?;
    let lines: String = submitted(folder)?.iter().chain([&id]).map(|id| format!("{id}\n")).collect();
    write_atomic(list(folder), lines.as_bytes())?;
    Ok(id)
}

/// A path that holds in whatever folder a job begins.
///
/// # Errors
/// When the working directory is gone.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

/// The ids of the arrays that were submitted, one per line.
fn list(folder: &Path) -> PathBuf {
    folder.join("slurm_jobs.txt")
}

/// The ids of the arrays that were submitted from a folder.
///
/// # Errors
/// When the list cannot be read.
pub fn submitted(folder: &Path) -> Result<Vec<String>> {
    let path = list(folder);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path).map_err(|e| explain(&path, &e))?;
    let is_id = |l: &&str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit());
    Ok(text.lines().map(str::trim).filter(is_id).map(str::to_owned).collect())
}

/// The cores that Slurm gave the job, which the machine's number of cores does not tell.
pub fn threads() -> Option<usize> {
    std::env::var("SLURM_CPUS_PER_TASK").ok()?.parse().ok().filter(|&n| n > 0)
}

/// Puts this job back into the queue; where that fails says so, since on pre-emption Slurm does it itself.
pub fn requeue() {
    if let Err(e) = slurm::requeue() {
        eprintln!("warning: {e:#}");
    }
}

/// Submits an array with a task for each member of a group.
///
/// # Errors
/// When Slurm refuses it.
pub fn submit_group(folder: &RunFolder, name: &str, group: &Group, options: &Slurm) -> Result<()> {
    let path = absolute(folder.path())?;
    let arguments = ["train", "--member-of", &path.display().to_string()].map(str::to_owned);
    let id = submit(folder.path(), name, group.runs(), options, &arguments)?;
    let (n, word, shown) =
        (group.runs(), if group.folds.is_some() { "fold" } else { group.axis.as_str() }, folder.path().display());
    say(format_args!(
        "submitted job {id}: {n} {word}s of {shown}\nthe last one writes the report; `squeue` says how they stand, and \
         `ferrotype train --resume {shown}` goes on by hand"
    ))
}

/// Trains the member of a group that is this task's, or goes on with it; told to end, saves and goes back into the
/// queue. The last one writes the group's report.
///
/// # Errors
/// When this is no task of such an array, or as training.
pub fn member(mut runner: Runner, path: &Path) -> Result<()> {
    let folder = RunFolder::open(path)?;
    let Some(group) = Group::open(path)? else { bail!("{} is no group of runs", path.display()) };
    let task = std::env::var("SLURM_ARRAY_TASK_ID").ok().and_then(|n| n.parse::<usize>().ok());
    let Some(number) = task.filter(|n| *n < group.runs()) else {
        bail!(
            "--member-of is for the tasks of a Slurm array of {} members: SLURM_ARRAY_TASK_ID is {}",
            group.runs(),
            task.map_or_else(|| "not set".into(), |n| n.to_string())
        );
    };
    let mut experiment = any_experiment_of(&folder)?;
    if *experiment.shared().threads == 0 {
        runner.threads = runner.threads.or_else(threads);
    }
    if let Err(e) = runner.one_of(&experiment, &folder, &group, number) {
        if e.downcast_ref::<Interrupted>().is_some() {
            requeue();
        }
        return Err(e);
    }
    // Of two that finish at once both may see all finished: the one that has the lock reports.
    if !group.run_folders(path).iter().all(|run| is_finished(run)) || Lock::is_held(path) {
        return Ok(());
    }
    let _lock = folder.lock()?;
    say(report(&experiment, &folder, &group)?.text)?;
    say_verdict(path)
}
