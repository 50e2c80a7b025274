//! A trial's runs, each a process of its own: a crash or a lack of memory in one is that trial's failure only.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use ferrotype_sweep::curve::{Objective, Point};
use ferrotype_sweep::launch::{Job, Launched, Launcher, Run, RunState};
use ferrotype_sweep::slots::Slot;
use ferrotype_sweep::space::Values;
use ferrotype_sweep::study::Study;

use crate::config;
use crate::runner::{Child, Ended, Start, takes_gpu};
use crate::systems;
use crate::systems::search::Evaluations;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_run::lock::Lock;

/// Trains trials in processes.
pub struct ProcessLauncher<'s> {
    /// The study.
    pub study: &'s Study,
    /// What they have of the machine; threads, where the experiment does not say.
    pub slot: Slot,
    /// The program, where it is not this one.
    pub program: Option<PathBuf>,
}

impl Launcher for ProcessLauncher<'_> {
    fn epochs(&self, values: &Values) -> Result<u64> {
        Ok(config::trial_experiment(self.study.frozen(), values)?.epochs().unwrap_or(0) as u64)
    }

    fn launch(&self, job: &Job) -> Result<Launched> {
        let run = RunFolder::create_at(&job.folder)?;
        if Lock::is_held(run.path()) {
            return Ok(Launched::Busy);
        }
        let objective = self.study.objective().clone();
        let log = job.folder.with_extension("log");
        let child = if run.is_finished() { None } else { Some(self.start(job, &run, &log)?) };
        let experiment = config::trial_experiment(self.study.frozen(), &job.values)?;
        let (_, evaluations) =
            systems::of(&experiment).objective(self.study.options()).map_err(|p| anyhow!(p.message))?;
        let read = (0, Vec::new());
        Ok(Launched::Running(Box::new(ProcessRun { run, child, objective, evaluations, read })))
    }
}

impl ProcessLauncher<'_> {
    fn start(&self, job: &Job, run: &RunFolder, log: &Path) -> Result<Child> {
        // A trial is no result to be compared, scored on the test set or exported: `best` gives the experiment for that.
        let name = format!("{}-{:05}", self.study.options().name, job.trial);
        let experiment = config::trial_experiment(self.study.frozen(), &job.values)?;
        let experiment = experiment.renamed(name, job.seed).as_trial(self.slot.threads);
        write_atomic(run.config(), experiment.to_yaml().as_bytes())?;
        Child::train(&Start {
            run: run.path(),
            options: &["--validation-only".to_owned()],
            environment: &self.slot.environment(takes_gpu(experiment.device().parse()?)),
            log,
            program: self.program.as_deref(),
        })
    }
}

/// A run that was begun.
struct ProcessRun {
    run: RunFolder,
    /// None for a run that was finished before.
    child: Option<Child>,
    objective: Objective,
    evaluations: Evaluations,
    /// The length of the evaluations' file when it was last read, and what was in it.
    read: (u64, Vec<Point>),
}

impl Run for ProcessRun {
    fn poll(&mut self) -> Result<RunState> {
        let Some(child) = &mut self.child else { return Ok(RunState::Done) };
        Ok(match child.poll()? {
            None => RunState::Running,
            Some(Ended::Finished) => RunState::Done,
            Some(Ended::Interrupted) => RunState::Interrupted,
            Some(Ended::Failed { reason, log }) => RunState::Failed { reason, log },
        })
    }

    fn points(&mut self) -> Result<Vec<Point>> {
        let length = fs::metadata(self.evaluations.file(&self.run)).map_or(0, |m| m.len());
        if length != self.read.0 {
            self.read = (length, self.evaluations.read(&self.run, &self.objective)?);
        }
        Ok(self.read.1.clone())
    }

    fn ask_to_stop(&mut self) {
        self.child.iter_mut().for_each(Child::ask_to_stop);
    }

    fn kill(&mut self) {
        self.child.iter_mut().for_each(Child::kill);
    }
}
