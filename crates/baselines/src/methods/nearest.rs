//! The class of the nearest training row.

use anyhow::Result;
use ferrotype_base::problems::Problems;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Method, Outcome, Problem};

/// Nearest by the cosine between differences from the mean training row. It has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NearestOptions {}

/// Rows between two looks at whether to stop.
const AT_ONCE: usize = 64;

impl Method for NearestOptions {
    fn check(&self, _: &mut Problems) {}

    fn tell(&self, problem: &Problem, stop: &(dyn Fn() -> Result<()> + Sync)) -> Result<Outcome> {
        let (rows, n) = (&problem.features, problem.labels.len());
        let mut mean = vec![0.0; rows.columns()];
        (0..n).for_each(|i| mean.iter_mut().zip(rows.row(i)).for_each(|(m, v)| *m += v / n as f64));
        let unit = |i: usize| unit(rows.row(i), &mean);
        let known: Vec<Vec<f64>> = (0..n).into_par_iter().map(unit).collect();
        // Of each class the correlation with its nearest row.
        let scores = |i: usize| {
            let row = unit(i);
            let mut best = vec![-1.0f32; problem.classes.len()];
            for (other, &label) in known.iter().zip(&problem.labels) {
                let product = row.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() as f32;
                best[label] = best[label].max(product);
            }
            best
        };
        let mut all = Vec::new();
        for begin in (n..rows.rows()).step_by(AT_ONCE) {
            stop()?;
            let end = rows.rows().min(begin + AT_ONCE);
            all.extend((begin..end).into_par_iter().flat_map_iter(scores).collect::<Vec<_>>());
        }
        Ok(Outcome {
            scores: all,
            parameters: (n * rows.columns()) as u64,
            fitted: serde_json::json!({ "rows": n }),
            details: Vec::new(),
        })
    }
}

/// The difference from the mean row, of length 1; zeros where there is none.
fn unit(row: &[f64], mean: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = row.iter().zip(mean).map(|(v, m)| v - m).collect();
    let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 {
        values.iter_mut().for_each(|v| *v /= length);
    }
    values
}
