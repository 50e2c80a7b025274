//! What ranks the trials of a search over this system's experiments.

use ferrotype_base::problems::Problem;
use ferrotype_data::options::{SegmentRule, SplitRule};
use ferrotype_evaluation::metrics;
use ferrotype_sweep::check::{changes, refuse_test_metric};
use ferrotype_sweep::curve::{Goal, Objective};
use ferrotype_sweep::options::SweepOptions;

use crate::config::{Experiment, SelectOn};

/// The metric that the search names, or the one that selects weights.
///
/// # Errors
/// Where trials would be ranked by the test set, or by what differs between them, or the metric is unknown.
pub fn objective(experiment: &Experiment, search: &SweepOptions) -> Result<Objective, Problem> {
    test_set_problem(experiment).map_or(Ok(()), Err)?;
    examples_problem(experiment, search).map_or(Ok(()), Err)?;
    let problem = |message: String| Problem { path: "metric".into(), message };
    let name = search.metric.as_deref().unwrap_or(&experiment.evaluate.select_by);
    if let Some(message) = refuse_test_metric(name) {
        return Err(problem(message));
    }
    if !experiment.heads.is_empty() {
        heads_problem(experiment, search, name).map_or(Ok(()), Err)?;
        return of_heads(name, &experiment.evaluate.select_by).map_err(problem);
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

/// What ranks trials of a model with heads: metrics that name their head, since the data are not read yet.
fn of_heads(metric: &str, select_by: &str) -> Result<Objective, String> {
    let goal = |name: &str| match (name, metrics::about(name)) {
        ("loss", _) => Ok(Goal::Minimise),
        (name, Some(about)) if name.contains('.') => {
            Ok(if about.higher_is_better { Goal::Maximise } else { Goal::Minimise })
        }
        _ => Err(format!("{name:?} must name its head in a search, as HEAD.METRIC (evaluate.select_by, too)")),
    };
    Ok(Objective {
        metric: metric.into(),
        goal: goal(metric)?,
        select_by: select_by.into(),
        select_goal: goal(select_by)?,
    })
}

/// Why trials would be scored on different examples: where a clip is cut into many, its frames decide which there are.
fn examples_problem(experiment: &Experiment, search: &SweepOptions) -> Option<Problem> {
    let rule = experiment.data.clips.as_ref().map(|clips| &clips.segments);
    if matches!(rule, Some(SegmentRule::Spread | SegmentRule::Whole)) {
        return None;
    }
    let why = "by this data.clips.segments it decides which examples the validation set has, so scores cannot be \
               compared; by `spread` or `whole`, which make one example of each clip, it can be searched";
    searched(search, "data.clips.frames", why)
}

/// Why trials of a model with heads would be measured by different things.
fn heads_problem(experiment: &Experiment, search: &SweepOptions, metric: &str) -> Option<Problem> {
    if metric == "loss" {
        let why = "trials are ranked by the loss, the weighted sum of the heads' losses, and it changes what is summed; \
                   rank them by a metric of a head (`metric: HEAD.METRIC`)";
        return searched(search, "heads", why);
    }
    let why = "trials scored on different targets cannot be compared";
    let of_head = |head: &String| ["target", "columns"].map(|key| format!("heads.{head}.{key}"));
    experiment.heads.keys().flat_map(of_head).find_map(|key| searched(search, &key, why))
}

/// The problem of a key that must not be searched, where it is.
fn searched(search: &SweepOptions, key: &str, why: &str) -> Option<Problem> {
    let (found, _) = search.space.iter().find(|(found, parameter)| changes(found, parameter, key))?;
    Some(Problem { path: format!("space.{found}"), message: format!("this key cannot be searched: {why}") })
}

/// Why trials of this experiment would be ranked by its test set.
fn test_set_problem(experiment: &Experiment) -> Option<Problem> {
    let why = if experiment.evaluate.select_on == SelectOn::Test {
        "the experiment selects its weights on the test set (evaluate.select_on: test)"
    } else if matches!(experiment.data.split, SplitRule::TestAsValidation) {
        "the experiment's split (test_as_validation) has no validation set: its test set stands in"
    } else if !experiment.data.has_validation() {
        let message = "trials are ranked by their validation set, and the experiment has none (evaluate.select_on: none, or \
                       data.validation_set: false)";
        return Some(Problem { path: "experiment".into(), message: message.into() });
    } else {
        return None;
    };
    let message = format!(
        "{why}, and so would the sweep: settings chosen so would suit the test pictures, and their score would say \
         nothing of others; use an experiment with a validation set"
    );
    Some(Problem { path: "experiment".into(), message })
}
