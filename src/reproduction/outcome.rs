//! What came of a run, or a group of runs, by its folder alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_base::digest::sha256;
use serde_json::Value;

use super::mark::{Mark, RecipeComparison};
use crate::config::SelectOn;
use crate::config::{AnyExperiment, read_any};
use ferrotype_evaluation::{Score, Scores, aggregate};
use ferrotype_report::{read_metrics, read_test_scores};
use ferrotype_run::group::{Group, GroupAxis};
use ferrotype_run::history::History;
use ferrotype_run::provenance::data_sha256;
use ferrotype_run::{Provenance, RunFolder};

/// How far a run has come that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// The epochs that it has done.
    Epochs(u64),
    /// Of a seed with folds: how many are finished, of how many.
    Folds(usize, usize),
}

/// A run or a group of runs, finished or not.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The folder.
    pub folder: PathBuf,
    /// What it repeats, if it does.
    pub mark: Option<Mark>,
    /// How it stands to the full recipe: as the mark says, or anew by the registry (see [`Outcome::judge_by`]).
    pub comparison: RecipeComparison,
    /// What the runs of a group differ by.
    pub over: Option<GroupAxis>,
    /// Folds of each seed, where there are some.
    pub folds: Option<usize>,
    /// The metric.
    pub metric: String,
    /// Each finished run's value.
    pub values: Vec<f64>,
    /// Of seeds the mean, of folds the pooled value.
    pub value: Option<f64>,
    /// Standard deviation over seeds.
    pub sd: Option<f64>,
    /// 95 %: over seeds Student's, of a single run or pooled folds over test rows.
    pub interval: Option<[f64; 2]>,
    /// Test rows.
    pub rows: u64,
    /// Runs that are not finished, with what they have come to.
    pub unfinished: Vec<Unfinished>,
    /// Whether the weights were selected on the rows that were scored.
    pub selected_on: SelectOn,
    /// Whether the pictures are synthetic.
    pub synthetic: bool,
    /// Test rows whose picture the weights or teachers that training builds on have seen; of seeds the most of one.
    pub seen_before: u64,
    /// Weights that training builds on of which nobody knows what they were trained on.
    pub unknown_origins: Vec<String>,
    /// Run time in seconds, summed over all finished runs: those that were trained at a time count each.
    pub wall_seconds: f64,
    /// Processor seconds of all finished runs together; none where one does not tell, or was resumed, of which only the
    /// last part is known.
    pub processor_seconds: Option<f64>,
    /// Joules of all finished runs together; none where one does not tell, or was resumed, or two were trained at a time: each
    /// counts the whole machine.
    pub energy_joules: Option<f64>,
    /// Where the finished runs were computed, each place once.
    pub devices: Vec<String>,
    /// The commits of the builds that computed, each once.
    pub builds: Vec<String>,
    /// sha256 of the data of the finished runs, each once: more than one where they do not belong together.
    pub data: Vec<String>,
    /// sha256 of the resolved experiment file.
    pub config: String,
    /// The resolved experiment.
    pub experiment: AnyExperiment,
}

/// Reads a folder; by `metric` its test sets are judged. None where no test score of a classifier can be expected there.
///
/// # Errors
/// When a file is broken.
pub fn outcome(folder: &Path, metric: &str) -> Result<Option<Outcome>> {
    let run = RunFolder::open(folder)?;
    let text = run.read(&run.config())?;
    let experiment = read_any(&run.config().display().to_string(), &text)?;
    let has_heads = matches!(&experiment, AnyExperiment::Expressions(e) if !e.heads.is_empty());
    if run.is_imported() || has_heads || matches!(experiment, AnyExperiment::Anomalies(_)) {
        return Ok(None);
    }
    let group = Group::open(folder)?;
    let mark = Mark::open(folder)?;
    let mut found = Outcome {
        folder: folder.to_path_buf(),
        comparison: mark.as_ref().map(|m| m.comparison.clone()).unwrap_or_default(),
        mark,
        over: group.as_ref().map(|g| g.axis),
        folds: group.as_ref().and_then(folds_of),
        metric: metric.to_owned(),
        values: Vec::new(),
        value: None,
        sd: None,
        interval: None,
        rows: 0,
        unfinished: Vec::new(),
        selected_on: experiment.selected_on(),
        synthetic: false,
        seen_before: 0,
        unknown_origins: Vec::new(),
        wall_seconds: 0.0,
        processor_seconds: Some(0.0),
        energy_joules: None,
        devices: Vec::new(),
        builds: Vec::new(),
        data: Vec::new(),
        config: sha256(text.as_bytes()),
        experiment,
    };
    let members = match &group {
        Some(group) => group.values.iter().map(|&v| group.member(folder, v)).collect(),
        None => vec![folder.to_path_buf()],
    };
    let inner = group.as_ref().and_then(Group::inner);
    let (mut scores, mut made) = (Vec::new(), Vec::new());
    for path in members {
        if let Some((test, provenance)) = found.add(&path, inner.as_ref())? {
            scores.push(test);
            made.push(provenance);
        }
    }
    let all = Provenance::of_all(&made);
    (found.processor_seconds, found.energy_joules) = (all.processor_seconds, all.energy_joules);
    found.sum_up(&run, group.as_ref(), &scores)?;
    Ok(Some(found))
}

fn folds_of(group: &Group) -> Option<usize> {
    match group.axis {
        GroupAxis::Fold => Some(group.values.len()),
        GroupAxis::Seed => group.folds.map(|folds| folds as usize),
    }
}

/// How far a run has come, or the folds of a seed.
fn so_far(path: &Path, folds: Option<&Group>) -> Unfinished {
    if let Some(folds) = folds {
        return Unfinished::Folds(folds.finished(path), folds.values.len());
    }
    let history = History::read(path.join("metrics.jsonl")).unwrap_or_default();
    Unfinished::Epochs(history.epochs.last().map_or(0, |e| e.epoch))
}

/// Adds what is not there yet.
fn add_new(all: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for one in more {
        if !one.is_empty() && !all.contains(&one) {
            all.push(one);
        }
    }
}

impl Outcome {
    /// Takes the comparison to a full recipe from the resolved experiments, in place of what the mark says.
    pub fn judge_by(&mut self, recipe: &AnyExperiment) {
        self.comparison = super::comparison(recipe, &self.experiment);
    }

    /// Whether every run is finished.
    pub fn is_finished(&self) -> bool {
        self.unfinished.is_empty() && self.value.is_some()
    }

    /// How many seeds were trained to their end: all folds of one are one.
    pub fn seeds(&self) -> usize {
        match self.over {
            Some(GroupAxis::Fold) => usize::from(!self.values.is_empty()),
            _ => self.values.len(),
        }
    }

    /// The seeds with the folds of each: `3`, `1 (68 folds)`.
    pub fn runs(&self) -> String {
        let seeds = self.seeds();
        self.folds.map_or_else(|| seeds.to_string(), |folds| format!("{seeds} ({folds} folds)"))
    }

    /// Where it was computed, and by how many builds where not by one.
    pub fn made_on(&self) -> String {
        let mut all = self.devices.join("; ");
        if self.builds.len() > 1 {
            all += &format!("; {} builds", self.builds.len());
        }
        all
    }

    /// Adds a run, or a seed with these folds; gives its test scores and what it was made with if it is finished.
    fn add(&mut self, path: &Path, folds: Option<&Group>) -> Result<Option<(Scores, Provenance)>> {
        let scores = path.join("metrics.json");
        let is_whole = folds.is_none_or(|folds| folds.is_finished(path));
        let test = if is_whole && scores.is_file() { read_test_scores(&scores)? } else { None };
        let Some(test) = test else {
            self.unfinished.push(so_far(path, folds));
            return Ok(None);
        };
        let run = RunFolder::create_at(path)?;
        let p = Provenance::load(&run);
        // Of an interrupted run only training counts all parts.
        self.wall_seconds += p.training_seconds.max(if p.resumed == 0 { p.wall_seconds } else { 0.0 });
        add_new(&mut self.devices, [format!("{}, {}", p.device, p.machine())]);
        add_new(&mut self.builds, p.builds().map(str::to_owned));
        let facts: Value = std::fs::read_to_string(run.facts()).ok().map_or(Ok(Value::Null), |t| {
            serde_json::from_str(&t).with_context(|| format!("{} is not what a run writes", run.facts().display()))
        })?;
        self.synthetic |= facts["synthetic"] == true;
        let seen = facts["test_seen_before"].as_u64().unwrap_or(0);
        // Folds test other rows each, seeds the same ones again.
        self.seen_before =
            if self.over == Some(GroupAxis::Fold) { self.seen_before + seen } else { self.seen_before.max(seen) };
        let origins = facts["unknown_origins"].as_array().into_iter().flatten();
        add_new(&mut self.unknown_origins, origins.filter_map(Value::as_str).map(str::to_owned));
        add_new(&mut self.data, data_sha256(&run));
        self.rows = test.n;
        Ok(Some((test, p)))
    }

    fn sum_up(&mut self, run: &RunFolder, group: Option<&Group>, scores: &[Scores]) -> Result<()> {
        let of = |s: &Scores| s.metrics.get(&self.metric).cloned();
        self.values = scores.iter().filter_map(|s| of(s).map(|s| s.value)).collect();
        let one: Option<Score> = match (self.over, scores) {
            // Pooled scores of some of the folds are not those of all.
            (Some(GroupAxis::Fold), _) if group.is_some_and(|folds| folds.is_finished(run.path())) => {
                let pooled = read_metrics(run.scores())?.remove("pooled");
                self.rows = pooled.as_ref().map_or(self.rows, |p| p.n);
                pooled.as_ref().and_then(of)
            }
            (Some(GroupAxis::Fold), _) => None,
            (_, [only]) => of(only),
            _ => None,
        };
        if let Some(score) = one {
            (self.value, self.interval) = (Some(score.value), score.interval);
        } else if self.over != Some(GroupAxis::Fold) && !scores.is_empty() {
            let spread = aggregate(scores)?.metrics.remove(&self.metric);
            (self.value, self.sd, self.interval) =
                spread.map_or((None, None, None), |s| (Some(s.mean), s.sd, s.interval));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Registry, lines};
    use super::*;
    use ferrotype_report::write_metrics;
    use ferrotype_run::files::write_json;

    const CONFIG: &str = "name: x\ndata: {path: a.h5, preprocess: {size: 48}}\nmodel: mini_xception\n\
                          train: {epochs: 30, lr: 1e-3}\n";

    /// A group with its experiment, as a published copy.
    fn group(folder: &Path, group: &Group) {
        std::fs::write(folder.join("config.yaml"), CONFIG).unwrap();
        group.save(&RunFolder::create_at(folder).unwrap()).unwrap();
    }

    /// A set's scores of so many folds.
    fn scored(folder: &Path, set: &str, folds: usize, accuracy: f64) -> RunFolder {
        let run = RunFolder::create_at(folder).unwrap();
        let score = Score { value: accuracy, interval: None, n: 40 };
        let metrics = BTreeMap::from([("accuracy".to_owned(), score)]);
        let scores = Scores { n: 40, folds, metrics, ..Scores::default() };
        write_metrics(run.scores(), &BTreeMap::from([(set.to_owned(), scores)])).unwrap();
        run
    }

    /// What a run says of itself that was trained from this hour on.
    fn made(run: &RunFolder, hour: u32, commit: &str, sha256: &str) {
        write_json(run.facts(), &serde_json::json!({ "sha256": sha256, "test_seen_before": hour })).unwrap();
        let mut made = Provenance::default();
        (made.commit, made.device, made.energy_joules) = (commit.into(), "flex".into(), Some(5.0));
        let at = |hour: u32| format!("2026-01-01 {hour:02}:00:00 +00:00");
        (made.started, made.finished) = (at(hour), at(hour + 1));
        made.save(run).unwrap();
    }

    #[test]
    fn a_seed_of_which_folds_are_missing_has_no_part_in_the_figures() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path();
        let seeds = Group { folds: Some(3), ..Group::of(GroupAxis::Seed, vec![0, 1, 2]) };
        group(path, &seeds);
        let runs = [(3, 0.8), (3, 0.6), (2, 0.1)];
        let runs: Vec<RunFolder> = (0..)
            .zip(runs)
            .map(|(seed, (folds, accuracy))| scored(&seeds.member(path, seed), "pooled", folds, accuracy))
            .collect();
        for (hour, run) in (10..).zip(&runs) {
            made(run, hour, "c0", "1f");
        }
        let found = outcome(path, "accuracy").unwrap().unwrap();
        assert_eq!(
            (found.values.as_slice(), found.unfinished.as_slice()),
            ([0.8, 0.6].as_slice(), [Unfinished::Folds(2, 3)].as_slice())
        );
        assert!(!found.is_finished() && found.runs() == "2 (3 folds)");
        assert_eq!((found.energy_joules, found.seen_before, found.builds.len()), (Some(10.0), 11, 1));
        let mark = Mark::new("ferplus-vgg13-majority", path, RecipeComparison::default());
        let (registry, outcomes) = (Registry::shipped().unwrap(), [Outcome { mark: Some(mark), ..found }]);
        let lines = lines(&registry, &outcomes).unwrap();
        let line = lines.iter().find(|line| line.outcome.is_some()).unwrap();
        let expected = "2 of 3 runs are finished, the others came to 2 of 3 folds";
        assert!(line.verdict.contains(expected), "{}", line.verdict);
    }

    #[test]
    fn runs_that_do_not_belong_together_are_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path();
        let seeds = Group::of(GroupAxis::Seed, vec![0, 1]);
        group(path, &seeds);
        let runs = [0, 1].map(|seed| scored(&seeds.member(path, seed), "test", 1, 0.5));
        made(&runs[0], 10, "c0", "1f");
        // At the same time.
        made(&runs[1], 10, "c1", "2e");
        let found = outcome(path, "accuracy").unwrap().unwrap();
        assert!(found.is_finished() && found.energy_joules.is_none());
        assert_eq!((found.data.join(" ").as_str(), found.devices.len()), ("1f 2e", 1));
        assert!(found.made_on().ends_with("; 2 builds"), "{}", found.made_on());
    }

    #[test]
    fn pooled_scores_of_some_folds_are_no_figure() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path();
        let folds = Group::of(GroupAxis::Fold, vec![0, 1]);
        group(path, &folds);
        for fold in [0, 1] {
            scored(&folds.member(path, fold), "test", 1, 0.5);
        }
        scored(path, "pooled", 1, 0.9);
        assert_eq!(outcome(path, "accuracy").unwrap().unwrap().value, None);
        scored(path, "pooled", 2, 0.5);
        let found = outcome(path, "accuracy").unwrap().unwrap();
        assert_eq!((found.value, found.runs().as_str()), (Some(0.5), "1 (2 folds)"));
    }
}
