//! Options.

use ferrotype_classic::boosting::BoostingOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::walks::WIDTH;

/// Options of the recurrent networks with parametric bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParametricBiasOptions {
    /// Numbers of a clip's bias.
    pub biases: usize,
    /// Values of the network's state.
    pub hidden: usize,
    /// Every so many frames are a step.
    pub every: usize,
    /// Steps of a clip at most, from its beginning.
    pub steps: usize,
    /// Adam's steps that find a clip's bias.
    pub inference_steps: usize,
    /// Their rate.
    pub inference_rate: f32,
    /// Trees.
    pub trees: usize,
    /// Splits on the longest way through a tree.
    pub depth: usize,
    /// Share of each tree's correction that is applied.
    pub tree_rate: f64,
}

impl Default for ParametricBiasOptions {
    fn default() -> Self {
        Self {
            biases: 4,
            hidden: 16,
            every: 3,
            steps: 32,
            inference_steps: 30,
            inference_rate: 0.1,
            trees: 100,
            depth: 2,
            tree_rate: 0.1,
        }
    }
}

impl ParametricBiasOptions {
    /// The trees'.
    pub(super) fn boosting(&self) -> BoostingOptions {
        BoostingOptions {
            trees: self.trees,
            depth: self.depth,
            learning_rate: self.tree_rate,
            ..BoostingOptions::default()
        }
    }

    /// What is impossible: the key, and what is wrong with it.
    pub(super) fn impossible(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let sizes = [
            ("biases", self.biases, 1, WIDTH),
            ("hidden", self.hidden, 1, 1024),
            ("every", self.every, 1, 1000),
            ("steps", self.steps, 2, 100_000),
            ("inference_steps", self.inference_steps, 1, 100_000),
            ("trees", self.trees, 1, 100_000),
            ("depth", self.depth, 1, 30),
        ];
        for (key, value, least, most) in sizes {
            if !(least..=most).contains(&value) {
                found.push((key.into(), format!("{value} is impossible; expected {least} to {most}")));
            }
        }
        for (key, rate) in [("inference_rate", f64::from(self.inference_rate)), ("tree_rate", self.tree_rate)] {
            if !(rate.is_finite() && rate > 0.0) {
                found.push((key.into(), format!("{rate} is impossible; expected more than 0")));
            }
        }
        found
    }
}
