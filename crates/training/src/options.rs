//! The `train:` section of the experiment file.

mod evaluate;
mod swa;
mod transfer;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::adversarial::AdversarialOptions;
pub use evaluate::{Calibrate, Evaluate, SelectOn};
pub use swa::SwaOptions;
pub use transfer::{FeatureCache, Unfreeze};

/// How the objective is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainOptions {
    /// Passes over the training set.
    pub epochs: usize,
    /// Images per optimizer step and accumulation part.
    #[serde(default = "batch_size")]
    pub batch_size: usize,
    /// Batches whose gradients are averaged into one optimizer step.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// The base learning rate.
    pub lr: f64,
    /// The optimizer.
    #[serde(default)]
    pub optimizer: OptimizerOptions,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: ScheduleOptions,
    /// Weight decay: added to the gradient (SGD, Adam, RMSprop) or decoupled (AdamW).
    #[serde(default)]
    pub weight_decay: f64,
    /// Do not decay biases and normalisation parameters.
    #[serde(default = "yes")]
    pub decay_skips_norms: bool,
    /// Largest global norm of the gradient; larger ones are scaled down.
    #[serde(default)]
    pub clip_norm: Option<f64>,
    /// Largest size of each element of the gradient; what is larger is cut off, as `torch.nn.utils.clip_grad_value_` does, after
    /// `clip_norm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// Decay of the exponential moving average of the weights; the average is what is scored and saved.
    #[serde(default)]
    pub ema: Option<f64>,
    /// Stochastic weight averaging: the mean of the weights that the last epochs ended with is what is scored and saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swa: Option<SwaOptions>,
    /// Stop when the selection metric has not improved for so many evaluations.
    #[serde(default)]
    pub early_stopping: Option<EarlyStopping>,
    /// Stop as soon as the selection metric is this good on the selection set, such as 0.85.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_at: Option<f64>,
    /// Train on adversarial examples, too.
    #[serde(default)]
    pub adversarial: Option<AdversarialOptions>,
    /// When checkpoints are written, besides the end of each epoch.
    #[serde(default)]
    pub checkpoint: CheckpointCadence,
    /// Weights to begin with: a run folder (finished or imported), a file of weights (of a run, or published ones of this network
    /// in Keras', PyTorch's or safetensors form), or `hub:NAME` of a published model. They are taken by name and shape.
    #[serde(default)]
    pub init: Option<PathBuf>,
    /// Patterns of parameters that may begin with new initial values where `init` has none of their name and shape. The head always may.
    #[serde(default)]
    pub reinit: Vec<String>,
    /// Patterns of parameters that are not trained, such as `features.*` (`*` stands for any characters). A normalisation
    /// layer whose parameters are all frozen keeps its running statistics, too.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// When frozen parameters begin to be trained.
    #[serde(default)]
    pub unfreeze_at: Vec<Unfreeze>,
    /// Factor of the learning rate per layer of depth below the head: a parameter at depth d has `layer_decay^d` of it.
    #[serde(default)]
    pub layer_decay: Option<f64>,
    /// Factor of the head's learning rate.
    #[serde(default)]
    pub head_lr: Option<f64>,
    /// Run what is frozen for the whole training once, and train on its stored values.
    #[serde(default)]
    pub feature_cache: Option<FeatureCache>,
}

fn batch_size() -> usize {
    32
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

/// The optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerOptions {
    /// Stochastic gradient descent.
    Sgd(SgdOptions),
    /// Adam (Kingma and Ba, arXiv:1412.6980).
    Adam(AdamOptions),
    /// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
    Adamw(AdamOptions),
    /// RMSprop (Hinton's lecture 6e).
    Rmsprop(RmspropOptions),
}

impl Default for OptimizerOptions {
    fn default() -> Self {
        Self::Adam(AdamOptions::default())
    }
}

/// Options of SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SgdOptions {
    /// Momentum; 0 is plain SGD.
    pub momentum: f64,
    /// Nesterov's form.
    pub nesterov: bool,
    /// CNTK's unit-gain momentum: the gradient enters with 1 - momentum.
    pub unit_gain: bool,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self { momentum: 0.9, nesterov: false, unit_gain: false }
    }
}

/// Options of Adam and AdamW.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamOptions {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Where eps stands.
    pub form: Form,
}

impl Default for AdamOptions {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, form: Form::Pytorch }
    }
}

/// Options of RMSprop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RmspropOptions {
    /// Decay of the mean square.
    pub alpha: f64,
    /// Momentum of the scaled gradient.
    pub momentum: f64,
    /// Guards the division.
    pub eps: f64,
    /// Where eps stands.
    pub form: Form,
}

impl Default for RmspropOptions {
    fn default() -> Self {
        Self { alpha: 0.99, momentum: 0.0, eps: 1e-8, form: Form::Pytorch }
    }
}

/// Whose arithmetic an adaptive optimizer follows where the two differ (the place of eps).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Adam: sqrt(v / (1 - b2^t)) + eps. RMSprop: sqrt(v) + eps.
    #[default]
    Pytorch,
    /// Adam: sqrt(v) + eps, with the bias correction in the rate. RMSprop: sqrt(v + eps).
    Keras,
}

/// How the learning rate changes. Steps are optimizer steps; epochs may be fractions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleOptions {
    /// It does not.
    #[default]
    Constant,
    /// Multiplied by `factor` every `every` epochs.
    Step(StepOptions),
    /// Multiplied by `factor` at each of the epochs `at`.
    MultiStep(MultiStepOptions),
    /// A half cosine down to `floor` times the base rate, after a linear warm-up.
    Cosine(CosineOptions),
    /// Cosine that begins anew, each time over a longer stretch.
    CosineRestarts(CosineRestartsOptions),
    /// Smith's one-cycle (arXiv:1708.07120), as PyTorch's OneCycleLR with cosine annealing.
    OneCycle(OneCycleOptions),
    /// Divided by `1 + decay * steps`: the `decay` of Keras' optimizers before 2.11.
    InverseTime(InverseTimeOptions),
    /// Multiplied by `factor` when the validation metric has not improved for `patience` evaluations.
    ReduceOnPlateau(PlateauOptions),
}

/// Options of the step schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepOptions {
    /// Epochs between two steps.
    pub every: usize,
    /// Factor per step.
    pub factor: f64,
}

/// Options of the multi-step schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiStepOptions {
    /// Epochs (counted from 0) that begin with a lower rate.
    pub at: Vec<usize>,
    /// Factor per step; one value, or one per step.
    pub factor: Vec<f64>,
}

/// Options of the cosine schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CosineOptions {
    /// Epochs of linear warm-up.
    pub warmup: f64,
    /// Last rate, as a fraction of the base rate.
    pub floor: f64,
}

impl Default for CosineOptions {
    fn default() -> Self {
        Self { warmup: 1.0, floor: 0.0 }
    }
}

/// Options of the one-cycle schedule; the base rate is its highest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OneCycleOptions {
    /// Fraction of the steps that raise the rate.
    pub rise: f64,
    /// First rate is the highest divided by this.
    pub start_div: f64,
    /// Last rate is the first divided by this.
    pub end_div: f64,
}

/// Cosine with warm restarts (Loshchilov and Hutter, arXiv:1608.03983), as PyTorch's CosineAnnealingWarmRestarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CosineRestartsOptions {
    /// Epochs of the first stretch, PyTorch's T_0.
    pub first: f64,
    /// Each stretch is so many times as long as the one before, PyTorch's T_mult.
    pub growth: f64,
    /// Smallest factor on the base rate, at the end of each stretch.
    pub floor: f64,
}

impl Default for CosineRestartsOptions {
    fn default() -> Self {
        Self { first: 10.0, growth: 2.0, floor: 0.0 }
    }
}

impl Default for OneCycleOptions {
    fn default() -> Self {
        Self { rise: 0.3, start_div: 25.0, end_div: 1e4 }
    }
}

/// Options of the inverse-time schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InverseTimeOptions {
    /// Decay per optimizer step.
    pub decay: f64,
}

/// Options of reduce-on-plateau (Keras' meaning).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlateauOptions {
    /// Factor per reduction.
    pub factor: f64,
    /// Evaluations without improvement before a reduction.
    pub patience: usize,
    /// Smallest improvement that counts.
    pub min_delta: f64,
    /// Smallest rate.
    pub min_lr: f64,
    /// The validation metric watched.
    pub watch: String,
}

impl Default for PlateauOptions {
    fn default() -> Self {
        Self { factor: 0.1, patience: 10, min_delta: 1e-4, min_lr: 0.0, watch: "loss".into() }
    }
}

/// When to stop early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// Evaluations without improvement before stopping.
    pub patience: usize,
    /// Smallest improvement that counts.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 10, min_delta: 0.0 }
    }
}

/// When checkpoints are written, besides the end of each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointCadence {
    /// Minutes between two checkpoints; 0 is off.
    pub minutes: f64,
    /// Optimizer steps between two checkpoints; 0 is off.
    pub steps: usize,
}

impl Default for CheckpointCadence {
    fn default() -> Self {
        Self { minutes: 5.0, steps: 0 }
    }
}
