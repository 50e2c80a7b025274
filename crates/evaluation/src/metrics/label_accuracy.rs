//! Accuracy of a label: the share of rows where its presence or absence is predicted rightly.

use super::label_counts::LabelCounts;
use super::{Metric, plain_of};
use crate::Score;

/// See the module.
pub struct LabelAccuracy;

impl Metric<LabelCounts> for LabelAccuracy {
    fn name(&self) -> &'static str {
        "accuracy"
    }

    fn title(&self) -> &'static str {
        "Accuracy"
    }

    fn meaning(&self) -> &'static str {
        "Share of rows where a label's presence or absence is predicted rightly; of several labels the plain mean. High by \
         itself where a label is rare."
    }

    fn undefined(&self) -> &'static str {
        "this label is known for no row"
    }

    fn score(&self, sample: &LabelCounts) -> Option<Score> {
        let right = sample.true_positive + sample.true_negative;
        Some(plain_of(LabelCounts::share(right, sample.total())?, sample.total() as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_both_kinds_of_right_answers() {
        let counts = LabelCounts { true_positive: 2, false_positive: 1, false_negative: 1, true_negative: 4 };
        assert_eq!(LabelAccuracy.score(&counts).unwrap().value, 0.75);
        assert!(LabelAccuracy.score(&LabelCounts::default()).is_none());
    }
}
