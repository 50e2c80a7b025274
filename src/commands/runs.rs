//! `ferrotype runs`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ferrotype_run::folder::runs_below;

use super::say;
use crate::systems;
use crate::systems::loaded::any_experiment_of;
use ferrotype_evaluation::Scores;
use ferrotype_report as report;
use ferrotype_run::RunFolder;
use ferrotype_run::history::History;

/// List runs with their scores.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ferrotype runs\n  ferrotype runs --in experiments --json")]
pub struct RunsCommand {
    /// The folder of runs.
    #[arg(long = "in", value_name = "FOLDER", default_value = "runs")]
    folder: PathBuf,
    /// Print one JSON object per run.
    #[arg(long)]
    json: bool,
}

/// One line of the list.
#[derive(serde::Serialize)]
struct Row {
    run: String,
    model: String,
    state: String,
    accuracy: Option<f64>,
    uar: Option<f64>,
    macro_f1: Option<f64>,
}

impl RunsCommand {
    /// Prints the list.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn run(self) -> Result<()> {
        let rows: Vec<Row> = runs_below(&self.folder)?.into_iter().map(|(name, run)| row(name, &run)).collect();
        if self.json {
            for row in &rows {
                say(serde_json::to_string(row)?)?;
            }
            return Ok(());
        }
        if rows.is_empty() {
            say(format_args!("no runs in {}", self.folder.display()))?;
            return Ok(());
        }
        let width = rows.iter().map(|r| r.run.chars().count()).max().unwrap_or(3).max(3);
        say(format_args!(
            "{:<width$}  {:<16} {:<22} {:>8} {:>8} {:>8}",
            "run", "model", "state", "acc %", "UAR %", "F1 %"
        ))?;
        for r in &rows {
            let share = |v: Option<f64>| v.map_or_else(|| "-".into(), |v| format!("{:.2}", 100.0 * v));
            let (a, u, f) = (share(r.accuracy), share(r.uar), share(r.macro_f1));
            say(format_args!("{:<width$}  {:<16} {:<22} {a:>8} {u:>8} {f:>8}", r.run, r.model, r.state))?;
        }
        Ok(())
    }
}

/// A run that cannot be read still has its line: the list is where one looks for what is wrong.
fn row(name: String, run: &RunFolder) -> Row {
    let model = match any_experiment_of(run) {
        Ok(experiment) => systems::of(&experiment).model(),
        Err(_) => "?".into(),
    };
    let scores: Option<Scores> = report::read_metrics(run.scores()).ok().and_then(|mut sets| sets.remove("test"));
    // Other systems have other measures than this list shows.
    let is_other = model == "anomalies" && run.is_finished();
    let value = |metric: &str| scores.as_ref()?.metrics.get(metric).map(|s| s.value);
    Row {
        run: name,
        model,
        state: if scores.is_some() || is_other { "finished".into() } else { unfinished(run) },
        accuracy: value("accuracy"),
        uar: value("uar"),
        macro_f1: value("macro_f1"),
    }
}

/// How far a run is that is not finished, in words.
pub(crate) fn unfinished(run: &RunFolder) -> String {
    if run.is_imported() {
        return "imported".into();
    }
    let history = History::read(run.history()).unwrap_or_default();
    match (history.epochs.last(), history.steps.last()) {
        (Some(e), Some(s)) if s.step <= e.step => format!("stopped after epoch {}", e.epoch),
        (_, Some(s)) => format!("stopped in epoch {}", s.epoch as u64 + 1),
        (Some(e), None) => format!("stopped after epoch {}", e.epoch),
        // Steps are recorded now and then only.
        (None, None) if run.last_checkpoint().is_file() => "stopped in epoch 1".into(),
        (None, None) => "not begun".into(),
    }
}
