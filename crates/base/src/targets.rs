//! What a model's outputs stand for: heads, each with one kind of target.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The kind of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TargetKind {
    /// One class of several: a softmax over the outputs.
    Classes,
    /// Shares of several classes that sum to 1: a softmax over the outputs, too.
    Distribution,
    /// Any number of labels that are each there (1) or not (0): a sigmoid of each output.
    Labels,
    /// Numbers: each output is the value itself.
    Continuous {
        /// What the numbers are measured in; empty where there is no name for it.
        units: String,
        /// The smallest and the largest value that there can be.
        range: [f32; 2],
    },
}

impl TargetKind {
    /// The kind in a few words, for messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Classes => "one class of several".into(),
            Self::Distribution => "a distribution over classes".into(),
            Self::Labels => "labels (0 or 1 each)".into(),
            Self::Continuous { units, range: [low, high] } => {
                let units = if units.is_empty() { String::new() } else { format!(" {units}") };
                format!("continuous values from {low} to {high}{units}")
            }
        }
    }

    /// Whether the outputs compete: a softmax gives one distribution over all of them.
    pub fn has_classes(&self) -> bool {
        matches!(self, Self::Classes | Self::Distribution)
    }

    /// What the outputs of one example mean: probabilities (softmax or sigmoid), or values within their range.
    pub fn values(&self, outputs: &[f32]) -> Vec<f64> {
        let z = outputs.iter().map(|&v| f64::from(v));
        match self {
            Self::Classes | Self::Distribution => {
                let max = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let e: Vec<f64> = z.map(|v| (v - f64::from(max)).exp()).collect();
                let sum: f64 = e.iter().sum();
                e.into_iter().map(|v| v / sum).collect()
            }
            Self::Labels => z.map(|v| 1.0 / (1.0 + (-v).exp())).collect(),
            Self::Continuous { range: [low, high], .. } => {
                z.map(|v| v.max(f64::from(*low)).min(f64::from(*high))).collect()
            }
        }
    }
}

/// A part of a model's outputs with a target of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Its name: a key of `heads` in the experiment file.
    pub name: String,
    /// What its outputs mean.
    #[serde(flatten)]
    pub kind: TargetKind,
    /// Names of its outputs: classes, labels or values.
    pub columns: Vec<String>,
    /// The first of its outputs among those of the model.
    pub start: usize,
}

impl Head {
    /// Its outputs among those of the model.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.columns.len()
    }

    /// Its part of a row of the model's outputs, or of as many targets.
    ///
    /// # Panics
    /// When the row is shorter than the head's range says.
    pub fn of<'a, T>(&self, row: &'a [T]) -> &'a [T] {
        &row[self.range()]
    }
}

/// How many outputs these heads have together.
pub fn width(heads: &[Head]) -> usize {
    heads.iter().map(|head| head.range().end).max().unwrap_or_default()
}

/// `NAME.COLUMN` of every output, in order.
pub fn output_names(heads: &[Head]) -> Vec<String> {
    heads.iter().flat_map(|h| h.columns.iter().map(|c| format!("{}.{c}", h.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_become_what_they_mean() {
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        let e = std::f64::consts::E;
        assert!(near(&TargetKind::Classes.values(&[1.0, 0.0]), &[e / (e + 1.0), 1.0 / (e + 1.0)]));
        assert!(near(&TargetKind::Labels.values(&[0.0, 1.0, -800.0]), &[0.5, e / (e + 1.0), 0.0]));
        let kind = TargetKind::Continuous { units: String::new(), range: [0.0, 5.0] };
        assert_eq!(kind.values(&[-1.0, 2.5, 7.0]), [0.0, 2.5, 5.0]);
    }

    #[test]
    fn heads_stand_side_by_side() {
        let head = |name: &str, columns: &[&str], start| Head {
            name: name.into(),
            kind: TargetKind::Labels,
            columns: columns.iter().map(ToString::to_string).collect(),
            start,
        };
        let heads = [head("au", &["AU01", "AU12"], 0), head("va", &["valence"], 2)];
        assert_eq!((width(&heads), heads[1].of(&[1, 2, 3])), (3, [3].as_slice()));
        assert_eq!(output_names(&heads), ["au.AU01", "au.AU12", "va.valence"]);
    }
}
