//! The files that make a group of folds readable as one run: the folds' test predictions together, and what they took. Seeds of
//! folds are summed up from these.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use ferrotype_run::files::{write_atomic, write_json};
use ferrotype_run::group::Group;
use ferrotype_run::provenance::in_one;
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
        write_json(folder.facts(), &facts(first, &runs)?)?;
    }
    Provenance::of_all(&runs.iter().map(Provenance::load).collect::<Vec<_>>()).save(folder)
}

/// What is known of the data: the first fold's sets; of all folds, which each test other rows, what they were made of and what
/// speaks against their scores.
fn facts(first: &RunFolder, runs: &[RunFolder]) -> Result<Value> {
    let mut facts: Value = first.read_json(&first.facts())?;
    if let Some(Value::Array(notes)) = facts.get_mut("notes") {
        notes.push(format!("the sets are those of {}; each of {} folds has its own", first.name(), runs.len()).into());
    }
    let (mut sums, mut seen, mut unknown) = (Vec::new(), 0, Vec::new());
    for run in runs.iter().filter(|run| run.facts().is_file()) {
        let own: Value = run.read_json(&run.facts())?;
        sums.extend(own["sha256"].as_str().map(str::to_owned));
        seen += own["test_seen_before"].as_u64().unwrap_or(0);
        for origin in own["unknown_origins"].as_array().into_iter().flatten() {
            if !unknown.contains(origin) {
                unknown.push(origin.clone());
            }
        }
    }
    let all = [
        ("sha256", Value::from(in_one(sums.iter().map(String::as_str)))),
        ("test_seen_before", seen.into()),
        ("unknown_origins", unknown.into()),
    ];
    for (key, value) in all {
        // A system whose runs do not say it has no such key.
        if let Some(place) = facts.get_mut(key) {
            *place = value;
        }
    }
    Ok(facts)
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

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_run::group::GroupAxis;
    use ferrotype_run::provenance::data_sha256;
    use serde_json::json;

    #[test]
    fn what_differs_between_folds_is_not_hidden_behind_the_first() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(place.path()).unwrap();
        let group = Group::of(GroupAxis::Fold, vec![0, 1, 2]);
        let of = [("1f", 2, json!([])), ("2e", 3, json!(["w"])), ("1f", 0, json!(["w"]))];
        for (fold, (sha256, seen, unknown)) in (0..).zip(of) {
            let run = RunFolder::create_at(&group.member(place.path(), fold)).unwrap();
            let facts = json!({
                "sha256": sha256, "sizes": [4, 0, fold], "test_seen_before": seen, "unknown_origins": unknown, "notes": [],
            });
            write_json(run.facts(), &facts).unwrap();
            write_json(run.scores(), &json!({})).unwrap();
            std::fs::write(run.config(), "").unwrap();
        }
        write(&folder, &group).unwrap();
        let facts: Value = folder.read_json(&folder.facts()).unwrap();
        assert_eq!(data_sha256(&folder), ["1f", "2e"]);
        assert_eq!((&facts["test_seen_before"], &facts["unknown_origins"]), (&json!(5), &json!(["w"])));
        assert_eq!(facts["sizes"], json!([4, 0, 0]));
    }
}
