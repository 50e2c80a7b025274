//! How often a label was there and was predicted.

/// Counts of one label over the rows where it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// There and predicted.
    pub true_positive: u64,
    /// Predicted and not there.
    pub false_positive: u64,
    /// There and not predicted.
    pub false_negative: u64,
    /// Neither.
    pub true_negative: u64,
}

impl LabelCounts {
    /// Adds a row.
    pub fn add(&mut self, truth: bool, predicted: bool) {
        *match (truth, predicted) {
            (true, true) => &mut self.true_positive,
            (false, true) => &mut self.false_positive,
            (true, false) => &mut self.false_negative,
            (false, false) => &mut self.true_negative,
        } += 1;
    }

    /// Rows.
    pub fn total(&self) -> u64 {
        self.positives() + self.false_positive + self.true_negative
    }

    /// Rows where the label is there.
    pub fn positives(&self) -> u64 {
        self.true_positive + self.false_negative
    }

    /// Share of the rows that the counts are right about; `None` where there are none.
    pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
        (whole > 0).then(|| part as f64 / whole as f64)
    }
}
