//! A run that is trained in a process of its own: a crash or a lack of memory in one is its failure only.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use ferrotype_run::files::explain;
use ferrotype_run::program;

/// How long a run may take to save when its parent ends without asking.
const GRACE: Duration = Duration::from_secs(45);

/// Lines of a log that a failed run's error keeps.
const LINES: usize = 20;

/// A training process, whose output goes into a file. It saves and ends when its parent asks it to, or dies in whatever way.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    log: PathBuf,
    ended: Option<Ended>,
}

/// How a training process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The run is finished.
    Finished,
    /// It was asked to stop; the run is saved.
    Interrupted,
    /// It failed.
    Failed {
        /// One line.
        reason: String,
        /// The last lines of its output.
        log: Vec<String>,
    },
}

/// What a training process is begun with.
#[derive(Debug)]
pub struct Start<'a> {
    /// The run's folder, which holds its experiment.
    pub run: &'a Path,
    /// More options of `ferrotype train`.
    pub options: &'a [String],
    /// Variables of its environment.
    pub environment: &'a [(&'static str, String)],
    /// Where its output goes.
    pub log: &'a Path,
    /// The program; by default this one.
    pub program: Option<&'a Path>,
}

impl Child {
    /// Starts `ferrotype train --resume RUN`.
    ///
    /// # Errors
    /// When the program cannot be started, or the log cannot be written.
    pub fn train(start: &Start<'_>) -> Result<Self> {
        let log = start.log;
        let file: File = OpenOptions::new().create(true).append(true).open(log).map_err(|e| explain(log, &e))?;
        let again = file.try_clone().with_context(|| format!("cannot open {}", log.display()))?;
        let program = match start.program {
            Some(program) => vec![program.display().to_string()],
            None => program::words()?,
        };
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).args(["train", "--until-stdin-closes"]);
        command.args(start.options).arg("--resume").arg(start.run);
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(file).stderr(again);
        // Ctrl-C is the parent's: it asks its runs to save, one by one.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().with_context(|| format!("cannot start {}", program.join(" ")))?;
        Ok(Self { process, log: log.to_path_buf(), ended: None })
    }

    /// How it ended; none while it runs.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn poll(&mut self) -> Result<Option<Ended>> {
        if self.ended.is_none() {
            let Some(status) = self.process.try_wait().context("cannot ask for a run's process")? else {
                return Ok(None);
            };
            self.ended = Some(match status.code() {
                Some(0) => Ended::Finished,
                Some(130) => Ended::Interrupted,
                _ => failure(status, &self.log),
            });
        }
        Ok(self.ended.clone())
    }

    /// Asks it to save and end.
    pub fn ask_to_stop(&mut self) {
        drop(self.process.stdin.take());
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.process.kill();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.ask_to_stop();
        let deadline = Instant::now() + GRACE;
        while matches!(self.process.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn failure(status: ExitStatus, log: &Path) -> Ended {
    let log = last_lines(log, LINES);
    let said = log.iter().rev().find_map(|l| l.strip_prefix("error: "));
    let reason = match (said, signal(status), status.code()) {
        (_, Some(9), _) => "its process was killed (signal 9): by hand, or because memory ran out".to_owned(),
        (_, Some(number), _) => format!("its process was ended by signal {number}"),
        (Some(said), ..) => said.to_owned(),
        (None, _, code) => format!("its process ended with the code {}", code.unwrap_or(-1)),
    };
    Ended::Failed { reason, log }
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
