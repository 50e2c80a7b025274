//! The file of a sweep: read as an experiment file is, and checked against the experiment that it searches.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ferrotype_run::RunFolder;
use ferrotype_run::history::History;

use ferrotype_sweep::check;
use ferrotype_sweep::curve::{Objective, Point};
use ferrotype_sweep::options::SweepOptions;
use ferrotype_sweep::space::{Dimension, Space, Values};
use ferrotype_sweep::study::Frozen;
use serde_json::Value as Json;

use ferrotype_base::problems::Problem;
use ferrotype_config::diagnostic::{Diagnostic, at_place_in};
use ferrotype_config::layers::{Chain, apply_set, check_path, read_chain};
use ferrotype_config::shape::Shape;
use ferrotype_config::tree::{Node, Source, Value, parse};
use ferrotype_config::{ConfigError, from_tree, renamed, text_tree, write};

use super::anomalies::AnomalyScores;
use super::registry::{AnyExperiment, load_any, read_root, shape_of};

/// Where a run's evaluations stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluations {
    /// In its history, epoch by epoch.
    History,
    /// In the scores of its detectors, once all are trained: the mean of their validation errors.
    Detectors,
}

impl Evaluations {
    /// The file that holds them, and grows with them.
    pub fn file(self, run: &RunFolder) -> PathBuf {
        match self {
            Self::History => run.history(),
            Self::Detectors => run.scores(),
        }
    }

    /// The evaluations there are so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(self, run: &RunFolder, objective: &Objective) -> Result<Vec<Point>> {
        if self == Self::Detectors {
            let scores = AnomalyScores::load(run)?;
            let error = scores.mean_validation_error();
            let epoch = scores.detectors.iter().map(|d| d.epochs).max().unwrap_or_default() as u64;
            return Ok(vec![Point { epoch, metric: error, select: error }]);
        }
        let point = |e: &ferrotype_run::history::EpochRecord| {
            let value = |name: &str| e.validation.get(name).copied();
            let (metric, select) = (value(&objective.metric)?, value(&objective.select_by)?);
            Some(Point { epoch: e.epoch, metric, select })
        };
        Ok(History::read(run.history())?.epochs.iter().filter_map(point).collect())
    }
}

/// A sweep with the experiment that its trials start from.
#[derive(Clone, Debug)]
pub struct LoadedSweep {
    /// The sweep.
    pub options: SweepOptions,
    /// The experiment, with what the sweep sets for all trials.
    pub experiment: AnyExperiment,
    /// What ranks the trials.
    pub objective: Objective,
    /// What its writer is to be told: old names that were used.
    pub warnings: Vec<String>,
}

/// Reads a sweep file and its experiment, and checks every key and value that trials may have before the first one.
///
/// # Errors
/// Whatever is wrong, with file, line, column and the key's path; all impossible values at once.
pub fn load_sweep(path: &Path) -> Result<LoadedSweep, ConfigError> {
    let Chain { root, mut warnings, .. } = read_chain(path, |_| Ok(Shape::of::<SweepOptions>()))?;
    let mut options: SweepOptions = from_tree(&root)?;
    options.rename_keys(|key| {
        let new = renamed::path(key)?;
        warnings.push(format!("{}: the key `{key}` is called `{new}` now", path.display()));
        Some(new)
    });
    let at = |found: Vec<Problem>| ConfigError::new(found.into_iter().map(|p| *at_place_in(p, &root)).collect());
    let problems = |found: Vec<(String, String)>| -> Vec<Problem> {
        found.into_iter().map(|(path, message)| Problem { path, message }).collect()
    };
    let found = problems(check::problems(&options));
    if !found.is_empty() {
        return Err(at(found));
    }
    let file = experiment_file(&root, path, &options.experiment);
    let plain = load_any(&file, &[])?;
    warnings.extend(plain.warnings);
    let plain = plain.experiment;
    let found = unknown_keys(&options, shape_of(&text_tree("the experiment", &plain.to_yaml())?)?);
    if !found.is_empty() {
        return Err(at(found));
    }
    let experiment = with(&plain, options.set.iter()).map_err(|error| {
        at(vec![Problem { path: "set".into(), message: format!("these make no experiment: {}", first_line(&error)) }])
    })?;
    let space = Space::of(&options.space).map_err(|p| at(problems(p)))?;
    let mut found = corner_problems(&experiment, &space);
    let ranked = super::of(&experiment).objective(&options);
    match ranked {
        Err(problem) => found.push(problem),
        Ok((objective, _)) if found.is_empty() => return Ok(LoadedSweep { options, experiment, objective, warnings }),
        Ok(_) => {}
    }
    Err(at(found))
}

/// The experiment's file: relative to the file that names it, which may be a base of the one that was asked for.
fn experiment_file(root: &Node, path: &Path, named: &Path) -> PathBuf {
    let Value::Map(entries) = &root.value else { return named.to_path_buf() };
    let place = entries.iter().find(|e| e.key == "experiment").map(|e| PathBuf::from(&e.node.place.source.name));
    place.as_deref().unwrap_or(path).parent().unwrap_or(Path::new("")).join(named)
}

/// Keys that no experiment has.
fn unknown_keys(options: &SweepOptions, shape: &Shape) -> Vec<Problem> {
    let all = options.set.keys().map(|k| ("set", k)).chain(options.space.keys().map(|k| ("space", k)));
    all.filter_map(|(section, key)| {
        let keys: Vec<&str> = key.split('.').collect();
        let (known, error) = check_path(&keys, shape).err()?;
        let help = error.help.iter().map(|line| format!("\n {line}")).collect::<String>();
        let elsewhere = error.stray.as_deref().and_then(|k| shape.path_of(k));
        let meant = elsewhere.map(|path| format!("; did you mean `{path}`?")).unwrap_or_default();
        let message = format!("the experiment's `{known}`: {}{meant}{help}", error.message);
        Some(Problem { path: format!("{section}.{key}"), message })
    })
    .collect()
}

/// Each key's smallest and largest value, or every choice, as an experiment: the rest as it stands, conditions met.
fn corner_problems(experiment: &AnyExperiment, space: &Space) -> Vec<Problem> {
    let mut found = Vec::new();
    for dimension in space.dimensions() {
        for value in dimension.domain.corners() {
            let mut values = Values::new();
            meet(dimension, space, &mut values);
            values.insert(dimension.key.clone(), value.clone());
            if let Err(error) = with(experiment, values.iter()) {
                let message = format!("the value {value} makes no experiment: {}", first_line(&error));
                found.push(Problem { path: format!("space.{}", dimension.key), message });
                break;
            }
        }
    }
    found
}

/// Adds what a key's condition asks for.
fn meet(dimension: &Dimension, space: &Space, values: &mut Values) {
    for (key, allowed) in &dimension.when {
        if let (Some(other), Some(value)) = (space.dimension(key), allowed.first()) {
            meet(other, space, values);
            values.insert(key.clone(), value.clone());
        }
    }
}

fn first_line(error: &ConfigError) -> String {
    error.to_string().lines().next().unwrap_or_default().trim_start_matches("--set ").to_owned()
}

/// The experiment with some keys set, parents before what is below them (the order of names).
fn with<'v>(
    experiment: &AnyExperiment,
    values: impl Iterator<Item = (&'v String, &'v Json)>,
) -> Result<AnyExperiment, ConfigError> {
    overlay(&experiment.to_yaml(), values)
}

fn overlay<'v>(yaml: &str, values: impl Iterator<Item = (&'v String, &'v Json)>) -> Result<AnyExperiment, ConfigError> {
    let mut root = text_tree("the experiment", yaml)?;
    let shape = shape_of(&root)?;
    for (key, value) in values {
        root = apply_set(root, &format!("{key}={value}"), shape, &mut Vec::new())?;
    }
    read_root(&root)
}

/// The experiment of a trial of a frozen study.
///
/// # Errors
/// When the values together make no experiment.
pub fn trial_experiment(frozen: &Frozen, values: &Values) -> Result<AnyExperiment, ConfigError> {
    overlay(&write::yaml(&frozen.experiment), values.iter())
}

/// What a study of this sweep keeps.
pub fn freeze(loaded: &LoadedSweep) -> Frozen {
    let mut frozen = Frozen {
        digest: String::new(),
        objective: loaded.objective.clone(),
        sweep: loaded.options.clone(),
        experiment: loaded.experiment.to_json(),
    };
    frozen.digest = write::digest_of(&frozen.essence());
    frozen
}

/// `study.yaml` of a study.
pub fn frozen_to_yaml(frozen: &Frozen) -> String {
    write::yaml(frozen)
}

/// Reads `study.yaml`.
///
/// # Errors
/// When it is damaged: something in it was changed, which its digest shows.
pub fn frozen_from_yaml(name: &str, text: &str) -> Result<Frozen, ConfigError> {
    let source = Source::file(name, text);
    let frozen: Frozen = ferrotype_config::read_tree(&parse(&source)?)?;
    if frozen.digest != write::digest_of(&frozen.essence()) {
        let message = "the study was changed after it was begun: its digest does not fit; put the file back";
        return Err(Diagnostic::new(message).or_at(&source.start(), "digest").into());
    }
    Ok(frozen)
}
