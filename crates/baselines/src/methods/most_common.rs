//! The commonest class of the training rows, whatever is asked.

use anyhow::Result;
use ferrotype_base::problems::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Method, Outcome, Problem};

/// It has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MostCommonOptions {}

impl Method for MostCommonOptions {
    fn check(&self, _: &mut Problems) {}

    fn tell(&self, problem: &Problem, _: &(dyn Fn() -> Result<()> + Sync)) -> Result<Outcome> {
        let mut shares = vec![0.0f32; problem.classes.len()];
        problem.labels.iter().for_each(|&label| shares[label] += 1.0 / problem.labels.len() as f32);
        Ok(Outcome {
            scores: (0..problem.tests()).flat_map(|_| shares.iter().copied()).collect(),
            parameters: shares.len() as u64,
            fitted: serde_json::json!({ "shares": shares }),
            details: Vec::new(),
        })
    }
}
