//! What a report shows of a run's scores on other data. `evaluations/<name>.json` in the run's folder holds it, too.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::between;
use super::terminal::format_score;
use ferrotype_evaluation::metrics::{self, Metric};
use ferrotype_evaluation::{Score, Scores};

/// The scores of a run on a set of rows that is not the one it was trained with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationView {
    /// File, set, labels and number of rows.
    pub title: String,
    /// The same without the number of rows: later scores of what has the same key take the place of these. Empty in older
    /// records.
    #[serde(default)]
    pub key: String,
    /// sha256 of the file's pictures, or of the clips' names, labels and values; empty in older records.
    #[serde(default)]
    pub sha256: String,
    /// What is to be known of the rows, a line each: which were left out, and how classes were matched.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Scores of all rows.
    pub scores: Scores,
    /// How many of them the run has seen, where it has seen any: shown in red.
    pub seen: Option<SeenShare>,
    /// Scores of the others; none where all were seen, or none was.
    pub unseen: Option<Scores>,
    /// What is not known of the weights.
    pub doubt: Option<String>,
}

/// How many of the scored rows a run has seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenShare {
    /// Rows scored.
    pub rows: usize,
    /// Of these, trained on by the run or by weights that it builds on.
    pub trained: usize,
    /// Of the others, those that selected its weights.
    pub selected: usize,
}

impl SeenShare {
    /// The share in words.
    pub fn text(&self) -> String {
        let Self { rows, trained, selected } = self;
        let seen = trained + selected;
        format!(
            "The run has seen {seen} of these {rows} rows ({:.1} %), {trained} in training and {selected} in validation: \
             their score says nothing about new data.",
            100.0 * seen as f64 / (*rows).max(1) as f64
        )
    }
}

/// A section of the page.
pub fn section(view: &EvaluationView) -> Result<Value> {
    let cell = |scores: Option<&Scores>, metric: &dyn Metric| {
        let score = scores.and_then(|s| s.metrics.get(metric.name()));
        let value = score.map(|s| format_score(metric.name(), &Score { interval: None, ..s.clone() }));
        let interval = score.and_then(|s| s.interval).map(|i| between(metric.name(), i));
        json!({ "value": value.unwrap_or_default(), "interval": interval.unwrap_or_default() })
    };
    let shown = metrics::all().iter().filter(|m| view.scores.metrics.contains_key(m.name()));
    let row = |m: &&'static dyn Metric| json!({ "title": m.title(), "all": cell(Some(&view.scores), *m), "unseen": cell(view.unseen.as_ref(), *m) });
    Ok(json!({
        "title": view.title,
        "sha256": view.sha256,
        "notes": view.notes,
        "seen": view.seen.map(|s| s.text()).unwrap_or_default(),
        "doubt": view.doubt.clone().unwrap_or_default(),
        "unseen": view.unseen.is_some(),
        "rows": shown.map(row).collect::<Vec<_>>(),
    }))
}
