//! How the selected weights are scored.

use ferrotype_data::preprocess::Views;
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
    /// says it in red. `none` keeps the weights of the last epoch and needs no validation set.
    pub select_on: SelectOn,
    /// The metric that selects the weights: `accuracy`, `uar`, `macro_f1`, `loss`. With heads, `HEAD.METRIC`, or the metric
    /// alone where one head has it: `ccc`, `rmse`, `f1`.
    pub select_by: String,
    /// Average the scores over the image and its mirror image.
    pub flip_average: bool,
    /// Average the scores over ten squares of the image: its corners, its middle, and the mirror images of these, as torchvision's
    /// `TenCrop` with `data.preprocess.crop_from`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ten_crop: bool,
    /// How sure the model is made once it is trained, by the validation set. It changes no prediction.
    #[serde(skip_serializing_if = "Calibrate::is_none")]
    pub calibrate: Calibrate,
}

impl Evaluate {
    /// The views of a picture that `flip_average` and `ten_crop` ask for.
    pub fn views(&self) -> Views {
        match (self.ten_crop, self.flip_average) {
            (true, _) => Views::TenCrop,
            (false, true) => Views::Mirrored,
            (false, false) => Views::Single,
        }
    }
}

impl Default for Evaluate {
    fn default() -> Self {
        Self {
            batch_size: 64,
            every: 1,
            select_on: SelectOn::Validation,
            select_by: "accuracy".into(),
            flip_average: false,
            ten_crop: false,
            calibrate: Calibrate::None,
        }
    }
}

/// How probabilities are calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Calibrate {
    /// They are what the network says.
    #[default]
    None,
    /// Logits are divided by the number that makes the validation set's labels likeliest (Guo et al., arXiv:1706.04599). The last
    /// layer's values are divided by it, so that it goes along wherever the model goes: predictions, ONNX, other trainings.
    Temperature,
}

impl Calibrate {
    fn is_none(&self) -> bool {
        *self == Self::None
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
    /// No set: the weights of the last epoch are those of the run, and nothing is kept back for validation.
    None,
}

impl SelectOn {
    /// Its name in an experiment file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
            Self::None => "none",
        }
    }

    /// Its name in a table in Markdown, where selecting on the test set is to be seen at once.
    pub fn in_table(self) -> &'static str {
        match self {
            Self::Test => "**test**",
            Self::Validation => "validation",
            Self::None => "none (last epoch)",
        }
    }
}
