//! The `objective:` section of the experiment file.

use std::path::PathBuf;

use anyhow::{Result, bail};
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
    /// Keras' binary cross-entropy of each softmax probability, as Emotion-Detection-use-case trains with it.
    BinaryCrossEntropy(BinaryCrossEntropyOptions),
    /// Cross-entropy of angles with a margin (ArcFace; Deng et al., arXiv:1801.07698): the network's last layer, which has to be
    /// linear, gives cosines of the angle between the features and each class.
    ArcFace(ArcFaceOptions),
    /// Cross-entropy, and the features of each example drawn to the centre of its class (Wen et al., ECCV 2016), the centres driven
    /// apart as island loss does it (Cai et al., arXiv:1710.03144). Features are what the network's last layer takes.
    CenterLoss(CenterLossOptions),
    /// Cross-entropy against the labels, blended with one against what teachers say (Hinton et al., arXiv:1503.02531).
    Distillation(DistillationOptions),
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

/// Options of the binary cross-entropy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BinaryCrossEntropyOptions {
    /// Weight of each example by its class.
    pub class_weights: ClassWeights,
}

/// Options of ArcFace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArcFaceOptions {
    /// The margin in radians that is added to the angle to the right class.
    pub margin: f32,
    /// What cosines are multiplied by. The paper's is for tens of thousands of faces; for seven classes 10 to 20 are enough.
    pub scale: f32,
    /// Fraction of the target spread evenly over all classes.
    pub label_smoothing: f32,
    /// Weight of each example by its class.
    pub class_weights: ClassWeights,
}

impl Default for ArcFaceOptions {
    fn default() -> Self {
        Self { margin: 0.5, scale: 64.0, label_smoothing: 0.0, class_weights: ClassWeights::default() }
    }
}

/// Options of centre loss: the loss is `hard + weight / 2 |x - c_y|^2`, `x` the features and `c_y` the centre of the class that
/// the target names most. The centres begin at zero and follow the features' means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CenterLossOptions {
    /// Weight of the distance to the centres; 0 is cross-entropy.
    pub weight: f32,
    /// How far the centres move in a step, the papers' alpha.
    pub rate: f32,
    /// Island loss's lambda_1: how strongly the centres' directions are driven apart; 0 is centre loss. The paper has 10.
    pub island: f32,
    /// The loss against the labels; its class weights weigh the whole loss of an example.
    pub hard: CrossEntropyOptions,
}

impl Default for CenterLossOptions {
    fn default() -> Self {
        Self { weight: 0.003, rate: 0.5, island: 0.0, hard: CrossEntropyOptions::default() }
    }
}

/// Options of distillation: the loss is `(1 - lambda) hard + lambda CE(q, softmax(z / T))`, `z` the student's logits and
/// `q` what the teachers say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DistillationOptions {
    /// Run folders, finished or imported, or `hub:NAME` of published models, whose networks teach. Their classes are matched to the data's by name.
    pub teachers: Vec<PathBuf>,
    /// The temperature T that teachers' and student's logits are divided by.
    pub temperature: f32,
    /// Share of what the teachers say; 0 is the labels alone, 1 the teachers alone.
    pub lambda: f32,
    /// Multiply the teachers' part by T squared, as Hinton et al. do; MicroExpNet's authors do not.
    pub t_squared: bool,
    /// What is averaged over several teachers.
    pub average: Average,
    /// Which pictures the teachers are asked about.
    pub signal: Signal,
    /// The loss against the labels; its class weights weigh the whole loss of an example.
    pub hard: CrossEntropyOptions,
}

impl Default for DistillationOptions {
    fn default() -> Self {
        Self {
            teachers: Vec::new(),
            temperature: 8.0,
            lambda: 0.5,
            t_squared: false,
            average: Average::default(),
            signal: Signal::default(),
            hard: CrossEntropyOptions::default(),
        }
    }
}

/// What is averaged over several teachers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Average {
    /// Their logits, before the softmax at temperature T.
    #[default]
    Logits,
    /// Their probabilities at temperature T.
    Probabilities,
}

/// Which pictures teachers are asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The very picture that the student sees at each visit, with the same random changes and mixing, in the teacher's own
    /// size, channels and scale. Where nothing is random, answers are stored per row.
    #[default]
    Recompute,
    /// Each row's unchanged picture, asked about once, whatever the student sees.
    Rows,
    /// So many augmented views of each row, asked about once; teachers and student are both shown these and no others.
    Views(usize),
}

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

impl ClassWeights {
    /// The weight of each class, from the mass of each class in the training targets; `at` names the key.
    pub(super) fn resolve(&self, at: &str, class_mass: &[f64]) -> Result<Vec<f32>> {
        let classes = class_mass.len();
        match self {
            Self::None => Ok(vec![1.0; classes]),
            Self::Balanced => {
                let total: f64 = class_mass.iter().sum();
                // A class without examples never occurs as a target: its weight is of no account.
                let weight = |&m: &f64| if m > 0.0 { (total / (classes as f64 * m)) as f32 } else { 1.0 };
                Ok(class_mass.iter().map(weight).collect())
            }
            Self::Given(w) => {
                if w.len() != classes {
                    bail!("{at} gives {} weights, but the data has {classes} classes", w.len());
                }
                if let Some(bad) = w.iter().find(|v| !v.is_finite() || **v < 0.0) {
                    bail!("{at} has the weight {bad}; weights are finite and not negative");
                }
                Ok(w.clone())
            }
        }
    }
}
