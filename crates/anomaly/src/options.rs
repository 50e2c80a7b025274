//! The sections of an experiment of the system `anomalies`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The features of one person, and what is made of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnomalyData {
    /// Where the features come from.
    pub source: AnomalySource,
    /// Frames per second that are kept, chosen by time; all, where none is given.
    #[serde(default)]
    pub rate: Option<f64>,
    /// The last part of the frames, by time, that selects the weights. What is learned from data (components, scaling,
    /// weights) is learned from the frames before it.
    #[serde(default = "validation")]
    pub validation: f64,
    /// How the embedding becomes the columns `Comp 1` to `Comp N`.
    #[serde(default)]
    pub reduction: Reduction,
    /// How columns are brought to one range.
    #[serde(default)]
    pub scaling: ColumnScaling,
    /// The emotions that are used; all that the source has, where none are named.
    #[serde(default)]
    pub emotions: Vec<String>,
    /// Which columns get a network of their own; `all`, `components` and `embedding`, as far as the source has them,
    /// where none are named.
    #[serde(default)]
    pub detectors: Vec<DetectorKind>,
}

fn validation() -> f64 {
    0.15
}

/// Where features come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalySource {
    /// A table with the columns `frame`, `timestamp` (seconds) and one per feature.
    Csv(CsvOptions),
    /// A person of a file that `ferrotype data prepare faces` wrote.
    Faces(FacesOptions),
    /// A synthetic face that talks and rests, with injected anomalies.
    Generated(GeneratedOptions),
}

/// A table of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvOptions {
    /// The file. Columns whose names are emotions, `Comp n` or `Raw_Embedding_n` are taken as such, a column `anomaly`
    /// (0, 1 or a word) as the truth, and all others as features.
    pub path: PathBuf,
}

/// A person of a prepared file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FacesOptions {
    /// The file that `ferrotype data prepare faces` wrote.
    pub path: PathBuf,
    /// The person, 1 for the one seen in most frames.
    #[serde(default = "one")]
    pub person: usize,
}

fn one() -> usize {
    1
}

/// A synthetic face: intensities of action units on both sides of the face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratedOptions {
    /// Length in seconds.
    pub seconds: f64,
    /// Frames per second.
    pub rate: f64,
    /// Injected anomalies; of the kinds in turn.
    pub anomalies: usize,
    /// The kinds.
    pub kinds: Vec<AnomalyKind>,
    /// How strong foreign expressions and flashes are, 0 to 1.
    pub strength: f64,
    /// Standard deviation of the measurement's noise.
    pub noise: f64,
    /// Chooses the person and what happens, together with the experiment's seed.
    pub seed: u64,
}

impl Default for GeneratedOptions {
    fn default() -> Self {
        Self {
            seconds: 120.0,
            rate: 25.0,
            anomalies: 9,
            kinds: AnomalyKind::ALL.to_vec(),
            strength: 0.6,
            noise: 0.02,
            seed: 0,
        }
    }
}

/// What an injected anomaly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// An expression that the person never shows otherwise, with onset, apex and offset.
    Foreign,
    /// The face stands still in the midst of talking.
    Freeze,
    /// A one-sided twitch of 40 to 200 ms, as micro-expressions are long.
    Flash,
}

impl AnomalyKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Foreign, Self::Freeze, Self::Flash];

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Freeze => "freeze",
            Self::Flash => "flash",
        }
    }
}

/// How the embedding is reduced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// It is not: there are no components.
    None,
    /// Principal components.
    Pca(PcaOptions),
    /// As many principal components as the original's elbow rule gives: the place of the smallest increment of the
    /// explained variance. Increments fall, so that is nearly always one fewer than `most`.
    Elbow(ElbowOptions),
}

impl Default for Reduction {
    fn default() -> Self {
        Self::Pca(PcaOptions::default())
    }
}

/// Options of the principal components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PcaOptions {
    /// Their number.
    pub components: usize,
}

impl Default for PcaOptions {
    fn default() -> Self {
        Self { components: 3 }
    }
}

/// Options of the elbow rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ElbowOptions {
    /// Components that are looked at.
    pub most: usize,
}

impl Default for ElbowOptions {
    fn default() -> Self {
        Self { most: 20 }
    }
}

/// How columns are brought to one range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnScaling {
    /// Each column's smallest and largest value in the training frames become 0 and 1.
    #[default]
    MinMax,
    /// Columns stay as they are.
    None,
}

/// The columns that a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DetectorKind {
    /// Components, features and emotions together.
    All,
    /// The components of the embedding.
    Components,
    /// The embedding itself.
    Embedding,
    /// Every emotion by itself, each with a network of one column.
    Emotions,
}

/// The network that learns to give its input again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyModel {
    /// Layers of LSTM and a linear layer.
    LstmAutoencoder(LstmAutoencoderOptions),
}

impl Default for AnomalyModel {
    fn default() -> Self {
        Self::LstmAutoencoder(LstmAutoencoderOptions::default())
    }
}

/// Options of `lstm_autoencoder`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LstmAutoencoderOptions {
    /// What the output is made of.
    pub form: Form,
    /// Values of each LSTM's state.
    pub hidden: usize,
    /// LSTM layers (of the encoder and of the decoder, each, in a bottleneck).
    pub layers: usize,
    /// The frames that the network sees at once; the whole clip, where there is none.
    pub window: Option<Window>,
}

impl Default for LstmAutoencoderOptions {
    fn default() -> Self {
        Self { form: Form::PerStep, hidden: 64, layers: 2, window: None }
    }
}

/// What the output is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The last state alone, the same for every frame: the original's first version. One vector is learned per clip, and
    /// the score is the distance to it.
    LastStateBroadcast,
    /// Each frame's own state: the original's later versions. No bottleneck: the network may learn to copy.
    PerStep,
    /// Encoder, one code per window, decoder (Srivastava et al., arXiv:1502.04681; Malhotra et al., arXiv:1607.00148).
    Bottleneck(BottleneckOptions),
}

/// Options of the bottleneck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BottleneckOptions {
    /// Values of the code.
    pub code: usize,
}

impl Default for BottleneckOptions {
    fn default() -> Self {
        Self { code: 16 }
    }
}

/// Windows over the frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Window {
    /// Frames per window.
    pub length: usize,
    /// Frames between two windows of training. Scoring looks at every window, and a frame's error is the mean over the
    /// windows that hold it.
    pub stride: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { length: 20, stride: 5 }
    }
}

/// Which frames are anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The rule on the scores.
    pub pick: Pick,
    /// Seconds: anomalies that lie no further apart are one, shown by its peak. None: every frame is by itself.
    pub group: Option<f64>,
    /// So many anomalies at the beginning are not shown, as the original's last version did.
    pub hide_first: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { pick: Pick::default(), group: Some(1.0), hide_first: 0 }
    }
}

/// A rule on scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The frames with the largest scores.
    Top(TopOptions),
    /// Scores above mean + k standard deviations.
    Deviation(DeviationOptions),
    /// Scores above a quantile of all scores.
    Quantile(QuantileOptions),
}

impl Default for Pick {
    fn default() -> Self {
        Self::Top(TopOptions::default())
    }
}

/// Options of `top`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TopOptions {
    /// Number of frames.
    pub n: usize,
}

impl Default for TopOptions {
    fn default() -> Self {
        Self { n: 10 }
    }
}

/// Options of `deviation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeviationOptions {
    /// Standard deviations above the mean.
    pub k: f64,
}

impl Default for DeviationOptions {
    fn default() -> Self {
        Self { k: 4.0 }
    }
}

/// Options of `quantile`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuantileOptions {
    /// The quantile, 0 to 1.
    pub q: f64,
}

impl Default for QuantileOptions {
    fn default() -> Self {
        Self { q: 0.99 }
    }
}

/// How the network is validated and compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnomalyEvaluate {
    /// Validate every so many epochs.
    pub every: usize,
    /// Seconds that a peak may lie beside an injected anomaly and still count as a hit.
    pub tolerance: f64,
    /// Components of the baseline that reconstructs frames from principal components.
    pub pca_components: usize,
}

impl Default for AnomalyEvaluate {
    fn default() -> Self {
        Self { every: 1, tolerance: 0.2, pca_components: 3 }
    }
}
