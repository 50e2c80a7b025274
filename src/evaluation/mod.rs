//! Scores: from predictions to metrics. Knows nothing of tensors or models.

/// What a model said of a labelled set, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// Class names: the columns of `logits`.
    pub classes: Vec<String>,
    /// Row in the dataset per example.
    pub rows: Vec<u32>,
    /// True class per example (the most likely one of a soft target).
    pub truth: Vec<usize>,
    /// Target distribution per example, `[examples, classes]`.
    pub targets: Vec<f32>,
    /// Crowd distribution over `classes` per example, `[examples, classes]`, where the dataset has votes.
    pub votes: Option<Vec<f32>>,
    /// Model outputs before softmax, `[examples, classes]`.
    pub logits: Vec<f32>,
}

impl Predictions {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The logits of example `i`.
    pub fn logits_of(&self, i: usize) -> &[f32] {
        let k = self.classes.len();
        &self.logits[i * k..(i + 1) * k]
    }

    /// Softmax of example `i`, in f64 from the f32 logits.
    pub fn probabilities(&self, i: usize) -> Vec<f64> {
        let z = self.logits_of(i);
        let max = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let e: Vec<f64> = z.iter().map(|&v| f64::from(v - max).exp()).collect();
        let sum: f64 = e.iter().sum();
        e.into_iter().map(|v| v / sum).collect()
    }

    /// The predicted class of example `i`: the first of the largest logits.
    pub fn predicted(&self, i: usize) -> usize {
        let z = self.logits_of(i);
        (0..z.len()).fold(0, |best, j| if z[j] > z[best] { j } else { best })
    }
}
