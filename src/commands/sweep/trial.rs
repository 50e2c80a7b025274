//! A trial's runs, each a process of its own: a crash or a lack of memory in one is that trial's failure only.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use ferrotype_sweep::curve::{Objective, Point};
use ferrotype_sweep::launch::{Job, Launched, Launcher, Run, RunState};
use ferrotype_sweep::space::Values;
use ferrotype_sweep::study::Study;

use crate::config;
use crate::systems;
use crate::systems::search::Evaluations;
use ferrotype_run::RunFolder;
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_run::lock::Lock;

/// How long a run may take to save when its sweep ends without asking.
const GRACE: Duration = Duration::from_secs(45);

/// Lines of a log that a failed trial keeps.
const LINES: usize = 20;

/// Trains trials in processes.
pub struct ProcessLauncher<'s> {
    /// The study.
    pub study: &'s Study,
    /// CPU threads of each, where the experiment does not say.
    pub threads: usize,
}

impl Launcher for ProcessLauncher<'_> {
    fn epochs(&self, values: &Values) -> Result<u64> {
        Ok(config::trial_experiment(self.study.frozen(), values)?.train().epochs as u64)
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
        Ok(Launched::Running(Box::new(ProcessRun { run, log, child, objective, evaluations, read, ended: None })))
    }
}

impl ProcessLauncher<'_> {
    fn start(&self, job: &Job, run: &RunFolder, log: &Path) -> Result<Child> {
        // A trial is no result to be compared, scored on the test set or exported: `best` gives the experiment for that.
        let name = format!("{}-{:05}", self.study.options().name, job.trial);
        let experiment = config::trial_experiment(self.study.frozen(), &job.values)?;
        let experiment = experiment.renamed(name, job.seed).as_trial(self.threads);
        write_atomic(run.config(), experiment.to_yaml().as_bytes())?;
        let file = OpenOptions::new().create(true).append(true).open(log).map_err(|e| explain(log, &e))?;
        let again = file.try_clone().with_context(|| format!("cannot open {}", log.display()))?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(&program);
        command.args(["train", "--until-stdin-closes", "--validation-only", "--resume"]).arg(run.path());
        command.stdin(Stdio::piped()).stdout(file).stderr(again);
        // Ctrl-C is the sweep's: it asks its trials to save, one by one.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().with_context(|| format!("cannot start {}", program.display()))
    }
}

/// A run that was begun.
struct ProcessRun {
    run: RunFolder,
    log: PathBuf,
    /// None for a run that was finished before.
    child: Option<Child>,
    objective: Objective,
    evaluations: Evaluations,
    /// The length of the evaluations' file when it was last read, and what was in it.
    read: (u64, Vec<Point>),
    ended: Option<RunState>,
}

impl Run for ProcessRun {
    fn poll(&mut self) -> Result<RunState> {
        if let Some(state) = &self.ended {
            return Ok(state.clone());
        }
        let Some(child) = &mut self.child else { return Ok(RunState::Done) };
        let Some(status) = child.try_wait().context("cannot ask for a trial's process")? else {
            return Ok(RunState::Running);
        };
        let state = match status.code() {
            Some(0) => RunState::Done,
            Some(130) => RunState::Interrupted,
            _ => self.failure(status),
        };
        self.ended = Some(state.clone());
        Ok(state)
    }

    fn points(&mut self) -> Result<Vec<Point>> {
        let length = fs::metadata(self.evaluations.file(&self.run)).map_or(0, |m| m.len());
        if length != self.read.0 {
            self.read = (length, self.evaluations.read(&self.run, &self.objective)?);
        }
        Ok(self.read.1.clone())
    }

    fn ask_to_stop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.stdin.take());
        }
    }

    fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            // One that has ended cannot be killed, and need not be.
            let _ = child.kill();
        }
    }
}

impl ProcessRun {
    fn failure(&self, status: ExitStatus) -> RunState {
        let log = last_lines(&self.log, LINES);
        let said = log.iter().rev().find_map(|l| l.strip_prefix("error: "));
        let reason = match (said, signal(status), status.code()) {
            (_, Some(9), _) => "its process was killed (signal 9): by hand, or because memory ran out".to_owned(),
            (_, Some(number), _) => format!("its process was ended by signal {number}"),
            (Some(said), ..) => said.to_owned(),
            (None, _, code) => format!("its process ended with the code {}", code.unwrap_or(-1)),
        };
        RunState::Failed { reason, log }
    }
}

impl Drop for ProcessRun {
    fn drop(&mut self) {
        self.ask_to_stop();
        let Some(child) = &mut self.child else { return };
        let deadline = Instant::now() + GRACE;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// The last lines of a file; none where it cannot be read.
fn last_lines(path: &Path, count: usize) -> Vec<String> {
    const TAIL: u64 = 16_384;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|l| (*l).to_owned()).collect()
}
