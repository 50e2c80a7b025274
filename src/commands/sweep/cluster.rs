//! Workers of a study elsewhere, and what such a worker does.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use ferrotype_sweep::slots::ThisMachine;
use ferrotype_sweep::slurm::{JobState, jobs as jobs_of};
use ferrotype_sweep::study::Study;
use ferrotype_sweep::study::probe::{Shared, check};
use ferrotype_sweep::worker::WorkerExit;

use super::super::failure::ToldToEnd;
use super::super::launcher::{self, Elsewhere, Work};
use super::super::say;
use super::crew::Crew;
use super::local::prepare_data;
use super::{How, page};
use crate::systems::pool::cores;
use ferrotype_training::interrupt::Interrupt;

/// Begins the study's workers elsewhere.
///
/// # Errors
/// When its folder cannot be shared, or the launcher does not begin them.
pub fn begin(study: &Study, how: &How, elsewhere: &Elsewhere) -> Result<()> {
    elsewhere.check(how.jobs, how.devices.as_deref(), None)?;
    check(study.folder(), Shared::Study)?;
    let (options, tasks) = elsewhere.of_sweep(study.options())?;
    let folder = launcher::absolute(study.folder())?;
    let arguments = ["sweep", "worker", &folder.display().to_string()].map(str::to_owned);
    let jobs = how.jobs.unwrap_or(study.options().jobs);
    let name = &study.options().name;
    elsewhere
        .begin(&Work { name, folder: study.folder(), is_group: false, tasks, jobs, arguments: &arguments }, &options)?;
    if elsewhere.is_dry_run() {
        return Ok(());
    }
    say(format_args!("ferrotype sweep status {} says how the trials stand", study.folder().display()))
}

/// How the study's jobs stand; none where Slurm does not tell.
///
/// # Errors
/// When the list of jobs cannot be read.
pub fn jobs(study: &Study) -> Result<Option<Vec<JobState>>> {
    Ok(jobs_of(&launcher::slurm_jobs(study.folder())?))
}

/// How `ferrotype sweep worker` works.
#[derive(Clone, Debug, Args)]
pub struct WorkerOptions {
    /// Trials at a time. They share the cores, and each has a GPU of its own as far as there are enough.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=256))]
    jobs: usize,
    /// The GPUs that trials are given, as CUDA_VISIBLE_DEVICES names them; by default those that it names, else all.
    #[arg(long, value_name = "0,1,...", value_delimiter = ',')]
    devices: Option<Vec<String>>,
    /// Seconds between being told to end (SIGTERM) and being killed: trials are saved and given back within them.
    #[arg(long, value_name = "SECONDS", value_parser = RangedU64ValueParser::<u64>::new().range(1..=86_400))]
    notice: Option<u64>,
    /// Put this Slurm job back into the queue when it is told to end early.
    #[arg(long)]
    requeue: bool,
}

/// Works on a study until no trial is free, or until told to end: then the trials are saved and given back, and the job
/// goes back into the queue if that is wanted.
///
/// # Errors
/// When it is told to end, the study cannot be written or shared, or trial after trial fails.
pub fn worker(study: &Study, options: &WorkerOptions) -> Result<()> {
    let interrupt = Interrupt::listen()?;
    let cores = launcher::threads().unwrap_or_else(cores);
    let crew = Crew::new(study, options.jobs, cores, options.devices.as_deref(), &ThisMachine)?;
    let crew = crew.with_notice(options.notice.map(Duration::from_secs));
    prepare_data(study)?;
    match crew.work(&|| interrupt.is_asked(), || {})? {
        WorkerExit::Stopped => {
            if options.requeue {
                launcher::requeue();
            }
            Err(ToldToEnd("told to end; what was under way is saved and given back".into()).into())
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
