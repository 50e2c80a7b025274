//! What a run's weights have seen, and what that means for rows they are scored on.

use std::path::Path;

use anyhow::Result;

use crate::config::Experiment;
use crate::published;
use crate::systems::loaded::experiment_of;
use ferrotype_data::task::{DatasetSummary, Seen, SeenRows, Subset, Task};
use ferrotype_evaluation::{Predictions, Scores, score};
use ferrotype_report::SeenShare;
use ferrotype_report::terminal::red_for_stdout;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_vision::clips::write_source;

/// Runs that build on each other are followed so far.
const DEEPEST: usize = 16;

/// What one training sees by itself.
pub fn of_training(experiment: &Experiment, task: &Task) -> Seen {
    let both = [&task.validation, &task.test];
    // Rows of the test set count as seen where they select the weights.
    Seen::of(&task.train, if experiment.is_selected_on_test() { &both } else { &both[..1] })
}

/// What the weights and teachers that an experiment builds on have seen.
pub fn inherited(experiment: &Experiment) -> Seen {
    inherited_at(experiment, 0)
}

fn inherited_at(experiment: &Experiment, depth: usize) -> Seen {
    let teachers = experiment.objective.distillation().into_iter().flat_map(|o| &o.teachers);
    let mut all = Seen::default();
    for path in experiment.train.init.iter().chain(teachers) {
        all.add(match run_of(path) {
            Some(run) if depth < DEEPEST => of_run_at(&run, depth + 1),
            _ => Seen::nothing_of(path.display().to_string()),
        });
    }
    all
}

/// The run whose folder, file of weights or published name a path is.
fn run_of(path: &Path) -> Option<RunFolder> {
    let path = published::run_of(path).ok()?;
    let folder = if path.is_file() { path.parent()?.parent()? } else { &path };
    RunFolder::open(folder).ok()
}

/// What a run's weights have seen: what its training wrote down or, of a run older than that, what its data file says
/// while it is there.
pub fn of_run(run: &RunFolder) -> Seen {
    of_run_at(run, 0)
}

fn of_run_at(run: &RunFolder, depth: usize) -> Seen {
    let name = run.path().display().to_string();
    if run.is_imported() {
        return Seen::nothing_of(format!("{name} (published weights)"));
    }
    let known = run.read_json(&run.seen()).ok().or_else(|| from_data(run, depth).ok().flatten());
    known.unwrap_or_else(|| Seen::nothing_of(name))
}

fn from_data(run: &RunFolder, depth: usize) -> Result<Option<Seen>> {
    let experiment = experiment_of(run)?;
    let facts: DatasetSummary = run.read_json(&run.facts())?;
    if !experiment.data.path.is_file() {
        return Ok(None);
    }
    let task = Task::prepare_with_heads(&experiment.data, &experiment.head_requests(), experiment.seed, write_source)?;
    if task.facts.sha256 != facts.sha256 || task.facts.sizes != facts.sizes {
        return Ok(None);
    }
    let mut seen = of_training(&experiment, &task);
    seen.add(inherited_at(&experiment, depth));
    Ok(Some(seen))
}

/// Writes down what a run's weights see.
///
/// # Errors
/// When the file cannot be written.
pub fn write(run: &RunFolder, seen: &Seen) -> Result<()> {
    write_atomic(run.seen(), (serde_json::to_string(seen)? + "\n").as_bytes())
}

/// What a run's weights have seen of a set of rows.
pub struct Exposure {
    rows: SeenRows,
    unknown: Vec<String>,
}

impl Exposure {
    /// Of the rows that are scored.
    pub fn of(run: &RunFolder, subset: &Subset) -> Self {
        let seen = of_run(run);
        let rows = seen.rows(subset);
        let mut unknown: Vec<String> = seen.unknown.iter().cloned().collect();
        if !rows.is_comparable && !seen.is_empty() {
            unknown.push(format!("{} (it was trained on pictures of another stored size)", run.path().display()));
        }
        Self { rows, unknown }
    }

    /// What there is to say, for the terminal.
    pub fn warnings(&self) -> Vec<String> {
        let seen = self.share().map(|share| red_for_stdout(&format!("SEEN     {}", share.text())));
        let doubt = self.doubt().map(|doubt| format!("note     {doubt}"));
        seen.into_iter().chain(doubt).collect()
    }

    /// The share of rows that were seen, where there are any.
    pub fn share(&self) -> Option<SeenShare> {
        let SeenRows { trained, selected, ref seen, .. } = self.rows;
        (trained + selected > 0).then_some(SeenShare { rows: seen.len(), trained, selected })
    }

    /// What is to be said of weights whose pictures are not known; nothing where all are.
    pub fn doubt(&self) -> Option<String> {
        let names = self.unknown.join(", ");
        (!names.is_empty()).then(|| format!("whether these rows were trained on cannot be told of {names}"))
    }

    /// Scores of the rows that were not seen; none where all or none were.
    ///
    /// # Errors
    /// When they cannot be scored.
    pub fn unseen(&self, predictions: &Predictions) -> Result<Option<Scores>> {
        let kept: Vec<usize> = (0..self.rows.seen.len()).filter(|&i| !self.rows.seen[i]).collect();
        if kept.is_empty() || kept.len() == self.rows.seen.len() {
            return Ok(None);
        }
        Ok(Some(score(&predictions.only(&kept))?))
    }
}
