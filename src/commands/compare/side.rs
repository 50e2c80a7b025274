//! A run or a group of runs as one side of a comparison: decisions for test rows, whatever system made them.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::systems::loaded::any_experiment_of;
use ferrotype_evaluation::Decisions;
use ferrotype_report::predictions;
use ferrotype_run::RunFolder;
use ferrotype_run::group::{Group, GroupAxis};
use ferrotype_run::provenance::{data_sha256, in_one};

/// One side.
pub struct Side {
    /// The folder as it was named.
    pub name: String,
    /// What the members of a group differ by.
    pub over: Option<GroupAxis>,
    /// Its runs; of folds one that holds them all.
    pub members: Vec<Member>,
    /// What is to be known of its scores.
    pub cautions: Vec<String>,
}

/// One run of a side, or all folds of it.
pub struct Member {
    /// `seed 3`, `6 folds`; empty for a single run.
    pub label: String,
    /// Its seed within a group of seeds.
    pub seed: Option<u64>,
    /// What it decided.
    pub decisions: Decisions,
    /// sha256 of the data it was scored on, where the run tells.
    data: Option<String>,
}

impl Side {
    /// Reads a run or a group.
    ///
    /// # Errors
    /// When there is none, or a run is not finished or has no predictions.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = RunFolder::open(path)?;
        let name = path.display().to_string();
        let group = Group::open(path)?;
        let cautions = cautions(&folder);
        let Some(group) = group else {
            let members = vec![member(&folder, String::new(), None)?];
            return Ok(Self { name, over: None, members, cautions });
        };
        let is_finished =
            |value: u64| RunFolder::open(&group.member(path, value)).is_ok() && group.is_member_finished(path, value);
        let unfinished = group.values.iter().filter(|&&value| !is_finished(value)).count();
        ensure!(
            unfinished == 0,
            "{unfinished} of the {} {}s of {name} are not finished: go on with `ferrotype train --resume {name}`",
            group.values.len(),
            group.axis.as_str()
        );
        let mut members = Vec::new();
        for &value in &group.values {
            let run = RunFolder::open(&group.member(path, value))?;
            let label = format!("{} {value}", group.axis.as_str());
            members.push(member(&run, label, (group.axis == GroupAxis::Seed).then_some(value))?);
        }
        let over = Some(group.axis);
        if group.axis == GroupAxis::Fold {
            let label = format!("{} folds", members.len());
            let data = Some(in_one(members.iter().filter_map(|m| m.data.as_deref()))).filter(|all| !all.is_empty());
            let parts = members.into_iter().map(|m| m.decisions).collect();
            let decisions = Decisions::pool(parts).with_context(|| format!("cannot pool the folds of {name}"))?;
            members = vec![Member { label, seed: None, decisions, data }];
        }
        Ok(Self { name, over, members, cautions })
    }

    /// What each member decided.
    pub fn decisions(&self) -> Vec<Decisions> {
        self.members.iter().map(|m| m.decisions.clone()).collect()
    }
}

fn member(run: &RunFolder, label: String, seed: Option<u64>) -> Result<Member> {
    let name = run.path().display();
    if run.is_imported() && !run.is_finished() {
        bail!("{name} was imported and holds no test predictions: there is nothing to compare");
    }
    ensure!(run.is_finished(), "{name} is not finished: go on with `ferrotype train --resume {name}`");
    ensure!(
        run.predictions().is_file(),
        "{name} has no predictions.csv: it is of a system that does not classify, or a published copy, which leaves its \
         predictions behind; name the run itself"
    );
    Ok(Member { label, seed, decisions: predictions::read_decisions(run.predictions())?, data: data(run) })
}

/// The sha256 of the data that a run was scored on: of whatever system, by what its folder says.
fn data(run: &RunFolder) -> Option<String> {
    let all = data_sha256(run);
    (!all.is_empty()).then(|| in_one(all.iter().map(String::as_str)))
}

/// Whether both sides were scored on the same data; gives what is to be known where a side does not tell.
///
/// # Errors
/// When they were not.
pub fn same_data(first: &Side, second: &Side) -> Result<Vec<String>> {
    let all: Vec<(&Side, &Member)> =
        [first, second].into_iter().flat_map(|side| side.members.iter().map(move |m| (side, m))).collect();
    let known: Vec<(&Side, &String)> = all.iter().filter_map(|(s, m)| Some((*s, m.data.as_ref()?))).collect();
    if let Some(((a, x), (b, y))) = known.first().zip(known.iter().find(|(_, sha)| *sha != known[0].1)) {
        bail!(
            "{} and {} were not scored on the same data: the sha256 of the pictures is {} there and {} here. Rows of \
             different data cannot be paired",
            a.name,
            b.name,
            short(x),
            short(y)
        );
    }
    let unknown = known.len() < all.len();
    let note = "a run does not say which data it was scored on: rows were paired by number and true class alone";
    Ok(unknown.then(|| note.to_owned()).into_iter().collect())
}

fn short(sha: &str) -> String {
    sha.chars().take(12).collect()
}

fn cautions(run: &RunFolder) -> Vec<String> {
    let optimistic = any_experiment_of(run).is_ok_and(|e| e.is_selected_on_test());
    let text = "its weights were selected on the test set, so its score is optimistic";
    let mut all: Vec<String> = optimistic.then(|| text.to_owned()).into_iter().collect();
    let facts: Option<Value> =
        std::fs::read_to_string(run.facts()).ok().and_then(|text| serde_json::from_str(&text).ok());
    if let Some(seen) = facts.and_then(|f| f["test_seen_before"].as_u64()).filter(|&n| n > 0) {
        all.push(format!(
            "the weights or teachers it builds on have seen {seen} test rows, so its score is optimistic"
        ));
    }
    all
}
