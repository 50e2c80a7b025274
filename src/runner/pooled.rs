//! The files that make a group of folds readable as one run: the folds' test predictions together, and what they took. Seeds of
//! folds are summed up from these.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use ferrotype_run::files::{write_atomic, write_json};
use ferrotype_run::group::Group;
use ferrotype_run::{Provenance, RunFolder};

/// Writes `predictions.csv`, `dataset.json` and `provenance.json` of a group of folds, as far as its finished folds have them.
///
/// # Errors
/// When a file of a fold is broken, or one cannot be written.
pub fn write(folder: &RunFolder, group: &Group) -> Result<()> {
    let runs: Vec<RunFolder> = group
        .run_folders(folder.path())
        .iter()
        .filter_map(|path| RunFolder::open(path).ok())
        .filter(RunFolder::is_finished)
        .collect();
    let Some(first) = runs.first() else { return Ok(()) };
    if runs.iter().all(|run| run.predictions().is_file()) {
        write_atomic(folder.predictions(), predictions(&runs)?.as_bytes())?;
    }
    if first.facts().is_file() {
        let mut facts: Value = first.read_json(&first.facts())?;
        if let Some(Value::Array(notes)) = facts.get_mut("notes") {
            notes.push(
                format!("the sets are those of {}; each of {} folds has its own", first.name(), runs.len()).into(),
            );
        }
        write_json(folder.facts(), &facts)?;
    }
    Provenance::of_all(&runs.iter().map(Provenance::load).collect::<Vec<_>>()).save(folder)
}

/// The tables one below the other, as text: read and written again, probabilities would lose their last digits.
fn predictions(runs: &[RunFolder]) -> Result<String> {
    let mut all = String::new();
    for run in runs {
        let path = run.predictions();
        let text = run.read(&path)?;
        let (head, rows) = text.split_once('\n').with_context(|| format!("{} is empty", path.display()))?;
        if all.is_empty() {
            all = format!("{head}\n");
        }
        ensure!(all.lines().next() == Some(head), "{} has other columns than those of the other folds", path.display());
        all += rows;
    }
    Ok(all)
}
