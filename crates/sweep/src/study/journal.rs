//! What happened, one line per event. Each worker appends to a file of its own, since appends of several machines to one
//! file are not atomic on NFS; reading merges them all.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use ferrotype_base::files::explain;
use serde::{Deserialize, Serialize};

use crate::curve::Point;
use crate::space::Values;

/// What happened to a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A worker took it up.
    Started {
        /// The trial.
        trial: usize,
        /// How many workers have taken it up, this one included.
        generation: u64,
        /// Its values by key.
        values: Values,
        /// The epochs it is to be trained for, where the launcher knows.
        epochs: u64,
    },
    /// The validation set was scored.
    Epoch {
        /// The trial.
        trial: usize,
        /// The place of the seed among the study's.
        seed: usize,
        /// The scores.
        #[serde(flatten)]
        point: Point,
    },
    /// A worker gave it back before its end.
    Released {
        /// The trial.
        trial: usize,
        /// The generation that was given back.
        generation: u64,
        /// Why.
        reason: String,
    },
    /// It ended.
    Ended {
        /// The trial.
        trial: usize,
        /// The generation that saw its end.
        generation: u64,
        /// How.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// Anything that a later version writes: skipped.
    #[serde(other)]
    Other,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Trained to its end.
    Finished {
        /// The mean over its seeds.
        value: f64,
        /// Each seed's value.
        seeds: Vec<f64>,
    },
    /// Ended early.
    Pruned {
        /// The last epoch.
        epoch: u64,
        /// Its value so far.
        value: Option<f64>,
        /// Why.
        reason: String,
    },
    /// Its process failed.
    Failed {
        /// Why.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since 1970 by the worker's clock.
    pub time: u64,
    /// Who wrote it.
    pub worker: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Line {
    /// An event that happens now.
    pub fn now(worker: &str, event: Event) -> Self {
        Self { time: now(), worker: worker.to_owned(), event }
    }
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}

/// Appends to one worker's file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens a worker's file. A last line that a kill or a full disk tore is cut off first.
    ///
    /// # Errors
    /// When it cannot be opened or mended.
    pub fn open(folder: &Path, worker: &str) -> Result<Self> {
        let path = folder.join(format!("{worker}.jsonl"));
        let fail = |e: &std::io::Error| explain(&path, e);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(|e| fail(&e))?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(|e| fail(&e))?;
        let whole = whole(&bytes).len();
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(|e| fail(&e))?;
        }
        Ok(Self { path, file })
    }

    /// Appends one line, and waits until it is on the disk.
    ///
    /// # Errors
    /// When the disk is full or gone; what was written of the line is taken back.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line).context("an event cannot be written as JSON")?;
        text.push('\n');
        let before = self.file.metadata().map_err(|e| explain(&self.path, &e))?.len();
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|e| {
            // Cutting off needs no space. Where even that fails, the next opening cuts it off.
            let _ = self.file.set_len(before);
            explain(&self.path, &e)
        })
    }
}

/// The whole lines of a file.
fn whole(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1)]
}

/// All journals of a folder as one, in order of time. Also how many lines could not be read: torn last lines do not
/// count, as their event did not happen yet.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn read_all(folder: &Path) -> Result<(Vec<Line>, usize)> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "jsonl"));
    paths.sort();
    let (mut lines, mut damaged) = (Vec::new(), 0);
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in whole(&bytes).split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
            match serde_json::from_slice::<Line>(line) {
                Ok(line) => lines.push(line),
                Err(_) => damaged += 1,
            }
        }
    }
    // Stable: a worker's own lines stay in their order even where its clock was set back.
    lines.sort_by_key(|l| l.time);
    Ok((lines, damaged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: u64) -> Event {
        Event::Epoch { trial: 3, seed: 0, point: Point { epoch, metric: 0.1 + 0.2, select: 1e-9 } }
    }

    #[test]
    fn lines_of_all_workers_are_merged_and_survive_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        for worker in ["b", "a"] {
            let mut journal = Journal::open(folder.path(), worker).unwrap();
            for event in [
                Event::Started {
                    trial: 3,
                    generation: 1,
                    values: Values::from([("train.lr".into(), 1e-3.into())]),
                    epochs: 4,
                },
                epoch(1),
                Event::Released { trial: 3, generation: 1, reason: "asked".into() },
                Event::Ended {
                    trial: 3,
                    generation: 2,
                    outcome: Outcome::Failed { reason: "x".into(), log: vec!["l".into()] },
                },
            ] {
                let line = Line { time: 1000 * expected.len() as u64, worker: worker.into(), event };
                journal.write(&line).unwrap();
                expected.push(line);
            }
        }
        assert_eq!(read_all(folder.path()).unwrap(), (expected, 0));
    }

    #[test]
    fn a_torn_line_is_left_out_and_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.jsonl");
        let mut journal = Journal::open(folder.path(), "w").unwrap();
        (1..=3).for_each(|e| journal.write(&Line::now("w", epoch(e))).unwrap());
        let full = fs::read(&path).unwrap();
        // Cut anywhere within the last line, even within its line end.
        let second = whole(&full[..full.len() - 1]).len();
        for end in second + 1..full.len() {
            fs::write(&path, &full[..end]).unwrap();
            assert_eq!(read_all(folder.path()).unwrap().0.len(), 2);
            Journal::open(folder.path(), "w").unwrap().write(&Line::now("w", epoch(9))).unwrap();
            let (lines, damaged) = read_all(folder.path()).unwrap();
            assert_eq!((lines.len(), damaged), (3, 0));
        }
    }

    #[test]
    fn a_damaged_line_costs_itself_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), "w").unwrap();
        journal.write(&Line::now("w", epoch(1))).unwrap();
        let good = fs::read_to_string(folder.path().join("w.jsonl")).unwrap();
        let later = "{\"time\":1,\"worker\":\"w\",\"event\":\"of_a_later_version\",\"trial\":3}\n";
        fs::write(folder.path().join("w.jsonl"), format!("{good}{{\"time\":1,\"wor\u{0}\n{later}{good}")).unwrap();
        let (lines, damaged) = read_all(folder.path()).unwrap();
        assert_eq!((lines.len(), damaged), (3, 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("w.jsonl")).unwrap();
        // A device that is always full cannot be measured or cut, which a worker's own file can.
        let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let mut journal = Journal { path: folder.path().join("w.jsonl"), file };
        let message = journal.write(&Line::now("w", epoch(1))).unwrap_err().to_string();
        assert!(message.contains("full") && message.contains("w.jsonl"), "{message}");
    }
}
