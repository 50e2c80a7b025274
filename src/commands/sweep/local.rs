//! A sweep on this machine: some workers in threads, each with one trial's process at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow};
use ferrotype_sweep::study::{State, Study};
use ferrotype_sweep::worker::{Worker, WorkerExit};

use super::live::Live;
use super::trial::ProcessLauncher;
use super::{page, show};
use crate::config;
use crate::systems;
use crate::systems::pool::cores;
use ferrotype_training::interrupt::{Interrupt, Interrupted};

/// How often a trial's process is looked at.
pub const POLL: Duration = Duration::from_millis(100);

/// Trains the trials that nobody else has, then writes the report.
///
/// # Errors
/// When it is interrupted, the study cannot be written, or trial after trial fails.
pub fn run(study: &Study, jobs: usize, quiet: bool, interrupt: &Interrupt) -> Result<()> {
    prepare_data(study)?;
    let launcher = ProcessLauncher { study, threads: (cores() / jobs).max(1) };
    let mut live = Live::new(quiet);
    live.skip_ended(&study.snapshot()?);
    let broken = AtomicBool::new(false);
    let stop = || interrupt.is_asked() || broken.load(Ordering::SeqCst);
    let work = || -> Result<WorkerExit> {
        let left = Worker::join(study, POLL).and_then(|mut w| w.run(&launcher, &stop));
        // What stops one worker, a full disk say, would stop the others in the middle of a trial.
        broken.fetch_or(left.is_err(), Ordering::SeqCst);
        left
    };
    let results: Vec<Result<WorkerExit>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        while workers.iter().any(|w| !w.is_finished()) {
            live.tick(study);
            std::thread::sleep(POLL);
        }
        workers.into_iter().map(|w| w.join().unwrap_or_else(|_| Err(anyhow!("a worker broke down")))).collect()
    });
    results.into_iter().collect::<Result<Vec<_>>>()?;
    let snapshot = study.snapshot()?;
    live.end(study, &snapshot);
    if interrupt.is_asked() && snapshot.trials.iter().any(|t| t.state == State::Waiting) {
        let folder = study.folder().display();
        return Err(Interrupted(format!(
            "interrupted; every trial is saved. Go on with\n  ferrotype sweep resume {folder}"
        ))
        .into());
    }
    page::write(study, &snapshot)?;
    show::result(study, &snapshot)
}

/// Makes the data file once, rather than in each of the first trials.
fn prepare_data(study: &Study) -> Result<()> {
    let experiment = config::trial_experiment(study.frozen(), &Default::default())?;
    systems::of(&experiment).prepare_data()
}
