//! What ranks the trials of a search over this system's experiments.

use ferrotype_base::problems::Problem;
use ferrotype_sweep::curve::{Goal, Objective};
use ferrotype_sweep::options::{Pruner, SweepOptions};

/// Autoencoders are ranked by how well they give again the frames that select their weights: injected anomalies are for
/// measuring what came out, and real videos have none.
///
/// # Errors
/// Where another metric or a pruner is asked for.
pub fn objective(search: &SweepOptions) -> Result<Objective, Problem> {
    if search.pruner != Pruner::None {
        return Err(Problem {
            path: "pruner".into(),
            message: "trials that find anomalies cannot be pruned: their detectors are trained one after another, so that no \
                      early score stands for a trial; leave `pruner` out, and give the experiment train.early_stopping"
                .into(),
        });
    }
    match search.metric.as_deref() {
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
                 frames (`mse`), never by injected anomalies"
            ),
        }),
    }
}
