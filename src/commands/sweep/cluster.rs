//! Workers on a Slurm cluster.

use anyhow::Result;
use ferrotype_sweep::slurm::{JobState, jobs as jobs_of};
use ferrotype_sweep::study::Study;
use ferrotype_sweep::worker::{Worker, WorkerExit};

use super::super::{say, slurm};
use super::local::POLL;
use super::page;
use super::trial::ProcessLauncher;
use crate::systems::pool::cores;
use ferrotype_training::interrupt::{Interrupt, Interrupted};

/// Writes the batch script of the study's workers and submits it.
///
/// # Errors
/// When it cannot be written, or Slurm refuses it.
pub fn submit(study: &Study) -> Result<()> {
    let options = study.options();
    let folder = slurm::absolute(study.folder())?;
    let arguments = ["sweep", "worker", &folder.display().to_string(), "--requeue"].map(str::to_owned);
    let id = slurm::submit(study.folder(), &options.name, options.slurm.workers, &options.slurm, &arguments)?;
    let (n, folder) = (options.slurm.workers, study.folder().display());
    say(format_args!("submitted job {id}: {n} workers\nferrotype sweep status {folder} says how they stand"))
}

/// How the study's jobs stand; none where Slurm does not tell.
///
/// # Errors
/// When the list of jobs cannot be read.
pub fn jobs(study: &Study) -> Result<Option<Vec<JobState>>> {
    Ok(jobs_of(&slurm::submitted(study.folder())?))
}

/// Works on a study until no trial is free, or until told to end: then the trial is saved and given back, and the job
/// goes back into the queue if that is wanted.
///
/// # Errors
/// When it is told to end, the study cannot be written, or trial after trial fails.
pub fn worker(study: &Study, requeue: bool) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let threads = slurm::threads().unwrap_or_else(cores);
    let launcher = ProcessLauncher { study, threads: threads.max(1) };
    let mut worker = Worker::join(study, POLL)?;
    match worker.run(&launcher, &|| interrupt.is_asked())? {
        WorkerExit::Stopped => {
            if requeue {
                slurm::requeue();
            }
            Err(Interrupted("told to end; the trial is saved and given back".into()).into())
        }
        WorkerExit::NothingToDo => {
            let snapshot = study.snapshot()?;
            if snapshot.trials.len() == study.trials() && snapshot.trials.iter().all(|t| t.is_over()) {
                page::write(study, &snapshot)?;
            }
            say(ferrotype_sweep::table::summary(study, &snapshot))
        }
    }
}
