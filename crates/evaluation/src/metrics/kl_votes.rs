//! Mean Kullback-Leibler divergence of the predicted distribution from the crowd's votes, over the rows that have votes.

use super::{Metric, Unit, mean_of};
use crate::{Sample, Score};

/// See the module.
pub struct KlVotes;

impl Metric for KlVotes {
    fn name(&self) -> &'static str {
        "kl_votes"
    }

    fn title(&self) -> &'static str {
        "KL(votes || softmax)"
    }

    fn meaning(&self) -> &'static str {
        "Mean Kullback-Leibler divergence of the predicted distribution from the crowd's votes, over the rows that have votes."
    }

    fn higher_is_better(&self) -> bool {
        false
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        mean_of(&sample.rows.iter().filter_map(|row| row.kl_votes).collect::<Vec<_>>())
    }
}
