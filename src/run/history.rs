//! `metrics.jsonl`: what happened while training, one JSON object per line.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::files::{explain, write_atomic};

/// A step of training, written every few steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Optimizer steps done.
    pub step: u64,
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Mean loss of the step's examples.
    pub loss: f64,
    /// Learning rate.
    pub lr: f64,
    /// Norm of the gradient before clipping, where it is clipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
}

/// An epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Optimizer steps done.
    pub step: u64,
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// Share of training examples predicted right while training.
    pub train_accuracy: f64,
    /// Validation scores by metric; empty where the epoch was not validated.
    pub validation: BTreeMap<String, f64>,
    /// Learning rate at the end of the epoch.
    pub lr: f64,
    /// Whether these weights were the best so far.
    pub best: bool,
    /// Seconds, validation included.
    pub seconds: f64,
    /// Training speed.
    pub images_per_second: f64,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step.
    Step(StepRecord),
    /// An epoch.
    Epoch(EpochRecord),
}

impl Event {
    /// Optimizer steps done when it happened.
    pub fn step(&self) -> u64 {
        match self {
            Self::Step(s) => s.step,
            Self::Epoch(e) => e.step,
        }
    }
}

/// The file, open for appending.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    file: File,
}

impl History {
    /// Opens the file for a training that goes on after `step` optimizer steps: what was written beyond that step (by
    /// a trainer that was killed after its last checkpoint) is dropped, since it will happen again.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: PathBuf, step: u64) -> Result<Self> {
        let kept: Vec<Event> = read(&path)?.into_iter().filter(|e| e.step() <= step).collect();
        let mut text = String::new();
        for event in &kept {
            text += &(serde_json::to_string(event)? + "\n");
        }
        write_atomic(&path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).map_err(|e| explain(&path, &e))?;
        Ok(Self { path, file })
    }

    /// Appends a step.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn step(&mut self, record: &StepRecord) -> Result<()> {
        self.append(&Event::Step(record.clone()))
    }

    /// Appends an epoch.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        self.append(&Event::Epoch(record.clone()))
    }

    fn append(&mut self, event: &Event) -> Result<()> {
        // One write per line, so that a killed process leaves at most its last line torn.
        let line = serde_json::to_string(event)? + "\n";
        self.file.write_all(line.as_bytes()).map_err(|e| explain(&self.path, &e))
    }
}

/// Reads the file; a torn last line is left out, a missing file is empty.
///
/// # Errors
/// When the file cannot be read, or a line before the last is not an event.
pub fn read(path: &Path) -> Result<Vec<Event>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let mut events = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(event) => events.push(event),
            Err(_) if i + 1 == lines.len() => {}
            Err(e) => return Err(e).with_context(|| format!("{} line {} is not an event", path.display(), i + 1)),
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64) -> StepRecord {
        StepRecord { step, epoch: 1, loss: 0.1 + step as f64, lr: 1e-3, gradient_norm: None }
    }

    #[test]
    fn a_torn_line_is_dropped_and_later_steps_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut history = History::open(path.clone(), 0).unwrap();
        (1..=5).for_each(|i| history.step(&step(i)).unwrap());
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"event\":\"st").unwrap();
        assert_eq!(read(&path).unwrap().len(), 5);
        let mut resumed = History::open(path.clone(), 3).unwrap();
        resumed.step(&step(4)).unwrap();
        let events = read(&path).unwrap();
        assert_eq!(events.iter().map(Event::step).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(events[2], Event::Step(step(3)));
    }

    #[test]
    fn a_broken_line_in_the_middle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "x\n{}\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1"));
    }
}
