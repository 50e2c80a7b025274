//! Many runs: one after another in this process, or several at a time in processes of their own.

use std::collections::{BTreeSet, VecDeque};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::{Child, Ended, Runner, Start, gpus, is_finished, takes_gpu};
use crate::commands::say;
use crate::config::AnyExperiment;
use crate::runner::bar::bar;
use crate::systems::pool::cores;
use crate::systems::{self, RunScope};
use ferrotype_model::device::DeviceName;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_run::lock::Lock;
use ferrotype_sweep::slots::{Gpus, Slot, ThisMachine, divide};
use ferrotype_training::interrupt::Interrupted;
use ferrotype_training::progress::Style;

/// How often the processes are looked at.
const POLL: Duration = Duration::from_millis(20);

/// A run that is to be trained, or is finished already.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it is called among the others: `seed 3`, `seed 3, fold 7`.
    pub label: String,
    /// Its folder, which need not exist yet.
    pub folder: PathBuf,
    /// What is trained.
    pub experiment: AnyExperiment,
}

impl Planned {
    fn is_finished(&self) -> bool {
        is_finished(&self.folder)
    }

    fn device(&self) -> Result<DeviceName> {
        self.experiment.device().parse()
    }
}

/// How many runs are trained at a time, and on what.
#[derive(Clone, Debug, Args)]
pub struct Jobs {
    /// Train so many runs at a time, each in a process of its own. They share the cores, and each has a GPU of its own as
    /// far as there are enough. Results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub jobs: usize,
    /// The GPUs that runs are given, as CUDA_VISIBLE_DEVICES names them; by default those that it names, else all.
    #[arg(long, value_name = "0,1,...", value_delimiter = ',')]
    pub devices: Option<Vec<String>>,
}

impl Jobs {
    /// How many, where the command line says more than one.
    pub fn chosen(&self) -> Option<usize> {
        Some(self.jobs).filter(|&n| n > 1)
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self { jobs: 1, devices: None }
    }
}

impl Runner {
    /// Trains what is not finished of these runs. Each is what it would be by itself, whatever `jobs` says.
    ///
    /// # Errors
    /// As [`train`](Self::train), with the run's label: no other run is begun then, and those under way are saved. The
    /// error of an interruption ends in `go_on`, which says how to go on with all.
    pub fn all(&self, runs: &[Planned], go_on: &str) -> Result<()> {
        let left = runs.iter().filter(|run| !run.is_finished()).count();
        let in_processes = self.jobs.devices.is_some() || self.jobs.jobs > 1;
        // The last one is trained here, unless it is to have a certain GPU.
        if in_processes && (left > 1 || (left == 1 && self.jobs.devices.is_some())) {
            self.at_once(runs, go_on)
        } else {
            self.in_turn(runs, go_on)
        }
    }

    fn in_turn(&self, runs: &[Planned], go_on: &str) -> Result<()> {
        for (i, run) in runs.iter().enumerate().filter(|(_, run)| !run.is_finished()) {
            if self.names_runs {
                eprintln!("== {} ({} of {})", run.label, i + 1, runs.len());
            }
            let folder = RunFolder::create_at(&run.folder)?;
            match self.train(&run.experiment, &folder) {
                Ok(summary) if self.style == Style::Json => {
                    // Whether somebody reads this line or not, the other runs are trained.
                    drop(say(summary.json));
                }
                Ok(_) => {}
                Err(error) => {
                    folder.remove_if_untouched();
                    return Err(match error.downcast_ref::<Interrupted>() {
                        Some(_) => interrupted(go_on),
                        None => error.context(format!("{} failed", run.label)),
                    });
                }
            }
        }
        Ok(())
    }

    fn at_once(&self, runs: &[Planned], go_on: &str) -> Result<()> {
        let mut waiting: VecDeque<&Planned> = runs.iter().filter(|run| !run.is_finished()).collect();
        if let Some(first) = waiting.front() {
            // Once, rather than in each of the first runs.
            systems::of(&first.experiment).prepare_data()?;
        }
        let jobs = self.jobs.jobs.min(waiting.len());
        let slots = self.slots(&waiting, jobs)?;
        let mut free: BTreeSet<usize> = (0..jobs).collect();
        let mut progress = Progress::new(self, runs.len(), runs.len() - waiting.len(), &slots);
        let mut under_way: Vec<Going<'_>> = Vec::new();
        let mut failure = None;
        loop {
            let stops = self.interrupt.is_asked() || failure.is_some();
            if stops {
                waiting.clear();
                under_way.iter_mut().for_each(|going| going.child.ask_to_stop());
            }
            while let (false, Some(slot)) = (waiting.is_empty(), free.pop_first()) {
                let Some(run) = waiting.pop_front() else { break };
                let (child, log) = self.start(run, &slots[slot])?;
                under_way.push(Going { run, child, log, slot });
            }
            if under_way.is_empty() {
                break;
            }
            let mut at = 0;
            while at < under_way.len() {
                let Some(ended) = under_way[at].child.poll()? else {
                    at += 1;
                    continue;
                };
                let Going { run, log, slot, .. } = under_way.remove(at);
                free.insert(slot);
                let folder = RunFolder::create_at(&run.folder)?;
                match ended {
                    Ended::Finished => {
                        // What it said is in its report.
                        let _ = std::fs::remove_file(&log);
                        progress.finished(run);
                    }
                    Ended::Interrupted => {
                        let _ = std::fs::remove_file(&log);
                        folder.remove_if_untouched();
                    }
                    Ended::Failed { reason, .. } => {
                        folder.remove_if_untouched();
                        let mut place = format!("{} failed", run.label);
                        if folder.path().exists() {
                            place += &format!(" (all that it said is in {})", log.display());
                        } else {
                            // It was refused before it began, and the reason is all that it said.
                            let _ = std::fs::remove_file(&log);
                        }
                        failure.get_or_insert_with(|| anyhow::anyhow!(reason).context(place));
                    }
                }
            }
            std::thread::sleep(POLL);
        }
        drop(progress);
        match failure {
            Some(error) => Err(error),
            None if runs.iter().all(Planned::is_finished) => Ok(()),
            None if self.interrupt.is_asked() => Err(interrupted(go_on)),
            None => bail!("a run was stopped by somebody else; {go_on}"),
        }
    }

    /// What each of several runs at a time gets of this machine.
    fn slots(&self, waiting: &VecDeque<&Planned>, jobs: usize) -> Result<Vec<Slot>> {
        let mut devices: Vec<DeviceName> = Vec::new();
        for run in waiting {
            let device = run.device()?;
            if !devices.contains(&device) {
                devices.push(device);
            }
        }
        let mut given = Gpus::none();
        for device in devices {
            let of_device = gpus(device, self.jobs.devices.as_deref(), &ThisMachine)?;
            given = if takes_gpu(device) { of_device } else { given };
        }
        Ok(divide(jobs, cores(), &given))
    }

    /// Starts the process of a run.
    fn start(&self, run: &Planned, slot: &Slot) -> Result<(Child, PathBuf)> {
        let folder = RunFolder::create_at(&run.folder)?;
        if Lock::is_held(folder.path()) {
            bail!("{} is being trained by another process: {}", run.label, folder.path().display());
        }
        write_atomic(folder.config(), run.experiment.to_yaml().as_bytes())?;
        let log = log_of(&run.folder);
        let threads = self.threads.unwrap_or(slot.threads).to_string();
        let mut options = vec!["--quiet".to_owned(), "--threads".to_owned(), threads];
        options.extend(self.other_kernels.then(|| "--other-kernels".to_owned()));
        options.extend((self.scope == RunScope::ValidationOnly).then(|| "--validation-only".to_owned()));
        let environment = slot.environment(takes_gpu(run.device()?));
        let program = self.program.as_deref();
        let start = Start { run: folder.path(), options: &options, environment: &environment, log: &log, program };
        Ok((Child::train(&start).context("cannot begin a run")?, log))
    }
}

/// A run that is being trained in a process.
struct Going<'r> {
    run: &'r Planned,
    child: Child,
    log: PathBuf,
    /// What it has of the machine.
    slot: usize,
}

/// Where a run's process writes what it says.
fn log_of(folder: &Path) -> PathBuf {
    folder.with_extension("log")
}

fn interrupted(go_on: &str) -> anyhow::Error {
    Interrupted(format!("interrupted; everything is saved; {go_on}")).into()
}

/// Which GPUs several runs have, for the user.
pub fn on_gpus(slots: &[Slot]) -> String {
    let mut gpus: Vec<&str> = slots.iter().filter_map(|slot| slot.gpu.as_deref()).collect();
    gpus.sort_unstable();
    gpus.dedup();
    match gpus.as_slice() {
        [] => String::new(),
        [one] => format!(", on the GPU {one}"),
        all => format!(", on the GPUs {}", all.join(", ")),
    }
}

/// What the user sees of many runs.
struct Progress {
    style: Style,
    names_runs: bool,
    bar: indicatif::ProgressBar,
    all: usize,
    done: usize,
    began: Instant,
    before: usize,
}

impl Progress {
    fn new(runner: &Runner, all: usize, done: usize, slots: &[Slot]) -> Self {
        let &Runner { style, names_runs, .. } = runner;
        let bar = if names_runs {
            eprintln!("{} of {all} runs, {} at a time{}", all - done, slots.len(), on_gpus(slots));
            bar("runs", all)
        } else {
            indicatif::ProgressBar::hidden()
        };
        bar.set_position(done as u64);
        bar.reset_eta();
        Self { style, names_runs, bar, all, done, began: Instant::now(), before: done }
    }

    fn finished(&mut self, run: &Planned) {
        self.done += 1;
        self.bar.inc(1);
        let each = self.began.elapsed().as_secs_f64() / (self.done - self.before) as f64;
        let left = each * (self.all - self.done) as f64;
        match self.style {
            Style::Json => drop(say(serde_json::json!({
                "event": "run", "run": run.folder, "label": run.label, "finished": self.done, "of": self.all, "seconds_left": left,
            }))),
            _ if self.names_runs && !std::io::stderr().is_terminal() => {
                eprintln!("{} finished ({} of {}), about {left:.0} s left", run.label, self.done, self.all);
            }
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(all(test, unix))]
mod tests;
