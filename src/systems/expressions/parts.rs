//! Scores of each dataset of a set that is made of several, over all folds, with intervals over people.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use ferrotype_data::options::DataOptions;
use ferrotype_data::store;
use ferrotype_evaluation::parts::{PartScores, score_parts};
use ferrotype_evaluation::statistics::{deviation, mean};
use ferrotype_report::predictions;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;
use ferrotype_run::group::{Group, GroupAxis};

/// The file of a group's scores by dataset.
const FILE: &str = "parts.json";

/// Where it stands in a group, or in a group's member that is a group of folds.
pub(crate) fn file(folder: &RunFolder) -> PathBuf {
    folder.path().join(FILE)
}

/// A part's scores over several seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverSeeds {
    /// The dataset; `all` for all rows.
    pub part: String,
    /// Seeds.
    pub seeds: usize,
    /// UF1.
    pub uf1: Spread,
    /// The unweighted average recall.
    pub uar: Spread,
}

/// A figure over seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation (n - 1); none of one seed.
    pub sd: Option<f64>,
}

/// Scores the parts of a group, writes them into its folder, and gives lines for the terminal. Nothing for sets of a single
/// dataset, or while the prepared file is not at hand.
///
/// # Errors
/// When a file of the group is broken.
pub fn write(data: &DataOptions, folder: &RunFolder, group: &Group) -> Result<Vec<String>> {
    match group.axis {
        GroupAxis::Fold => of_folds(data, folder),
        GroupAxis::Seed => over_seeds(folder, group),
    }
}

fn of_folds(data: &DataOptions, folder: &RunFolder) -> Result<Vec<String>> {
    if !data.path.is_file() || data.clips.is_some() {
        return Ok(Vec::new());
    }
    let faces = store::summary(&data.path)?;
    let (Some(groups), Some(subjects)) = (&faces.groups, &faces.subjects) else { return Ok(Vec::new()) };
    let all = predictions::read(folder.predictions())?;
    let (parts, people) = (names(groups, &all.rows)?, names(subjects, &all.rows)?);
    let scores = score_parts(&all, &parts, &people)?;
    write_json(file(folder), &scores)?;
    Ok(scores.iter().map(line).collect())
}

/// The names of these rows.
fn names<'n>(of: &'n [String], rows: &[u32]) -> Result<Vec<&'n str>> {
    let name = |&row: &u32| {
        of.get(row as usize).map(String::as_str).with_context(|| format!("row {row} is not in the data file"))
    };
    rows.iter().map(name).collect()
}

fn line(s: &PartScores) -> String {
    format!(
        "  {:<10} UF1 {:.4} ({:.4} to {:.4})  UAR {:.4} ({:.4} to {:.4})  {} clips of {} people",
        s.part,
        s.uf1.value,
        s.uf1.interval[0],
        s.uf1.interval[1],
        s.uar.value,
        s.uar.interval[0],
        s.uar.interval[1],
        s.rows,
        s.people
    )
}

fn over_seeds(folder: &RunFolder, group: &Group) -> Result<Vec<String>> {
    let mut all: Vec<Vec<PartScores>> = Vec::new();
    for &value in &group.values {
        let path = group.member(folder.path(), value).join(FILE);
        if path.is_file() && group.is_member_finished(folder.path(), value) {
            all.push(folder.read_json(&path)?);
        }
    }
    let Some(first) = all.first() else { return Ok(Vec::new()) };
    let spread = |part: &str, of: fn(&PartScores) -> f64| {
        let values: Vec<f64> = all.iter().flatten().filter(|s| s.part == part).map(of).collect();
        Spread { mean: mean(&values).unwrap_or(0.0), sd: deviation(&values).filter(|_| values.len() > 1) }
    };
    let of_part = |s: &PartScores| OverSeeds {
        part: s.part.clone(),
        seeds: all.len(),
        uf1: spread(&s.part, |s| s.uf1.value),
        uar: spread(&s.part, |s| s.uar.value),
    };
    let sums: Vec<OverSeeds> = first.iter().map(of_part).collect();
    write_json(file(folder), &sums)?;
    if all.len() == 1 {
        return Ok(first.iter().map(line).collect());
    }
    let figure = |s: Spread| format!("{:.4} ± {:.4}", s.mean, s.sd.unwrap_or(0.0));
    let line = |s: &OverSeeds| {
        format!("  {:<10} UF1 {}  UAR {}  over {} seeds", s.part, figure(s.uf1), figure(s.uar), s.seeds)
    };
    Ok(sums.iter().map(line).collect())
}
