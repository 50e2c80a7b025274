//! Runs below a folder, and sweeps below another.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Result;
use ferrotype_evaluation::Scores;
use ferrotype_report::read_metrics;
use ferrotype_run::RunFolder;
use ferrotype_run::folder::runs_below;
use ferrotype_run::lock::Lock;
use ferrotype_serve::{RunDetail, RunEntry, Runs, Score, SweepDetail, SweepEntry};

use super::sweeps;
use crate::commands::runs::unfinished;
use crate::systems;
use crate::systems::loaded::any_experiment_of;

/// Scores that the list shows of a model of classes.
const MAIN: [&str; 3] = ["accuracy", "uar", "macro_f1"];
/// The most scores that the list shows of another one.
const MOST: usize = 6;

/// Folders of runs and sweeps.
pub struct ServedRuns {
    runs: PathBuf,
    sweeps: PathBuf,
    /// System and model by the experiment file and its time: reading it takes longer than everything else.
    known: Mutex<BTreeMap<PathBuf, (SystemTime, String, String)>>,
}

impl ServedRuns {
    /// Those below two folders, which need not be there.
    pub fn new(runs: PathBuf, sweeps: PathBuf) -> Self {
        Self { runs, sweeps, known: Mutex::default() }
    }

    /// A run that cannot be read still has its line: the list is where one looks for what is wrong.
    fn entry(&self, name: String, run: &RunFolder) -> RunEntry {
        let (system, model) = self.facts(run).unwrap_or_else(|| ("?".into(), "?".into()));
        let test = read_metrics(run.scores()).ok().and_then(|mut sets| sets.remove("test"));
        let is_held = Lock::is_held(run.path());
        let has_report = run.report().is_file();
        let state = match (&test, is_held) {
            (_, true) => "training".into(),
            (Some(_), false) => "finished".into(),
            // Other systems have other files for their scores.
            (None, false) if has_report && run.is_finished() => "finished".into(),
            (None, false) => unfinished(run),
        };
        RunEntry {
            name,
            system,
            model,
            state,
            finished: !is_held,
            scores: test.map(|scores| main_scores(&scores)).unwrap_or_default(),
            report: has_report,
            report_file: run.report(),
            history: run.history(),
            folder: run.path().to_path_buf(),
        }
    }

    fn facts(&self, run: &RunFolder) -> Option<(String, String)> {
        let path = run.config();
        let time = std::fs::metadata(&path).and_then(|facts| facts.modified()).ok()?;
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, system, model)) = known().get(&path).filter(|(of, ..)| *of == time) {
            return Some((system.clone(), model.clone()));
        }
        let experiment = any_experiment_of(run).ok()?;
        let of = systems::of(&experiment);
        let (system, model) = (of.name().to_owned(), of.model());
        known().insert(path, (time, system.clone(), model.clone()));
        Some((system, model))
    }
}

fn main_scores(scores: &Scores) -> BTreeMap<String, f64> {
    let all = || scores.metrics.iter().map(|(name, score)| (name.clone(), score.value));
    let main: BTreeMap<String, f64> = all().filter(|(name, _)| MAIN.contains(&name.as_str())).collect();
    if main.is_empty() { all().take(MOST).collect() } else { main }
}

impl Runs for ServedRuns {
    fn list(&self) -> Result<Vec<RunEntry>> {
        Ok(runs_below(&self.runs)?.into_iter().map(|(name, run)| self.entry(name, &run)).collect())
    }

    /// Reads the files of that one alone.
    fn find(&self, name: &str) -> Result<Option<RunEntry>> {
        let found = runs_below(&self.runs)?.into_iter().find(|(known, _)| known == name);
        Ok(found.map(|(name, run)| self.entry(name, &run)))
    }

    fn detail(&self, entry: &RunEntry) -> Result<RunDetail> {
        let run = RunFolder::open(&entry.folder)?;
        let score = |(name, score): (&String, &ferrotype_evaluation::Score)| {
            let [low, high] = score.interval.map_or([None, None], |ends| ends.map(Some));
            (name.clone(), Score { value: score.value, low, high })
        };
        let scores = match run.scores().is_file() {
            true => read_metrics(run.scores()).unwrap_or_default(),
            false => BTreeMap::new(),
        };
        let scores = scores.iter().map(|(set, scores)| (set.clone(), scores.metrics.iter().map(score).collect()));
        Ok(RunDetail { scores: scores.collect(), config: run.read(&run.config())? })
    }

    fn is_finished(&self, entry: &RunEntry) -> bool {
        !Lock::is_held(&entry.folder)
    }

    fn sweeps(&self) -> Result<Vec<SweepEntry>> {
        sweeps::list(&self.sweeps)
    }

    fn sweep(&self, entry: &SweepEntry) -> Result<SweepDetail> {
        sweeps::detail(entry)
    }
}
