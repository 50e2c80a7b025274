//! The experiment of the system that finds anomalies in a face's behaviour. Field documentation here is what
//! `ferrotype config schema --system anomalies` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::experiment::{Device, Export, Kernels};
use crate::anomaly::options::{AnomalyData, AnomalyEvaluate, AnomalyModel, Rules};
use crate::training::options::TrainOptions;

/// The word that makes an experiment file one of this system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalySystem {
    /// Finds anomalies in a face's behaviour over a video.
    #[default]
    Anomalies,
}

/// One experiment: whose behaviour is learned from which features, how, and what counts as an anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnomalyExperiment {
    /// The system: `anomalies`.
    pub system: AnomalySystem,
    /// Short name: the run folder is `runs/<name>-<time>`. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences for the report.
    #[serde(default)]
    pub description: String,
    /// Fixes every random choice: initialisation, order of windows, and a generated person's behaviour.
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
    /// The features of one person, frame by frame, and what is made of them.
    pub data: AnomalyData,
    /// The network that learns to give its input again.
    #[serde(default)]
    pub model: AnomalyModel,
    /// How the squared error is minimised. `batch_size` counts windows; a whole clip is one.
    pub train: TrainOptions,
    /// Which frames are anomalies.
    #[serde(default)]
    pub rules: Rules,
    /// How the network is validated, and compared with planted anomalies where there are any.
    #[serde(default)]
    pub evaluate: AnomalyEvaluate,
    /// What is exported.
    #[serde(default)]
    pub export: Export,
}
