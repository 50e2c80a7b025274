//! What a task does that a launcher has begun: the member of a group that has its number.

use std::path::Path;

use anyhow::{Result, bail};
use ferrotype_sweep::slurm;
use ferrotype_sweep::study::probe::{Shared, check};

use crate::commands::failure::ToldToEnd;
use crate::commands::say;
use crate::commands::verdict::say_verdict;
use crate::runner::{Runner, is_finished, report};
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;
use ferrotype_run::lock::Lock;
use ferrotype_training::interrupt::Interrupted;

/// The cores that Slurm gave the job, which the machine's number of cores does not tell.
pub fn threads() -> Option<usize> {
    std::env::var("SLURM_CPUS_PER_TASK").ok()?.parse().ok().filter(|&n| n > 0)
}

/// Puts this Slurm job back into the queue; where that fails says so, since on pre-emption Slurm does it itself.
pub fn requeue() {
    if let Err(e) = slurm::requeue() {
        eprintln!("warning: {e:#}");
    }
}

/// The variables by which a task knows its number.
const NUMBERS: [&str; 3] = ["FERROTYPE_TASK", "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"];

/// Trains the member of a group that is this task's, or goes on with it; told to end, saves and goes back into the
/// queue. The last one writes the group's report.
///
/// # Errors
/// When this is no task of such an array, or as training.
pub fn member(mut runner: Runner, path: &Path) -> Result<()> {
    let folder = RunFolder::open(path)?;
    let Some(group) = Group::open(path)? else { bail!("{} is no group of runs", path.display()) };
    let Some(task) = NUMBERS.iter().find_map(|name| std::env::var(name).ok()) else {
        bail!("--member-of is for the tasks that a launcher begins: none of {} is set", NUMBERS.join(", "))
    };
    let Some(number) = task.parse::<usize>().ok().filter(|n| *n < group.runs()) else {
        bail!("{} has {} members, and no number {task}", path.display(), group.runs())
    };
    check(path, Shared::Runs)?;
    let mut experiment = any_experiment_of(&folder)?;
    if *experiment.shared().threads == 0 {
        runner.threads = runner.threads.or_else(threads);
    }
    if let Err(e) = runner.one_of(&experiment, &folder, &group, number) {
        return Err(match e.downcast_ref::<Interrupted>() {
            Some(Interrupted(told)) => {
                if slurm::is_job() {
                    requeue();
                }
                ToldToEnd(told.clone()).into()
            }
            None => e,
        });
    }
    // Of two that finish at once both may see all finished: the one that has the lock reports.
    if !group.with_runs(path).run_folders(path).iter().all(|run| is_finished(run)) || Lock::is_held(path) {
        return Ok(());
    }
    let _lock = folder.lock()?;
    say(report(&experiment, &folder, &group)?.text)?;
    say_verdict(path)
}
