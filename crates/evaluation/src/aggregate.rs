//! Several runs of one experiment, summed up.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::scores::Scores;
use super::statistics::{deviation, mean, t_interval};

/// One metric over several runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean over the runs.
    pub mean: f64,
    /// Standard deviation with the divisor `n - 1`; absent for a single run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// Student's 95 % interval of the mean; absent for a single run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Each run's value, in the order given; a run for which the metric is not defined is left out.
    pub values: Vec<f64>,
}

/// Several runs of one experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Number of runs.
    pub runs: usize,
    /// By the metric's name.
    pub metrics: BTreeMap<String, Spread>,
}

/// Mean, standard deviation and 95 % interval of every metric over runs that differ by their seed.
///
/// # Errors
/// When there are no runs.
pub fn aggregate(runs: &[Scores]) -> Result<Aggregate> {
    ensure!(!runs.is_empty(), "there are no runs to aggregate: none of the seeds has finished");
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (name, score) in runs.iter().flat_map(|run| &run.metrics) {
        values.entry(name.clone()).or_default().push(score.value);
    }
    let metrics = values.into_iter().filter_map(|(name, values)| Some((name, spread(values)?))).collect();
    Ok(Aggregate { runs: runs.len(), metrics })
}

fn spread(values: Vec<f64>) -> Option<Spread> {
    Some(Spread { mean: mean(&values)?, sd: deviation(&values), interval: t_interval(&values), values })
}
