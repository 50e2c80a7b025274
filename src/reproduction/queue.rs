//! The queue: `reproduce all` as a process of its own at the lowest priority, which outlives the terminal, is frozen and
//! thawed, and is begun again where it was ended.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::process;
use ferrotype_run::files::{explain, write_json};
use ferrotype_run::lock::Lock;
use ferrotype_run::program;
use serde::{Deserialize, Serialize};

/// How long a queue may take to start.
const START: Duration = Duration::from_secs(20);

/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// Who works on a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its process, which leads a session of its own.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// When it began.
    pub since: String,
    /// What was asked of it.
    pub command: String,
    /// Seeds in place of the entries'.
    #[serde(default)]
    pub seeds: Option<String>,
    /// Keys that it changes.
    #[serde(default)]
    pub sets: Vec<String>,
    /// Where it publishes.
    #[serde(default)]
    pub publish: Option<PathBuf>,
}

/// A queue over the runs of a folder.
#[derive(Clone, Debug)]
pub struct Queue {
    folder: PathBuf,
}

/// What a queue does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody works on it.
    Idle,
    /// It works.
    Working(Ticket),
    /// It is frozen.
    Paused(Ticket),
}

/// What is sent to all of its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Freeze,
    Thaw,
    End,
}

impl Queue {
    /// The queue over the runs in this folder.
    pub fn of(runs: &Path) -> Self {
        Self { folder: runs.join(".queue") }
    }

    /// What its process prints.
    pub fn log(&self) -> PathBuf {
        self.folder.join("queue.log")
    }

    fn ticket(&self) -> PathBuf {
        self.folder.join("ticket.json")
    }

    /// What it does.
    ///
    /// # Errors
    /// When its ticket cannot be read.
    pub fn state(&self) -> Result<State> {
        if !Lock::is_held(&self.folder) {
            return Ok(State::Idle);
        }
        let path = self.ticket();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            // It is about to begin, or has just ended.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(State::Idle),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        let ticket: Ticket =
            serde_json::from_str(&text).with_context(|| format!("{} is no ticket of a queue", path.display()))?;
        let is_frozen = ticket.host == process::host() && process::is_stopped(ticket.pid);
        Ok(if is_frozen { State::Paused(ticket) } else { State::Working(ticket) })
    }

    /// Starts this program in a session of its own at the lowest priority, with these words, and waits until it has the queue.
    ///
    /// # Errors
    /// When there is one already, or the process does not start: with the last lines that it printed.
    pub fn start(&self, words: &[String]) -> Result<Ticket> {
        ensure!(cfg!(unix), "a queue needs Unix: run `ferrotype reproduce all` in a terminal of its own");
        if let State::Working(ticket) | State::Paused(ticket) = self.state()? {
            bail!(
                "a queue works on these runs already (process {} on {} since {})",
                ticket.pid,
                ticket.host,
                ticket.since
            );
        }
        fs::create_dir_all(&self.folder).map_err(|e| explain(&self.folder, &e))?;
        let log = self.log();
        let file = OpenOptions::new().create(true).append(true).open(&log).map_err(|e| explain(&log, &e))?;
        let again = file.try_clone().with_context(|| format!("cannot open {}", log.display()))?;
        // A session has a scheduling group of its own, whose priority is lowered below.
        let mut child = Command::new("setsid")
            .args(["nice", "-n", "19"])
            .args(program::words()?)
            .args(words)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(again)
            .spawn()
            .context("cannot start `setsid nice` (of util-linux and coreutils)")?;
        let begun = Instant::now();
        while begun.elapsed() < START {
            if let State::Working(ticket) = self.state().unwrap_or(State::Idle) {
                return Ok(ticket);
            }
            if let Some(status) = child.try_wait().context("cannot ask for the queue's process")? {
                // There was nothing to do, or it could not be done.
                let text = fs::read_to_string(&log).unwrap_or_default();
                let last: Vec<&str> = text.lines().rev().take(6).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                bail!("the queue ended at once ({status}): {}", last.join(" / "));
            }
            std::thread::sleep(LOOK);
        }
        bail!("the queue has not started within {} s: see {}", START.as_secs(), log.display())
    }

    /// Takes the queue for this process and lowers its priority; it is free again when what is given back goes.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be written.
    pub fn take(&self, seeds: Option<&str>, sets: &[String], publish: Option<&Path>) -> Result<Taken> {
        fs::create_dir_all(&self.folder).map_err(|e| explain(&self.folder, &e))?;
        let lock = Lock::acquire(&self.folder)?;
        // Where the system has no such groups, niceness alone does it.
        let _ = fs::write("/proc/self/autogroup", "19");
        let ticket = Ticket {
            pid: std::process::id(),
            host: process::host(),
            since: ferrotype_run::provenance::now(),
            command: program::command_line(),
            seeds: seeds.map(str::to_owned),
            sets: sets.to_vec(),
            publish: publish.map(Path::to_path_buf),
        };
        write_json(self.ticket(), &ticket)?;
        Ok(Taken { path: self.ticket(), _lock: lock })
    }

    /// Freezes it: it takes no processor time, keeps its memory, and goes on at once when it is thawed.
    ///
    /// # Errors
    /// When nobody works on it here.
    pub fn pause(&self) -> Result<Ticket> {
        self.signal(Signal::Freeze)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub fn resume(&self) -> Result<Ticket> {
        self.signal(Signal::Thaw)
    }

    /// Has it save and end.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub fn stop(&self) -> Result<Ticket> {
        let ticket = self.signal(Signal::End)?;
        // A frozen process ends when it is thawed.
        self.signal(Signal::Thaw)?;
        Ok(ticket)
    }

    fn signal(&self, signal: Signal) -> Result<Ticket> {
        let (State::Working(ticket) | State::Paused(ticket)) = self.state()? else {
            bail!("no queue works here: `ferrotype reproduce all --background` starts one")
        };
        ensure!(ticket.host == process::host(), "the queue works on {}: say it there", ticket.host);
        let (name, pids) = match signal {
            // Those it started have process groups of their own, but its session.
            Signal::Freeze => ("-STOP", process::in_session(ticket.pid)),
            Signal::Thaw => ("-CONT", process::in_session(ticket.pid)),
            // It asks its runs to save, one by one.
            Signal::End => ("-TERM", vec![ticket.pid]),
        };
        let words = pids.iter().map(u32::to_string);
        let status = Command::new("kill").arg(name).args(words).stderr(Stdio::null()).status();
        // One of them may have ended by now; what counts is the first.
        status.context("cannot run `kill`")?;
        Ok(ticket)
    }

    /// Freezes it while something is measured, if it works here; it goes on when what is given back goes.
    pub fn step_aside(&self) -> Option<Aside> {
        let State::Working(ticket) = self.state().ok()? else { return None };
        (ticket.host == process::host() && ticket.pid != std::process::id()).then_some(())?;
        self.pause().ok()?;
        Some(Aside { queue: self.clone() })
    }
}

/// A queue that this process works on.
#[derive(Debug)]
pub struct Taken {
    path: PathBuf,
    _lock: Lock,
}

impl Drop for Taken {
    fn drop(&mut self) {
        // The lock says whether anybody is there; a ticket that cannot be removed misleads nobody.
        let _ = fs::remove_file(&self.path);
    }
}

/// A queue that waits.
#[derive(Debug)]
pub struct Aside {
    queue: Queue,
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Err(e) = self.queue.resume() {
            eprintln!("warning: the queue could not be let go on: {e:#}. `ferrotype reproduce resume` does it");
        }
    }
}
