//! The report of a sweep: its view, its page and its files.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::html::{drawn, fonts, render};
use super::plots as draw;
use super::write::write_figures;
use ferrotype_evaluation::metrics::{Metric, Unit, find, format_value};
use ferrotype_evaluation::{Sample, Score};
use ferrotype_run::files::write_atomic;

/// A sweep as its report shows it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SweepView {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub description: String,
    /// The validation metric that ranks its trials.
    pub metric: String,
    /// The searched keys.
    pub axes: Vec<SweepAxis>,
    /// The trials by number.
    pub trials: Vec<SweepTrial>,
    /// What mattered, the most important first; empty with too few trials.
    pub shares: Vec<SweepShare>,
    /// One line: how the trials stand.
    pub summary: String,
    /// The best trial's experiment file.
    pub best: Option<String>,
    /// Whether its faces are drawn.
    pub synthetic: bool,
    /// Seeds per trial.
    pub seeds: usize,
}

/// One searched key.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SweepAxis {
    /// The key.
    pub key: String,
    /// Places from 0 to 1 with their values.
    pub ticks: Vec<(f64, String)>,
    /// Whether its values have no order.
    pub is_choice: bool,
}

/// How a trial stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepState {
    /// Trained to its end.
    #[default]
    Finished,
    /// Ended early.
    Pruned,
    /// Its process failed.
    Failed,
    /// Not ended yet.
    Open,
}

/// One trial.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SweepTrial {
    /// Its number.
    pub number: usize,
    /// Its rank among the finished ones, from 0.
    pub rank: Option<usize>,
    /// How it stands.
    pub state: SweepState,
    /// The metric, if it has one.
    pub value: Option<f64>,
    /// Its place on each axis, 0 to 1; none where that key was not searched.
    pub units: Vec<Option<f64>>,
    /// Its values as text, empty where a key was not searched.
    pub settings: Vec<String>,
    /// The metric by epoch, of its first seed.
    pub curve: Vec<(f64, f64)>,
    /// Epochs trained over all seeds.
    pub epochs: u64,
    /// Why it was ended early or failed.
    pub reason: String,
}

/// A key's part in the variance of the results.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SweepShare {
    /// The key.
    pub key: String,
    /// Its share, 0 to 1.
    pub share: f64,
    /// Standard deviation over the trees of the forest.
    pub sd: f64,
}

/// Rows of the table of best trials.
const BEST: usize = 15;

/// What trials that find anomalies are ranked by: no metric of predictions.
struct SquaredError;

impl Metric for SquaredError {
    fn name(&self) -> &'static str {
        "mse"
    }

    fn title(&self) -> &'static str {
        "Squared error of the validation frames"
    }

    fn meaning(&self) -> &'static str {
        "The mean over columns, frames and detectors of the squared difference between a value and what is given again."
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn score(&self, _: &Sample) -> Option<Score> {
        None
    }
}

/// Writes `plots/*.svg` and `*.png` and `report.html` of a sweep.
///
/// # Errors
/// When a file cannot be written.
pub fn write_sweep(folder: &Path, view: &SweepView) -> Result<()> {
    let metric: &dyn Metric = if view.metric == SquaredError.name() { &SquaredError } else { find(&view.metric)? };
    let figures = vec![
        ("parallel", draw::parallel_coordinates(view, metric)),
        ("slices", draw::slices(view, metric)),
        ("importance", draw::importance(view)),
        ("learning_curves", draw::learning_curves(view, metric)),
    ];
    write_figures(&folder.join("plots"), &figures)?;
    let value = |t: &SweepTrial| t.value.map_or_else(|| "-".to_owned(), |v| format_value(metric, v));
    let mut ranked: Vec<&SweepTrial> = view.trials.iter().filter(|t| t.rank.is_some()).collect();
    ranked.sort_by_key(|t| t.rank);
    let best: Vec<_> = ranked
        .iter()
        .take(BEST)
        .map(|t| json!({"number": t.number, "value": value(t), "settings": t.settings, "epochs": t.epochs}))
        .collect();
    let row = |t: &&SweepTrial| json!({"number": t.number, "reason": t.reason.lines().next(), "settings": t.settings});
    let failed: Vec<_> = view.trials.iter().filter(|t| t.state == SweepState::Failed).collect();
    let page = render(
        "sweep.html",
        json!({
            "view": view, "title": metric.title(), "best": best, "finished": ranked.len(),
            "headline": ranked.first().map(|t| value(t)), "winner": ranked.first().map(|t| t.number),
            "failed": failed.iter().map(row).collect::<Vec<_>>(),
            "plots": drawn(&figures)?, "synthetic": view.synthetic, "fonts": fonts(),
        }),
    )?;
    write_atomic(folder.join("report.html"), page.as_bytes())
}
