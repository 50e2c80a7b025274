//! F1 of a label: the harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`.

use super::label_counts::LabelCounts;
use super::{Metric, plain_of};
use crate::Score;

/// See the module.
pub struct LabelF1;

impl Metric<LabelCounts> for LabelF1 {
    fn name(&self) -> &'static str {
        "f1"
    }

    fn title(&self) -> &'static str {
        "F1"
    }

    fn meaning(&self) -> &'static str {
        "Harmonic mean of a label's precision and recall; of several labels their plain mean (macro F1). A label is predicted \
         where its probability is at least 0.5."
    }

    fn undefined(&self) -> &'static str {
        "no row has this label"
    }

    fn score(&self, sample: &LabelCounts) -> Option<Score> {
        if sample.positives() == 0 {
            return None;
        }
        let hits = 2 * sample.true_positive;
        let value = LabelCounts::share(hits, hits + sample.false_positive + sample.false_negative)?;
        Some(plain_of(value, sample.total() as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // numpy: a = np.array([1, 1, 1, 0, 0, 0, 0], bool); b = np.array([1, 0, 1, 1, 0, 0, 0], bool)
    // 2 * (a & b).sum() / (a.sum() + b.sum())     (scikit-learn's f1_score(a, b) is the same)
    #[test]
    fn agrees_with_numpy() {
        let mut counts = LabelCounts::default();
        for (a, b) in [(1, 1), (1, 0), (1, 1), (0, 1), (0, 0), (0, 0), (0, 0)] {
            counts.add(a == 1, b == 1);
        }
        let score = LabelF1.score(&counts).unwrap();
        assert!((score.value - 2.0 / 3.0).abs() < 1e-12 && score.n == 7);
    }

    #[test]
    fn without_a_positive_there_is_none() {
        let counts = LabelCounts { false_positive: 3, true_negative: 4, ..LabelCounts::default() };
        assert!(LabelF1.score(&counts).is_none());
        let missed = LabelCounts { false_negative: 3, ..LabelCounts::default() };
        assert_eq!(LabelF1.score(&missed).unwrap().value, 0.0);
    }
}
