//! What is minimised: losses of logits against target distributions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveOptions {
    /// Cross-entropy of softmax against the target distribution.
    CrossEntropy(CrossEntropyOptions),
    /// Focal loss (Lin et al., arXiv:1708.02002), generalised to soft targets.
    Focal(FocalOptions),
    /// FER+'s multi-target loss: -log max_i(t_i p_i), t_i in {1, 0.001}.
    MultiTarget(MultiTargetOptions),
}

impl Default for ObjectiveOptions {
    fn default() -> Self {
        Self::CrossEntropy(CrossEntropyOptions::default())
    }
}

/// Options of the cross-entropy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CrossEntropyOptions {
    /// Fraction of the target spread evenly over all classes.
    pub label_smoothing: f32,
    /// Weight of each example by its class.
    pub class_weights: ClassWeights,
}

/// Options of the focal loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FocalOptions {
    /// How strongly well-classified examples are discounted; 0 is cross-entropy.
    pub gamma: f32,
    /// Weight of each example by its class.
    pub class_weights: ClassWeights,
}

impl Default for FocalOptions {
    fn default() -> Self {
        Self { gamma: 2.0, class_weights: ClassWeights::default() }
    }
}

/// Options of the multi-target loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MultiTargetOptions {}

/// Weight of each example by the class of its target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All 1.
    #[default]
    None,
    /// rows / (classes * rows of the class), as scikit-learn's `balanced`.
    Balanced,
    /// One weight per class, in the order of the classes.
    Given(Vec<f32>),
}
