//! The experiment file as types. Field documentation here is what `ferrotype config schema` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::options::{DataOptions, SplitRule};
use crate::model::ModelOptions;
use crate::objective::ObjectiveOptions;
use crate::training::options::TrainOptions;

/// One experiment: what is trained on what, how, and what came out elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Short name: the run folder is `runs/<name>-<time>`. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences for the report: what this experiment reproduces or asks.
    #[serde(default)]
    pub description: String,
    /// Fixes every random choice: initialisation, order, augmentation, mixing, dropout, drawn labels.
    #[serde(default)]
    pub seed: u64,
    /// Where to compute: `auto`, `flex` (CPU), `cuda:N`, `tch`, `tch-cuda:N` or `vulkan`.
    #[serde(default)]
    pub device: Device,
    /// CPU threads; 0 means all cores. Results do not depend on it.
    #[serde(default)]
    pub threads: usize,
    /// Which CPU kernels compute.
    #[serde(default)]
    pub kernels: Kernels,
    /// Faces, labels, split, preprocessing and augmentation.
    pub data: DataOptions,
    /// The network: a name of the zoo with its options.
    pub model: ModelOptions,
    /// What is minimised.
    #[serde(default)]
    pub objective: ObjectiveOptions,
    /// How it is minimised.
    pub train: TrainOptions,
    /// How it is scored.
    #[serde(default)]
    pub evaluate: Evaluate,
    /// What is exported.
    #[serde(default)]
    pub export: Export,
    /// A published or earlier figure to stand beside the result.
    #[serde(default)]
    pub expect: Option<Expect>,
}

impl Experiment {
    /// Whether the weights are selected on the rows that are scored in the end.
    pub fn is_selected_on_test(&self) -> bool {
        self.evaluate.select_on == SelectOn::Test || matches!(self.data.split, SplitRule::OwnMerged)
    }
}

/// The device's name, checked when it is opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Device(pub String);

impl Default for Device {
    fn default() -> Self {
        Self("auto".into())
    }
}

/// Which CPU kernels compute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kernels {
    /// Ferrotype's own kernels, or Burn's standard operations.
    pub backend: KernelBackend,
    /// The instruction set of the native kernels. Bits differ between them, so a resumed run keeps its own.
    pub isa: KernelsIsa,
}

/// Whose operations compute on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum KernelBackend {
    /// Ferrotype's kernels (on the `flex` device; other devices always use Burn's operations).
    #[default]
    Native,
    /// Burn's standard operations.
    Burn,
}

/// The instruction set of the native kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum KernelsIsa {
    /// The best that this processor has.
    #[default]
    Auto,
    /// AVX-512.
    Avx512,
    /// AVX2 with FMA.
    Avx2,
    /// What the compiler makes of plain Rust.
    Portable,
}

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

/// What is exported after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Write and verify `model.onnx`.
    pub onnx: bool,
    /// Largest allowed logit difference between the ONNX graph and the model, relative to the range of the logits.
    pub tolerance: f64,
}

impl Default for Export {
    fn default() -> Self {
        Self { onnx: true, tolerance: 1e-4 }
    }
}

/// A published or earlier figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The metric, as `metrics.json` names it: `accuracy`, `uar`, ...
    pub metric: String,
    /// Its value, 0 to 1.
    pub value: f64,
    /// Points (0 to 1) that a run may differ by and still count as reproduced.
    #[serde(default)]
    pub tolerance: f64,
    /// Where the figure comes from.
    pub source: String,
    /// How the figure was selected or what makes it not comparable, if anything.
    #[serde(default)]
    pub note: String,
    /// Expected time, with the hardware it was seen on.
    #[serde(default)]
    pub time: String,
}
