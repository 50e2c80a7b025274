//! Columns brought to one range, learned from training frames.

/// Each column's smallest value becomes 0, its largest 1; a column that does not vary becomes 0 (as scikit-learn's
/// `MinMaxScaler`). Values of other frames may lie outside.
#[derive(Clone, Debug, PartialEq)]
pub struct MinMax {
    low: Vec<f32>,
    range: Vec<f32>,
}

impl MinMax {
    /// Learns from `rows [rows, columns]`.
    pub fn fit(rows: &[f32], columns: usize) -> Self {
        let mut low = vec![f32::INFINITY; columns];
        let mut high = vec![f32::NEG_INFINITY; columns];
        for row in rows.chunks_exact(columns.max(1)) {
            for (i, &v) in row.iter().enumerate() {
                low[i] = low[i].min(v);
                high[i] = high[i].max(v);
            }
        }
        // A column whose values differ by rounding alone does not vary: its noise must not be blown up.
        let range = low.iter().zip(&high).map(|(&l, &h)| if h - l > 1e-6 * l.abs().max(h.abs()) { h - l } else { 1.0 });
        Self { range: range.collect(), low }
    }

    /// Scales rows in place.
    pub fn apply(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.low.len().max(1)) {
            for (v, (low, range)) in row.iter_mut().zip(self.low.iter().zip(&self.range)) {
                *v = (*v - low) / range;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MinMaxScaler().fit([[1, 10, 7], [3, 20, 7]]).transform([[2, 25, 9]]) gives [[0.5, 1.5, 2.0]].
    #[test]
    fn ranges_come_from_the_training_frames() {
        let scaling = MinMax::fit(&[1.0, 10.0, 7.0, 3.0, 20.0, 7.0], 3);
        let mut row = [2.0, 25.0, 9.0];
        scaling.apply(&mut row);
        assert_eq!(row, [0.5, 1.5, 2.0]);
    }
}
