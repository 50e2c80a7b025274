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
    /// Principal components of the training clips' shapes that landmarks are told by; 0 keeps every coordinate.
    pub components: usize,
    /// See each clip relative to its own first step, so that it does not matter whose face it is.
    pub from_rest: bool,
    /// Tell the trees, beside the biases, how much better one network predicts the clip than the other, each under its
    /// bias.
    pub errors: bool,
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
            components: 10,
            from_rest: true,
            errors: false,
            every: 2,
            steps: 48,
            inference_steps: 30,
            inference_rate: 0.1,
            trees: 100,
            depth: 2,
            tree_rate: 0.1,
        }
    }
}

impl ParametricBiasOptions {
    /// Numbers that trees see of a clip.
    pub(super) fn columns(&self) -> usize {
        2 * self.biases + usize::from(self.errors)
    }

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
            ("components", self.components, 0, WIDTH),
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
