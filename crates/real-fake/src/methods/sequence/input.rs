//! A clip's action units as a network takes them.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::clip::{ClipSet, Series};

/// Means and deviations of the training frames, and which columns there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    units: Vec<String>,
    /// Emotions that have a column.
    emotions: Vec<String>,
    mean: Vec<f32>,
    scale: Vec<f32>,
}

impl Input {
    /// From the frames of the training clips.
    ///
    /// # Errors
    /// When a clip has no action units over time.
    pub fn fit(method: &str, set: &ClipSet, training: &[usize], emotion: bool) -> Result<Self> {
        let columns = set.units.len();
        let (mut count, mut sums, mut squares) = (0.0, vec![0.0f64; columns], vec![0.0f64; columns]);
        for &clip in training {
            for row in series(method, set, clip)?.values.chunks_exact(columns) {
                count += 1.0;
                for (j, &v) in row.iter().enumerate() {
                    sums[j] += f64::from(v);
                    squares[j] += f64::from(v).powi(2);
                }
            }
        }
        ensure!(count > 0.0, "{method} has no clip to be trained on");
        let mean: Vec<f64> = sums.iter().map(|s| s / count).collect();
        let scale = squares.iter().zip(&mean).map(|(s, m)| (s / count - m * m).max(0.0).sqrt());
        // A unit that never varies says nothing: it stays 0.
        let scale = scale.zip(&mean).map(|(s, m)| if s > 1e-6 * m.abs().max(1e-3) { s as f32 } else { 1.0 });
        Ok(Self {
            units: set.units.clone(),
            emotions: if emotion { set.emotions.clone() } else { Vec::new() },
            scale: scale.collect(),
            mean: mean.iter().map(|&m| m as f32).collect(),
        })
    }

    /// Whether clips of a set have these columns.
    ///
    /// # Errors
    /// When they do not.
    pub fn check(&self, set: &ClipSet) -> Result<()> {
        ensure!(
            self.units == set.units && (self.emotions.is_empty() || self.emotions == set.emotions),
            "the method was fitted on the action units {} and the emotions {}, and these clips have {} and {}",
            self.units.join(", "),
            self.emotions.join(", "),
            set.units.join(", "),
            set.emotions.join(", ")
        );
        Ok(())
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.units.len() + self.emotions.len()
    }

    /// Names of the columns.
    pub fn names(&self) -> Vec<String> {
        self.units.iter().cloned().chain(self.emotions.iter().map(|e| format!("emotion {e}"))).collect()
    }

    /// Mean and deviation of each unit.
    pub fn scaling(&self) -> [&[f32]; 2] {
        [&self.mean, &self.scale]
    }

    /// A clip as `[frames, columns]`.
    ///
    /// # Errors
    /// When it has no action units over time, or its emotion is not known and has a column.
    pub fn rows(&self, method: &str, set: &ClipSet, clip: usize) -> Result<Vec<f32>> {
        let series = series(method, set, clip)?;
        let mut code = vec![0.0; self.emotions.len()];
        if !code.is_empty() {
            let emotion = set.clips[clip].emotion;
            code[emotion.with_context(|| {
                format!(
                    "clip {} does not say which emotion is shown: set series.emotion to false",
                    set.clips[clip].name
                )
            })?] = 1.0;
        }
        let mut rows = Vec::with_capacity(series.len() * self.columns());
        for row in series.values.chunks_exact(self.units.len()) {
            rows.extend(row.iter().zip(&self.mean).zip(&self.scale).map(|((v, m), s)| (v - m) / s));
            rows.extend(&code);
        }
        Ok(rows)
    }
}

fn series<'s>(method: &str, set: &'s ClipSet, clip: usize) -> Result<&'s Series> {
    let units = set.clips[clip].units.as_ref().filter(|s| !s.is_empty() && s.columns() == set.units.len());
    units.filter(|s| s.columns() > 0).with_context(|| {
        format!(
            "clip {} has no action units over time, and {method} is a network of these: choose a source that has them",
            set.clips[clip].name
        )
    })
}
