//! The report's files in the run folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::figure::Figure;
use super::html;
use super::plots;
use super::predictions;
use super::view::{AggregateView, RunView};
use ferrotype_evaluation::{Predictions, Scores, aggregate};
use ferrotype_run::files::{explain, write_atomic};

/// Writes everything that the run's folder shows of its result: `plots/*.svg` and `*.png`, `metrics.json`,
/// `predictions.csv` (where the test predictions are given) and `report.html`, whose path is returned.
///
/// # Errors
/// When a file cannot be written, or a picture does not fit its size.
pub fn write_run(folder: impl AsRef<Path>, run: &RunView, test: Option<&Predictions>) -> Result<PathBuf> {
    let folder = folder.as_ref();
    let figures = run_figures(run)?;
    write_figures(&folder.join("plots"), &figures)?;
    let sets = [("validation", &run.validation), ("test", &run.test)];
    let sets = sets.into_iter().filter_map(|(name, scores)| Some((name.to_string(), scores.clone()?))).collect();
    write_metrics(folder.join("metrics.json"), &sets)?;
    if let Some(test) = test {
        predictions::write(folder.join("predictions.csv"), test)?;
    }
    // Last, so that a report never shows what the folder lacks.
    let report = folder.join("report.html");
    write_atomic(&report, html::run_page(run, &figures)?.as_bytes())?;
    Ok(report)
}

/// Writes `aggregate.json` and `report.html` of several seeds or folds, and the plots of pooled folds; returns the
/// report's path.
///
/// # Errors
/// When there are no runs, or a file cannot be written.
pub fn write_aggregate(folder: impl AsRef<Path>, view: &AggregateView) -> Result<PathBuf> {
    let folder = folder.as_ref();
    fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
    let scores: Vec<Scores> = view.runs.iter().map(|r| r.scores.clone()).collect();
    let sum = aggregate(&scores)?;
    write_atomic(folder.join("aggregate.json"), &json(&sum)?)?;
    let figures = match &view.pooled {
        Some(pooled) if pooled.heads.is_empty() => score_figures(pooled),
        // Of heads the table says what there is to say; each run has its own plots.
        _ => Vec::new(),
    };
    if let Some(pooled) = &view.pooled {
        write_figures(&folder.join("plots"), &figures)?;
        write_metrics(folder.join("metrics.json"), &BTreeMap::from([("pooled".to_string(), pooled.clone())]))?;
    }
    let report = folder.join("report.html");
    write_atomic(&report, html::aggregate_page(view, &sum, &figures)?.as_bytes())?;
    Ok(report)
}

/// Writes `metrics.json`: scores by the name of their set.
///
/// # Errors
/// When the file cannot be written.
pub fn write_metrics(path: impl AsRef<Path>, sets: &BTreeMap<String, Scores>) -> Result<()> {
    write_atomic(path, &json(sets)?)
}

/// Reads `metrics.json` again.
///
/// # Errors
/// When the file cannot be read or is not of that form.
pub fn read_metrics(path: impl AsRef<Path>) -> Result<BTreeMap<String, Scores>> {
    let path = path.as_ref();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!("{} does not hold the scores of a run; `ferrotype eval` writes them anew", path.display())
    })
}

/// The test scores in `metrics.json` of a run, or those of all folds together in that of a group of folds.
///
/// # Errors
/// As [`read_metrics`].
pub fn read_test_scores(path: impl AsRef<Path>) -> Result<Option<Scores>> {
    let mut sets = read_metrics(path)?;
    Ok(sets.remove("test").or_else(|| sets.remove("pooled")))
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).context("scores cannot be written as JSON")?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn run_figures(run: &RunView) -> Result<Vec<(&'static str, Figure)>> {
    let mut figures = Vec::new();
    if !run.history.epochs.is_empty() || !run.history.steps.is_empty() {
        let best = run.selection.as_ref().map(|s| s.epoch);
        figures.push(("loss", plots::loss_curves(&run.history)));
        figures.push(("accuracy", plots::accuracy_curves(&run.history, best)));
        figures.push(("learning_rate", plots::learning_rate(&run.history)));
    }
    if let Some(test) = run.test.as_ref().or(run.validation.as_ref()) {
        figures.extend(score_figures(test));
    }
    if !run.mistakes.is_empty() {
        figures.push(("mistakes", plots::mistakes(&run.mistakes)?));
    }
    Ok(figures)
}

fn score_figures(scores: &Scores) -> Vec<(&'static str, Figure)> {
    vec![
        ("confusion_matrix", plots::confusion_matrix(scores)),
        ("per_class", plots::per_class(scores)),
        ("reliability", plots::reliability(scores)),
    ]
}

/// Writes each figure as SVG and PNG.
pub(super) fn write_figures<N: std::fmt::Display>(folder: &Path, figures: &[(N, Figure)]) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
    for (name, figure) in figures {
        write_atomic(folder.join(format!("{name}.svg")), figure.svg()?.as_bytes())?;
        write_atomic(folder.join(format!("{name}.png")), &figure.png()?)?;
    }
    Ok(())
}
