//! The reports of a run and of a group of runs.

use anyhow::Result;

use super::heads;
use super::parts;
use super::view;
use crate::config::Experiment;
use crate::systems::Summary;
use crate::systems::loaded::experiment_of;
use ferrotype_data::options::DataOptions;
use ferrotype_evaluation::metrics::{self, format_value};
use ferrotype_evaluation::{Scores, aggregate};
use ferrotype_report as report;
use ferrotype_report::terminal::format_score;
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;

/// Builds the report of a finished run; gives its last lines.
///
/// # Errors
/// When a file of the run is missing or broken, or the report cannot be written.
pub fn report_run(run: &RunFolder) -> Result<String> {
    if !experiment_of(run)?.heads.is_empty() {
        return heads::report_run(run, run.path());
    }
    let view = view::of_run(run)?;
    // predictions.csv stays as it is: read and written again, its probabilities would lose their last digits.
    let path = report::write_run(run.path(), &view, None)?;
    Ok(report::terminal::summary_for_stdout(&view, &path.display().to_string()))
}

/// Builds the report of a group of runs; gives the result.
///
/// # Errors
/// When no run of the group is finished, or a file is broken.
pub fn report_group(experiment: &Experiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
    group_summary(view::Described::of(experiment), &experiment.data, folder, group)
}

/// As [`report_group`], of runs of any experiment that tells rows of a prepared file apart.
pub(crate) fn group_summary(
    described: view::Described<'_>,
    data: &DataOptions,
    folder: &RunFolder,
    group: &Group,
) -> Result<Summary> {
    let view = view::of_group(described, folder, group)?;
    let path = report::write_aggregate(folder.path(), &view)?;
    let scores: Vec<Scores> = view.runs.iter().map(|r| r.scores.clone()).collect();
    let sum = aggregate(&scores)?;
    // Of heads the mean over folds leads, as the benchmarks of action units have it.
    let is_pooled = view.pooled.as_ref().is_some_and(|pooled| pooled.heads.is_empty());
    let scored = if is_pooled { ", their rows scored together" } else { "" };
    let mut lines = vec![format!("{}: {} {}s{scored}", view.name, sum.runs, view.over)];
    for metric in metrics::all() {
        let Some(spread) = sum.metrics.get(metric.name()) else { continue };
        let show = |v: f64| format_value(*metric, v);
        if let Some(pooled) = view.pooled.as_ref().and_then(|p| p.metrics.get(metric.name())) {
            // The folds' rows scored once. A mean over folds of few rows, such as single people, is another figure, and its spread
            // is no interval of the score.
            let (score, folds) = (format_score(metric.name(), pooled), spread.values.len());
            lines.push(format!("  {:<28} {score}; mean over {folds} folds {}", metric.title(), show(spread.mean)));
            continue;
        }
        let mut line = format!("  {:<28} mean {}", metric.title(), show(spread.mean));
        if let (Some(sd), Some([low, high])) = (spread.sd, spread.interval) {
            line += &format!(", sd {}, 95 % interval {} to {}", show(sd), show(low), show(high));
        }
        lines.push(line);
    }
    for (name, spread) in sum.metrics.iter().filter(|(name, _)| name.contains('.')) {
        let Some(about) = metrics::about(name) else { continue };
        let head = name.split('.').next().unwrap_or_default();
        let mut line = format!("  {:<28} mean {}", format!("{head} {}", about.title), about.format(spread.mean));
        if let Some(sd) = spread.sd {
            line += &format!(", sd {}", about.format(sd));
        }
        if let Some(pooled) = view.pooled.as_ref().and_then(|p| p.metrics.get(name)) {
            line += &format!(", over all folds {}", about.format(pooled.value));
        }
        lines.push(line);
    }
    lines.extend(parts::write(data, folder, group)?);
    lines.extend(view.warnings.iter().filter(|w| w.serious).map(|w| format!("warning: {}", w.text)));
    lines.push(format!("report  {}", path.display()));
    let json = serde_json::json!({
        "event": "group_result", "run": folder.path(), "over": view.over, "runs": sum.runs, "scores": sum.metrics,
        "pooled": view.pooled.as_ref().map(|p| &p.metrics),
    });
    Ok(Summary { text: lines.join("\n"), json })
}
