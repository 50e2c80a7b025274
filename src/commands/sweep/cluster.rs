//! Workers on a Slurm cluster.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_sweep::slurm::{self, JobState, Submission};
use ferrotype_sweep::study::Study;
use ferrotype_sweep::worker::{Left, Worker};

use super::super::say;
use super::local::POLL;
use super::page;
use super::trial::ProcessLauncher;
use crate::run::files::{explain, write_atomic};
use crate::training::interrupt::{Interrupt, Interrupted};

/// The ids of the arrays that were submitted, one per line.
fn list(study: &Study) -> PathBuf {
    study.folder().join("slurm_jobs.txt")
}

/// Writes the batch script of the study's workers and submits it.
///
/// # Errors
/// When it cannot be written, or Slurm refuses it.
pub fn submit(study: &Study) -> Result<()> {
    let absolute = |p: &Path| std::path::absolute(p).with_context(|| format!("cannot find {}", p.display()));
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let folder = absolute(study.folder())?;
    let submission =
        Submission { name: &study.options().name, study: &folder, program: &program, options: &study.options().slurm };
    let script = study.folder().join("slurm.sh");
    write_atomic(&script, slurm::script(&submission).as_bytes())?;
    let id = slurm::submit(&script)?;
    let known = submitted(study)?;
    let lines: String = known.iter().chain([&id]).map(|id| format!("{id}\n")).collect();
    write_atomic(list(study), lines.as_bytes())?;
    let (n, folder) = (study.options().slurm.workers, study.folder().display());
    say(format_args!("submitted job {id}: {n} workers\nferrotype sweep status {folder} says how they stand"))
}

fn submitted(study: &Study) -> Result<Vec<String>> {
    let path = list(study);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path).map_err(|e| explain(&path, &e))?;
    let is_id = |l: &&str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit());
    Ok(text.lines().map(str::trim).filter(is_id).map(str::to_owned).collect())
}

/// How the study's jobs stand; none where Slurm does not tell.
///
/// # Errors
/// When the list of jobs cannot be read.
pub fn jobs(study: &Study) -> Result<Option<Vec<JobState>>> {
    Ok(slurm::jobs(&submitted(study)?))
}

/// Works on a study until no trial is free, or until told to end: then the trial is saved and given back, and the job
/// goes back into the queue if that is wanted.
///
/// # Errors
/// When it is told to end, the study cannot be written, or trial after trial fails.
pub fn worker(study: &Study, requeue: bool) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    // What Slurm gave the job, which the machine's number of cores does not tell.
    let given = std::env::var("SLURM_CPUS_PER_TASK").ok().and_then(|n| n.parse::<usize>().ok());
    let threads = given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let launcher = ProcessLauncher { study, threads: threads.max(1) };
    let mut worker = Worker::join(study, POLL)?;
    match worker.run(&launcher, &|| interrupt.is_asked())? {
        Left::Asked => {
            if requeue && let Err(e) = slurm::requeue() {
                // On pre-emption Slurm requeues the job itself.
                eprintln!("warning: {e:#}");
            }
            Err(Interrupted("told to end; the trial is saved and given back".into()).into())
        }
        Left::NothingToDo => {
            let snapshot = study.snapshot()?;
            if snapshot.trials.len() == study.trials() && snapshot.trials.iter().all(|t| t.is_over()) {
                page::write(study, &snapshot)?;
            }
            say(ferrotype_sweep::table::summary(study, &snapshot))
        }
    }
}
