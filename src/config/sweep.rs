//! The file of a sweep: read as an experiment file is, and checked against the experiment that it searches.

use std::path::{Path, PathBuf};

use ferrotype_sweep::check::{self, refuse_test_metric};
use ferrotype_sweep::curve::{Goal, Objective};
use ferrotype_sweep::options::{Pruner, SweepOptions};
use ferrotype_sweep::space::{Dimension, Space, Values};
use ferrotype_sweep::study::Frozen;
use serde_json::Value as Json;

use ferrotype_config::diagnostic::{Diagnostic, at_place_in};
use ferrotype_config::layers::{apply_set, check_path, read_chain};
use ferrotype_config::shape::Shape;
use ferrotype_config::tree::{Node, Source, Value, parse};
use ferrotype_config::{from_tree, write};
use ferrotype_data::options::SplitRule;
use ferrotype_evaluation::metrics;

use super::systems::{read_root, shape_of};
use super::{AnyExperiment, ConfigError, Experiment, Problem, SelectOn, load_any};

/// A sweep with the experiment that its trials start from.
#[derive(Clone, Debug)]
pub struct LoadedSweep {
    /// The sweep.
    pub options: SweepOptions,
    /// The experiment, with what the sweep sets for all trials.
    pub experiment: AnyExperiment,
    /// What ranks the trials.
    pub objective: Objective,
}

/// Reads a sweep file and its experiment, and checks every key and value that trials may have before the first one.
///
/// # Errors
/// Whatever is wrong, with file, line, column and the key's path; all impossible values at once.
pub fn load_sweep(path: &Path) -> Result<LoadedSweep, ConfigError> {
    let (root, _) = read_chain(path, Shape::of::<SweepOptions>())?;
    let options: SweepOptions = from_tree(&root)?;
    let at = |found: Vec<Problem>| ConfigError::new(found.into_iter().map(|p| *at_place_in(p, &root)).collect());
    let problems = |found: Vec<(String, String)>| -> Vec<Problem> {
        found.into_iter().map(|(path, message)| Problem { path, message }).collect()
    };
    let found = problems(check::problems(&options));
    if !found.is_empty() {
        return Err(at(found));
    }
    let file = experiment_file(&root, path, &options.experiment);
    let plain = load_any(&file, &[])?.experiment;
    let found = unknown_keys(&options, shape_of(&parse(&Source::file("the experiment", &plain.to_yaml()))?)?);
    if !found.is_empty() {
        return Err(at(found));
    }
    let experiment = with(&plain, options.set.iter()).map_err(|error| {
        at(vec![Problem { path: "set".into(), message: format!("these make no experiment: {}", first_line(&error)) }])
    })?;
    let space = Space::of(&options.space).map_err(|p| at(problems(p)))?;
    let mut found = corner_problems(&experiment, &space);
    found.extend(system_problem(&options, &experiment));
    match objective(&options, &experiment) {
        Err(problem) => found.push(problem),
        Ok(objective) if found.is_empty() => return Ok(LoadedSweep { options, experiment, objective }),
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

/// Why trials of an experiment of this system cannot be ranked, or pruned, as the sweep would have it.
fn system_problem(options: &SweepOptions, experiment: &AnyExperiment) -> Option<Problem> {
    match experiment {
        AnyExperiment::Expressions(e) => test_set_problem(e),
        AnyExperiment::Anomalies(_) if options.pruner != Pruner::None => Some(Problem {
            path: "pruner".into(),
            message: "trials that find anomalies cannot be pruned: their detectors are trained one after another, so that no \
                      early score stands for a trial; leave `pruner` out, and give the experiment train.early_stopping"
                .into(),
        }),
        AnyExperiment::Anomalies(_) => None,
        AnyExperiment::RealFake(_) => Some(no_sweep_of_real_fake()),
    }
}

/// Its methods without networks keep no clips back, so trials could only be ranked by the tested ones.
fn no_sweep_of_real_fake() -> Problem {
    let message = "experiments of the system real_fake cannot be searched: most of its methods keep no clips back, so that \
                   trials would be ranked by the tested clips; compare a few settings with `ferrotype compare-methods`";
    Problem { path: "experiment".into(), message: message.into() }
}

/// Why trials of this experiment would be ranked by its test set.
fn test_set_problem(experiment: &Experiment) -> Option<Problem> {
    let why = if experiment.evaluate.select_on == SelectOn::Test {
        "the experiment selects its weights on the test set (evaluate.select_on: test)"
    } else if matches!(experiment.data.split, SplitRule::OwnMerged) {
        "the experiment's split (own_merged) has no validation set: its test set stands in"
    } else {
        return None;
    };
    let message = format!(
        "{why}, and so would the sweep: settings chosen so would suit the test pictures, and their score would say \
         nothing of others; use an experiment with a validation set"
    );
    Some(Problem { path: "experiment".into(), message })
}

fn objective(options: &SweepOptions, experiment: &AnyExperiment) -> Result<Objective, Problem> {
    match experiment {
        AnyExperiment::Expressions(e) => objective_of_expressions(options, e),
        AnyExperiment::Anomalies(_) => objective_of_anomalies(options),
        AnyExperiment::RealFake(_) => Err(no_sweep_of_real_fake()),
    }
}

/// Autoencoders are ranked by how well they give again the frames that select their weights: planted anomalies are for
/// measuring what came out, and real videos have none.
fn objective_of_anomalies(options: &SweepOptions) -> Result<Objective, Problem> {
    match options.metric.as_deref() {
        None | Some("mse" | "loss") => Ok(Objective {
            metric: "mse".into(),
            goal: Goal::Minimise,
            select_by: "mse".into(),
            select_goal: Goal::Minimise,
        }),
        Some(name) => Err(Problem {
            path: "metric".into(),
            message: format!(
                "{name:?} cannot rank trials that find anomalies: they are ranked by the squared error of the validation \
                 frames (`mse`), never by planted anomalies"
            ),
        }),
    }
}

fn objective_of_expressions(options: &SweepOptions, experiment: &Experiment) -> Result<Objective, Problem> {
    let problem = |message: String| Problem { path: "metric".into(), message };
    let name = options.metric.as_deref().unwrap_or(&experiment.evaluate.select_by);
    if let Some(message) = refuse_test_metric(name) {
        return Err(problem(message));
    }
    if let Some(message) = metrics::unknown(name) {
        return Err(problem(message));
    }
    let find = |name: &str| metrics::find(name).map_err(|e| problem(e.to_string()));
    let goal = |m: &dyn metrics::Metric| if m.higher_is_better() { Goal::Maximise } else { Goal::Minimise };
    let (metric, select) = (find(name)?, find(&experiment.evaluate.select_by)?);
    Ok(Objective {
        metric: metric.name().into(),
        goal: goal(metric),
        select_by: select.name().into(),
        select_goal: goal(select),
    })
}

/// The experiment with some keys set, parents before what is below them (the order of names).
fn with<'v>(
    experiment: &AnyExperiment,
    values: impl Iterator<Item = (&'v String, &'v Json)>,
) -> Result<AnyExperiment, ConfigError> {
    overlay(&experiment.to_yaml(), values)
}

fn overlay<'v>(yaml: &str, values: impl Iterator<Item = (&'v String, &'v Json)>) -> Result<AnyExperiment, ConfigError> {
    let mut root = parse(&Source::file("the experiment", yaml))?;
    let shape = shape_of(&root)?;
    for (key, value) in values {
        root = apply_set(root, &format!("{key}={value}"), shape)?;
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
