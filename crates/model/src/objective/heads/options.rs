//! The `heads:` section of the experiment file.

use ferrotype_base::targets::TargetKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LdsOptions, Penalty};
use crate::objective::CrossEntropyOptions;

/// A head: a part of the model's outputs that learns targets of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeadOptions {
    /// The group of targets in the prepared file that it learns, or `classes` for the rows' classes; by default the group
    /// that is called as the head is.
    pub target: Option<String>,
    /// Which columns of the group it learns, and in which order; by default all.
    pub columns: Option<Vec<String>>,
    /// Its loss; by default `cross_entropy` for classes and distributions, `binary_cross_entropy` for labels, `mse` for
    /// continuous values.
    pub loss: Option<HeadLoss>,
    /// What its loss is multiplied by in the sum of all heads' losses.
    pub weight: f32,
    /// Of continuous values with the loss `mse`, `mae` or `huber`: weighs rare values more, by label distribution smoothing (Yang et al.,
    /// arXiv:2102.09554).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lds: Option<LdsOptions>,
}

impl Default for HeadOptions {
    fn default() -> Self {
        Self { target: None, columns: None, loss: None, weight: 1.0, lds: None }
    }
}

/// The loss of a head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeadLoss {
    /// Of classes and distributions: cross-entropy of softmax against the target distribution.
    CrossEntropy(CrossEntropyOptions),
    /// Of labels: binary cross-entropy of each label's sigmoid, as PyTorch's `BCEWithLogitsLoss`.
    BinaryCrossEntropy(LabelLossOptions),
    /// Of continuous values: the mean squared error.
    Mse,
    /// Of continuous values: the mean absolute error.
    Mae,
    /// Of continuous values: squared for small differences, absolute for large ones, as PyTorch's `HuberLoss`.
    Huber(HuberOptions),
    /// Of continuous values: 1 - CCC of the batch, the mean over the columns. Needs batches of several examples.
    Ccc,
}

impl HeadLoss {
    /// What is taken where none is named.
    pub(super) fn usual(kind: &TargetKind) -> Self {
        match kind {
            TargetKind::Classes | TargetKind::Distribution => Self::CrossEntropy(CrossEntropyOptions::default()),
            TargetKind::Labels => Self::BinaryCrossEntropy(LabelLossOptions::default()),
            TargetKind::Continuous { .. } => Self::Mse,
        }
    }

    /// The losses for a kind of target, for messages.
    pub(super) fn fitting(kind: &TargetKind) -> &'static str {
        match kind {
            TargetKind::Classes | TargetKind::Distribution => "cross_entropy",
            TargetKind::Labels => "binary_cross_entropy",
            TargetKind::Continuous { .. } => "mse, mae, huber or ccc",
        }
    }

    /// What a difference costs, where it is of single values.
    pub(super) fn penalty(&self) -> Option<Penalty> {
        match self {
            Self::Mse => Some(Penalty::Squared),
            Self::Mae => Some(Penalty::Absolute),
            Self::Huber(o) => Some(Penalty::Huber(o.delta)),
            Self::CrossEntropy(_) | Self::BinaryCrossEntropy(_) | Self::Ccc => None,
        }
    }

    /// Its name in the experiment file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::CrossEntropy(_) => "cross_entropy",
            Self::BinaryCrossEntropy(_) => "binary_cross_entropy",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Huber(_) => "huber",
            Self::Ccc => "ccc",
        }
    }
}

/// Options of the binary cross-entropy of labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabelLossOptions {
    /// How much more a label that is there weighs than one that is not.
    pub positive_weights: PositiveWeights,
}

/// The weight of labels that are there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PositiveWeights {
    /// All 1.
    #[default]
    None,
    /// Of each label: training rows without it divided by rows with it.
    Balanced,
    /// One weight per label, in the order of the head's columns.
    Given(Vec<f32>),
}

/// Options of the Huber loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HuberOptions {
    /// Where it turns from squared to absolute, in the target's units.
    pub delta: f32,
}

impl Default for HuberOptions {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}
