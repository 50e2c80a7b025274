//! Share of rows whose true class is among the two most probable, with Wilson's 95 % interval.
//!
//! Among equal logits the class of lower index stands first, as for the predicted class. (scikit-learn's
//! `top_k_accuracy_score` puts the higher index first.)

use super::{Metric, proportion};
use crate::{Sample, Score};

/// See the module.
pub struct Top2;

impl Metric for Top2 {
    fn name(&self) -> &'static str {
        "top2_accuracy"
    }

    fn title(&self) -> &'static str {
        "Top-2 accuracy"
    }

    fn meaning(&self) -> &'static str {
        "Share of rows whose true class is among the two most probable, with Wilson's 95 % interval."
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        proportion(sample.count(|row| row.rank < 2), sample)
    }
}
