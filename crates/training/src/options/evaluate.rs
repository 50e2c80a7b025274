//! How the selected weights are scored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the selected weights are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluate {
    /// Images per step when scoring.
    pub batch_size: usize,
    /// Score every so many epochs on the validation set.
    pub every: usize,
    /// The set that selects the weights. `test` exists only to repeat a published recipe that did so; the report
    /// says it in red.
    pub select_on: SelectOn,
    /// The metric that selects the weights: `accuracy`, `uar`, `macro_f1`, `loss`.
    pub select_by: String,
    /// Average the scores over the image and its mirror image.
    pub flip_average: bool,
}

impl Default for Evaluate {
    fn default() -> Self {
        Self {
            batch_size: 64,
            every: 1,
            select_on: SelectOn::Validation,
            select_by: "accuracy".into(),
            flip_average: false,
        }
    }
}

/// The set that selects the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectOn {
    /// The validation set: the test set is scored once, with the selected weights.
    #[default]
    Validation,
    /// The test set, as some published recipes did. Scores so selected are optimistic.
    Test,
}
