//! How labels become targets, and rows are divided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a row's label becomes a training target. Validation and test sets of the FER+ modes are always labelled and
/// filtered by `majority`, as in Microsoft's code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelMode {
    /// The dataset's own class.
    #[default]
    Original,
    /// FER+: the emotion with more than half of the votes.
    Majority,
    /// FER+: a label drawn from the votes at each visit.
    Probability,
    /// FER+: the vote distribution as a soft target.
    Crossentropy,
    /// FER+: every label with at least 30 % of the votes.
    MultiTarget,
    /// Emotion-Detection-use-case's rule: the emotion with most votes of the eight, no threshold; first in FER+'s order among equals.
    ArgmaxEight,
}

/// How rows are divided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitRule {
    /// The dataset's own division. A dataset that has training and test rows but no validation rows (RAF-DB, AffectNet)
    /// gives a tenth of its training rows for validation, stratified by class and chosen by the seed.
    #[default]
    Own,
    /// The dataset's own training rows; its validation and test rows together are both validation and test set, as in
    /// mini_XCEPTION's and Emotion-Detection-use-case's recipes. Selecting on it is selecting on the test set.
    TestAsValidation,
    /// Random, stratified by class.
    Holdout(Holdout),
    /// k folds, stratified by class; the fold after the tested one is the validation set.
    KFold(Folds),
    /// k folds in which no subject stands in two.
    SubjectKFold(Folds),
    /// One fold per subject.
    LeaveOneSubjectOut,
    /// k folds of which each tests the next so many rows of every class, in the order of the file, and the last one the last so many: the
    /// ten folds of WuJie1010/Facial-Expression-Recognition.Pytorch on CK+. It leaks: people stand on both sides.
    ClassBlocks(ClassBlocks),
    /// k folds of clips, stratified by class: all segments of a clip stand in one of them. Its subjects may stand in several.
    ClipKFold(Folds),
    /// Random, stratified by class, by whole clips: no clip stands in two sets.
    ClipHoldout(Holdout),
    /// System 003's division: a fifth of the *segments* at random is the test set, a fifth of the rest the validation set.
    /// It leaks: segments of one clip stand on both sides, and the report says how many.
    SegmentsAtRandom,
}

/// Fractions of a random division.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Holdout {
    /// Fraction of rows for validation.
    pub validation: f64,
    /// Fraction of rows for testing.
    pub test: f64,
}

impl Default for Holdout {
    fn default() -> Self {
        Self { validation: 0.1, test: 0.1 }
    }
}

/// Folds of consecutive rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassBlocks {
    /// Number of folds, at least 2, or 3 with a validation set.
    pub k: usize,
    /// Rows that a fold tests of each class, in the order of the classes.
    pub rows: Vec<usize>,
}

/// Number of folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Folds {
    /// Number of folds, at least 3.
    pub k: usize,
}

impl Default for Folds {
    fn default() -> Self {
        Self { k: 5 }
    }
}
