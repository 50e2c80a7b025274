//! Workers of one process: threads, each with one trial's process at a time, a GPU of its own and its share of the cores.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow};
use ferrotype_model::device::DeviceName;
use ferrotype_sweep::slots::{Gpus, Machine, Slot, divide};
use ferrotype_sweep::study::Study;
use ferrotype_sweep::study::probe::{Shared, check};
use ferrotype_sweep::worker::{Worker, WorkerExit};

use super::trial::ProcessLauncher;
use crate::config;
use crate::runner::gpus;

/// How often a trial's process is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Workers on this machine.
pub struct Crew<'s> {
    study: &'s Study,
    slots: Vec<Slot>,
    notice: Option<Duration>,
    program: Option<PathBuf>,
}

impl<'s> Crew<'s> {
    /// So many workers, on these cores and GPUs: those that are named, else all that the machine has.
    ///
    /// # Errors
    /// When the study's folder cannot be shared, or GPUs are named for trials that take none.
    pub fn new(
        study: &'s Study,
        jobs: usize,
        cores: usize,
        devices: Option<&[String]>,
        machine: &dyn Machine,
    ) -> Result<Self> {
        check(study.folder(), Shared::Study)?;
        let experiment = config::trial_experiment(study.frozen(), &Default::default())?;
        let device: DeviceName = experiment.device().parse()?;
        // One worker that no GPU was named for sees all that this program sees, and so do its trials.
        let given = match (jobs, devices) {
            (1, None) => Gpus::none(),
            _ => gpus(device, devices, machine)?,
        };
        Ok(Self { study, slots: divide(jobs, cores, &given), notice: None, program: None })
    }

    /// Says how much time there is between being told to end and being killed.
    pub fn with_notice(self, notice: Option<Duration>) -> Self {
        Self { notice, ..self }
    }

    /// What each worker has of the machine.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Works until no trial is free, or `stop` says so; meanwhile `show` is called again and again.
    ///
    /// # Errors
    /// The first worker's that failed; the others then stop, too.
    pub fn work(&self, stop: &(dyn Fn() -> bool + Sync), mut show: impl FnMut()) -> Result<WorkerExit> {
        let broken = AtomicBool::new(false);
        let stops = || stop() || broken.load(Ordering::SeqCst);
        let work = |slot: &Slot| -> Result<WorkerExit> {
            let launcher = ProcessLauncher { study: self.study, slot: slot.clone(), program: self.program.clone() };
            let joined = Worker::join(self.study, POLL).map(|worker| match self.notice {
                Some(notice) => worker.with_notice(notice),
                None => worker,
            });
            let left = joined.and_then(|mut worker| worker.run(&launcher, &stops));
            // What stops one worker, a full disk say, would stop the others in the middle of a trial.
            broken.fetch_or(left.is_err(), Ordering::SeqCst);
            left
        };
        let left: Vec<Result<WorkerExit>> = std::thread::scope(|scope| {
            let workers: Vec<_> = self.slots.iter().map(|slot| scope.spawn(|| work(slot))).collect();
            while workers.iter().any(|w| !w.is_finished()) {
                show();
                std::thread::sleep(POLL);
            }
            workers.into_iter().map(|w| w.join().unwrap_or_else(|_| Err(anyhow!("a worker broke down")))).collect()
        });
        let left = left.into_iter().collect::<Result<Vec<_>>>()?;
        let stopped = left.contains(&WorkerExit::Stopped);
        Ok(if stopped { WorkerExit::Stopped } else { WorkerExit::NothingToDo })
    }
}

#[cfg(all(test, unix))]
mod tests;
