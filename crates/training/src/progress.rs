//! What the user sees while training runs: bars on a terminal, plain lines elsewhere, JSON lines for machines.

mod bars;
mod json;
mod lines;
mod watched;

use std::io::IsTerminal;

use serde::Serialize;
use serde_json::{Value, json};

use ferrotype_evaluation::metrics;

pub use ferrotype_base::text::duration;
pub use watched::{Watched, Watcher};

/// One batch was trained.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Batch of the epoch, counted from 1.
    pub batch: usize,
    /// Batches per epoch.
    pub batches: usize,
    /// Optimizer steps done.
    pub step: u64,
    /// Mean loss over the epoch so far.
    pub loss: f64,
    /// Learning rate.
    pub lr: f64,
    /// Training speed over the epoch so far.
    pub images_per_second: f64,
    /// Estimated time to the end of training.
    pub seconds_left: f64,
}

/// An epoch was trained and, where due, validated.
#[derive(Clone, Debug, Serialize)]
pub struct EpochReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// Share of training examples predicted right while training (augmented pictures, dropout on), where there are
    /// classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_accuracy: Option<f64>,
    /// Name and value of each validation metric shown.
    pub validation: Vec<(String, f64)>,
    /// The metric that selects.
    pub select_by: String,
    /// Whether these weights are the best so far.
    pub best: bool,
    /// Learning rate at the end of the epoch.
    pub lr: f64,
    /// Seconds for the epoch, validation included.
    pub seconds: f64,
    /// Training speed.
    pub images_per_second: f64,
    /// Estimated time to the end of training.
    pub seconds_left: f64,
}

/// What happens while a run is trained.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A batch was trained.
    Step(StepReport),
    /// An epoch was trained and, where due, validated.
    Epoch(EpochReport),
    /// Something worth a line.
    Note(String),
    /// Something worth a worry.
    Warning(String),
    /// Work without steps of its own goes on.
    Work {
        /// What is done.
        what: String,
        /// Images done.
        done: usize,
        /// Images in all.
        all: usize,
    },
}

impl Event {
    /// As one JSON object, with the event's name under `event`: the lines of [`Style::Json`].
    pub fn to_json(&self) -> Value {
        let (name, mut body) = match self {
            Self::Step(report) => ("step", json!(report)),
            Self::Epoch(report) => {
                let mut body = json!(report);
                body["validation"] = report.validation.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
                ("epoch", body)
            }
            Self::Note(text) => ("note", json!({ "text": text })),
            Self::Warning(text) => ("warning", json!({ "text": text })),
            Self::Work { what, done, all } => ("work", json!({ "what": what, "done": done, "all": all })),
        };
        body["event"] = name.into();
        body
    }
}

/// Is told how training goes.
pub trait Progress {
    /// After each batch.
    fn step(&mut self, report: &StepReport);
    /// After each epoch.
    fn epoch(&mut self, report: &EpochReport);
    /// Something worth a line.
    fn note(&mut self, text: &str);
    /// Something worth a worry.
    fn warn(&mut self, text: &str);
    /// Work without steps of its own goes on: `done` of `all` images of `what`.
    fn work(&mut self, what: &str, done: usize, all: usize);
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Bars on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// One JSON object per line on standard output.
    Json,
    /// Nothing but warnings.
    Quiet,
}

impl Style {
    /// The progress display of this style.
    pub fn start(self) -> Box<dyn Progress> {
        match self {
            Self::Json => Box::new(json::Json),
            Self::Quiet => Box::new(lines::Lines::quiet()),
            Self::Auto if std::io::stderr().is_terminal() => Box::new(bars::Bars::new()),
            Self::Auto => Box::new(lines::Lines::new()),
        }
    }
}

/// A loss with the digits that tell it from the next: squared errors of scaled features are small.
fn loss(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.01 { format!("{value:.3e}") } else { format!("{value:.4}") }
}

/// The line that sums up an epoch.
fn epoch_line(r: &EpochReport) -> String {
    let width = r.epochs.to_string().len();
    let mut line = format!("epoch {:>width$}/{}  loss {}", r.epoch, r.epochs, loss(r.train_loss));
    if let Some(accuracy) = r.train_accuracy {
        line += &format!("  train acc {:>5.2} %", 100.0 * accuracy);
    }
    for (name, value) in &r.validation {
        let shown = metrics::about(name).map_or_else(|| loss(*value), |m| m.format(*value));
        line += &format!("  val {name} {shown:>7}");
    }
    line += &format!("  lr {:.2e}  {:.0} img/s  {}", r.lr, r.images_per_second, duration(r.seconds));
    if r.best {
        line += "  *";
    }
    line
}
