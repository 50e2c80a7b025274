//! Several runs side by side: seeds of one experiment, or the points of a grid.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::files::AnomalyScores;
use crate::systems::{Summary, mixture};
use ferrotype_base::statistics::moments;
use ferrotype_run::RunFolder;
use ferrotype_run::files::{write_atomic, write_json};
use ferrotype_run::group::Group;

/// A detector and method over several runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The detector.
    pub detector: String,
    /// `lstm_autoencoder` or a baseline.
    pub method: String,
    /// Runs.
    pub runs: usize,
    /// By measure: mean and standard deviation (divisor n - 1; none for a single run).
    pub measures: BTreeMap<String, (f64, Option<f64>)>,
}

/// Measures of all finished runs, by detector and method.
///
/// # Errors
/// When no run is finished, or one is damaged.
pub fn compare(runs: &[RunFolder]) -> Result<Vec<Compared>> {
    let mut all: BTreeMap<(String, String), BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    let mut finished = 0;
    for run in runs.iter().filter(|run| run.is_finished()) {
        finished += 1;
        let scores = AnomalyScores::load(run)?;
        for d in scores.detectors {
            let own = all.entry((d.name.clone(), "lstm_autoencoder".into())).or_default();
            own.entry("validation_error".into()).or_default().push(d.validation_error);
            for (method, v) in d.detection {
                let of = all.entry((d.name.clone(), method)).or_default();
                let measures = [
                    ("auroc", v.auroc),
                    ("average_precision", v.average_precision),
                    ("precision_at_n", v.precision_at_n),
                    ("recall_at_n", v.recall_at_n),
                ];
                measures.into_iter().for_each(|(name, value)| of.entry(name.into()).or_default().push(value));
                for (kind, value) in v.auroc_by_kind {
                    of.entry(format!("auroc_{kind}")).or_default().push(value);
                }
            }
        }
    }
    ensure!(finished > 0, "none of the runs is finished");
    let summed = all.into_iter().map(|((detector, method), values)| Compared {
        detector,
        method,
        runs: finished,
        measures: values.into_iter().map(|(name, v)| (name, spread(&v))).collect(),
    });
    Ok(summed.collect())
}

fn spread(values: &[f64]) -> (f64, Option<f64>) {
    let (mean, sd) = moments(values);
    let n = values.len() as f64;
    (mean, (values.len() > 1).then(|| sd * (n / (n - 1.0)).sqrt()))
}

/// A table for the terminal and for Markdown. `label` names the experiment in the first column.
pub fn text(label: &str, rows: &[Compared]) -> String {
    let cell = |row: &Compared, name: &str, digits: usize| match row.measures.get(name) {
        Some((mean, Some(sd))) => format!("{mean:.digits$} ± {sd:.digits$}"),
        Some((mean, None)) => format!("{mean:.digits$}"),
        None => "-".into(),
    };
    let kinds: Vec<String> = {
        let mut all: Vec<String> =
            rows.iter().flat_map(|r| r.measures.keys()).filter(|k| k.starts_with("auroc_")).cloned().collect();
        all.sort();
        all.dedup();
        all
    };
    let mut out = String::new();
    for row in rows {
        let mut cells = vec![label.to_owned(), row.detector.clone(), row.method.clone(), row.runs.to_string()];
        cells.extend(["auroc", "average_precision", "precision_at_n", "recall_at_n"].map(|m| cell(row, m, 3)));
        cells.extend(kinds.iter().map(|m| cell(row, m, 3)));
        cells.push(row.measures.get("validation_error").map_or_else(|| "-".into(), |(mean, _)| format!("{mean:.2e}")));
        out += &format!("| {} |\n", cells.join(" | "));
    }
    let mut heads =
        ["experiment", "detector", "score", "runs", "AUROC", "AP", "P@N", "R@N"].map(str::to_owned).to_vec();
    heads.extend(kinds.iter().map(|k| k.replace("auroc_", "AUROC ")));
    heads.push("validation error".into());
    format!("| {} |\n|{}\n{out}", heads.join(" | "), "---|".repeat(heads.len()))
}

/// Writes the table of a group of seeds; gives the result as one JSON object, and as its last lines.
///
/// # Errors
/// When no run of the group is finished, or a file is broken.
pub fn report_group(folder: &RunFolder, group: &Group) -> Result<Summary> {
    let member = |&value: &u64| Some((value, RunFolder::open(&group.member(folder.path(), value)).ok()?));
    let members: Vec<(u64, RunFolder)> = group.values.iter().filter_map(member).collect();
    let runs: Vec<RunFolder> = members.iter().map(|(_, run)| run.clone()).collect();
    let rows = compare(&runs)?;
    let finished: Vec<(u64, RunFolder)> = members.into_iter().filter(|(_, run)| run.is_finished()).collect();
    let mut table = text(&folder.name(), &rows);
    for warning in mixture::warnings(group.axis, &finished) {
        table += &format!("\n{}\n", warning.text);
    }
    write(folder.path(), &rows, &table)?;
    let json = serde_json::json!({ "event": "group_result", "run": folder.path(), "runs": runs.len(), "scores": rows });
    let text = format!("{table}table   {}", folder.path().join("anomalies.md").display());
    Ok(Summary { text, json })
}

/// Writes `aggregate.json` and `anomalies.md`.
fn write(folder: &Path, rows: &[Compared], table: &str) -> Result<()> {
    write_json(folder.join("aggregate.json"), rows)?;
    write_atomic(folder.join("anomalies.md"), table.as_bytes())
}
