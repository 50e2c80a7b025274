//! What a study has come to: status, the best trial, the table.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use ferrotype_sweep::study::{Snapshot, State, Study};
use ferrotype_sweep::table;

use super::super::inputs::{CSV, Inputs, YAML};
use super::super::say;
use super::{cluster, page};
use crate::config;
use ferrotype_run::files::write_atomic;

/// Prints how the trials stand.
///
/// # Errors
/// When the study cannot be read.
pub fn status(study: &Study, json: bool) -> Result<()> {
    let snapshot = study.snapshot()?;
    let jobs = cluster::jobs(study)?;
    if json {
        let mut value = table::json(study, &snapshot);
        value["jobs"] = serde_json::to_value(&jobs)?;
        return say(value);
    }
    say(table::text(study, &snapshot))?;
    match jobs {
        None => say("Slurm's commands are not at hand here: its jobs are not shown"),
        Some(jobs) => jobs.iter().try_for_each(|j| say(format_args!("job {}  {:<10}  {}", j.job, j.state, j.place))),
    }
}

/// Prints the best trial's experiment, or writes it.
///
/// # Errors
/// When no trial is finished, or the file cannot be written.
pub fn best(study: &Study, out: Option<&Path>) -> Result<()> {
    inputs(study).spare(&[("--out", out, YAML)])?;
    if let Some(path) = out {
        spare_experiments(path)?;
    }
    let snapshot = study.snapshot()?;
    let Some(text) = best_yaml(study, &snapshot)? else {
        bail!("no trial of {} is finished yet: {}", study.folder().display(), table::summary(study, &snapshot));
    };
    match out {
        Some(path) => {
            write_atomic(path, text.as_bytes())?;
            say(format_args!("{}\nwritten to {}", table::summary(study, &snapshot), path.display()))
        }
        None => say(text.trim_end()),
    }
}

/// What makes up the study; the best trial's file, tables and the report are its results.
fn inputs(study: &Study) -> Inputs {
    let is_result =
        |path: &PathBuf| path.extension().is_some_and(|e| e == "csv" || e == "html") || path.ends_with("best.yaml");
    let entries = std::fs::read_dir(study.folder()).into_iter().flatten().flatten().map(|entry| entry.path());
    let own: Vec<PathBuf> = entries.filter(|path| !is_result(path)).collect();
    Inputs::new().paths("the study", &own)
}

/// Refuses to replace an experiment or sweep file that was not written here.
fn spare_experiments(path: &Path) -> Result<()> {
    let Ok(there) = std::fs::read(path) else { return Ok(()) };
    ensure!(
        there.is_empty() || there.starts_with(BEST.as_bytes()),
        "--out {} is there already and is no file that `ferrotype sweep best` wrote: choose another name, or remove it first",
        path.display()
    );
    Ok(())
}

/// How the file of a best trial begins.
const BEST: &str = "# Trial ";

/// The best trial's experiment as a file that `ferrotype train` takes; none where no trial is finished.
///
/// # Errors
/// When the study was damaged.
pub fn best_yaml(study: &Study, snapshot: &Snapshot) -> Result<Option<String>> {
    let ranking = snapshot.ranking(study.objective().goal);
    let Some(best) = ranking.first() else { return Ok(None) };
    let experiment = config::trial_experiment(study.frozen(), &best.values)?;
    let name = format!("{}-best", study.options().name);
    let experiment = experiment.renamed(name, study.options().seeds.first().copied());
    let seeds = study.seeds();
    let head = format!(
        "{BEST}{} of the sweep {}: the best of {} finished ones by validation {} ({:.4}{}).\n# {}\n",
        best.number,
        study.options().name,
        ranking.len(),
        study.objective().metric,
        best.value.unwrap_or(f64::NAN),
        if seeds > 1 { format!(", mean over {seeds} seeds") } else { String::new() },
        table::settings(best),
    );
    Ok(Some(head + &experiment.to_yaml()))
}

/// Writes the table of trials.
///
/// # Errors
/// When it cannot be written.
pub fn export(study: &Study, out: Option<&Path>) -> Result<()> {
    inputs(study).spare(&[("--out", out, CSV)])?;
    let bytes = table::csv(study, &study.snapshot()?)?;
    match out {
        Some(path) => {
            write_atomic(path, &bytes)?;
            say(format_args!("written to {}", path.display()))
        }
        None => say(String::from_utf8_lossy(&bytes).trim_end()),
    }
}

/// Builds the report, and prints the result's lines.
///
/// # Errors
/// When the study cannot be read, or a file cannot be written.
pub fn report(study: &Study) -> Result<()> {
    let snapshot = study.snapshot()?;
    page::write(study, &snapshot)?;
    result(study, &snapshot)
}

/// The last lines of a sweep.
///
/// # Errors
/// When nobody reads them.
pub fn result(study: &Study, snapshot: &Snapshot) -> Result<()> {
    say(table::summary(study, snapshot))?;
    for t in snapshot.ranking(study.objective().goal).iter().take(3) {
        say(format_args!("  trial {:>4}  {:.4}  {}", t.number, t.value.unwrap_or(f64::NAN), table::settings(t)))?;
    }
    let failed = snapshot.count(State::Failed);
    if failed > 0 {
        say(format_args!("{failed} trials failed: `ferrotype sweep status {}` says why", study.folder().display()))?;
    }
    let folder = study.folder();
    if folder.join("best.yaml").is_file() {
        say(format_args!("best    {}", folder.join("best.yaml").display()))?;
    }
    say(format_args!("report  {}", folder.join("report.html").display()))
}
