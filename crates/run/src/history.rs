//! `metrics.jsonl`: what happened while training, one JSON object per line.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer, Serialize};

use crate::files::{explain, write_atomic};

/// After a step, or every so many steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepRecord {
    /// Steps done.
    pub step: u64,
    /// Epochs done, with the part of the current one.
    #[serde(deserialize_with = "number")]
    pub epoch: f64,
    /// Loss of the step.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Learning rate of the step.
    #[serde(deserialize_with = "number")]
    pub lr: f64,
    /// Training images per second.
    #[serde(deserialize_with = "number")]
    pub images_per_second: f64,
    /// Anything else, by name.
    #[serde(flatten, deserialize_with = "numbers")]
    pub more: BTreeMap<String, f64>,
}

/// At the end of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EpochRecord {
    /// Epochs done.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// Mean loss of the epoch's steps.
    #[serde(deserialize_with = "number")]
    pub train_loss: f64,
    /// Accuracy of the epoch's training predictions, where it is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_accuracy: Option<f64>,
    /// Loss on the validation set, where it was scored after this epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Scores on the validation set, by the metric's name.
    #[serde(deserialize_with = "numbers")]
    pub validation: BTreeMap<String, f64>,
    /// Learning rate at the end.
    #[serde(deserialize_with = "number")]
    pub lr: f64,
    /// Seconds that the epoch took, over all parts of one that was interrupted.
    #[serde(deserialize_with = "number")]
    pub seconds: f64,
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step.
    Step(StepRecord),
    /// An epoch.
    Epoch(EpochRecord),
    /// Anything that a later version writes: skipped.
    #[serde(other)]
    Other,
}

// JSON has no NaN: serde_json writes it as null, so null is read as NaN.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<BTreeMap<String, f64>, D::Error> {
    let values: BTreeMap<String, Option<f64>> = BTreeMap::deserialize(deserializer)?;
    Ok(values.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
}

impl Event {
    fn step(&self) -> u64 {
        match self {
            Self::Step(r) => r.step,
            Self::Epoch(r) => r.step,
            Self::Other => 0,
        }
    }
}

/// What happened while training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Steps in order.
    pub steps: Vec<StepRecord>,
    /// Epochs in order.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// Reads `metrics.jsonl`. A last line that was cut off (by a killed trainer, say) is left out.
    ///
    /// # Errors
    /// When the file cannot be read, or another line is not what this program writes: its number is named.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut history = Self::default();
        for (event, _) in lines(path)? {
            match event {
                Event::Step(record) => history.steps.push(record),
                Event::Epoch(record) => history.epochs.push(record),
                Event::Other => {}
            }
        }
        Ok(history)
    }
}

/// Whole lines of the file with their text.
fn lines(path: &Path) -> Result<Vec<(Event, String)>> {
    // A killed trainer can cut a line within a character: those bytes are part of the torn line, which is left out.
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    let parse = |(i, line): (usize, &str)| {
        let event = serde_json::from_str(line).with_context(|| {
            format!("{}, line {}: not an event of a training run; remove the line to go on", path.display(), i + 1)
        })?;
        Ok((event, line.to_string()))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(parse).collect()
}

/// Appends events. Each is written at once, as one line.
#[derive(Debug)]
pub struct HistoryWriter {
    path: PathBuf,
    file: File,
}

impl HistoryWriter {
    /// Opens the file of a run that goes on after `last_step` steps (0: a new run). What an interrupted run wrote after
    /// the checkpoint that it goes on from is removed, so no step stands in the file twice.
    ///
    /// # Errors
    /// When the file cannot be read, rewritten or opened.
    pub fn open(path: impl AsRef<Path>, last_step: u64) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        if path.exists() {
            let kept = lines(&path)?.into_iter().filter(|(event, _)| event.step() <= last_step);
            let text: String = kept.map(|(_, line)| line + "\n").collect();
            write_atomic(&path, text.as_bytes())?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|e| explain(&path, &e))?;
        Ok(Self { path, file })
    }

    /// Appends one event.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        let mut line = serde_json::to_string(event).context("an event cannot be written as JSON")?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|e| explain(&self.path, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64) -> Event {
        Event::Step(StepRecord { step, loss: 1.0 / step as f64, ..Default::default() })
    }

    #[test]
    fn a_torn_line_is_left_out_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut writer = HistoryWriter::open(&path, 0).unwrap();
        for i in 1..=5 {
            writer.write(&step(i)).unwrap();
        }
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"event\":\"step\",\"st\xc3");
        fs::write(&path, bytes).unwrap();
        assert_eq!(History::read(&path).unwrap().steps.len(), 5);
        let mut writer = HistoryWriter::open(&path, 3).unwrap();
        writer.write(&step(4)).unwrap();
        let steps: Vec<u64> = History::read(&path).unwrap().steps.iter().map(|s| s.step).collect();
        assert_eq!(steps, [1, 2, 3, 4]);
    }

    #[test]
    fn a_bad_line_is_named_and_an_unknown_event_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, "{\"event\":\"step\",\"step\":1,\"grad_norm\":2.5}\n{\"event\":\"later\"}\n").unwrap();
        let history = History::read(&path).unwrap();
        assert_eq!(history.steps[0].more["grad_norm"], 2.5);
        fs::write(&path, "{\"event\":\"step\"}\nnonsense\n").unwrap();
        assert!(format!("{:#}", History::read(&path).unwrap_err()).contains("line 2"));
    }

    #[test]
    fn values_that_are_not_numbers_survive() {
        // JSON has no NaN: it is written as null and must be read again.
        let event = Event::Epoch(EpochRecord { epoch: 1, train_loss: f64::NAN, ..Default::default() });
        let text = serde_json::to_string(&event).unwrap();
        let Event::Epoch(back) = serde_json::from_str(&text).unwrap() else { panic!("another event") };
        assert!(back.train_loss.is_nan());
    }
}
