//! The experiment of the system that tells felt from posed expressions. Field documentation here is what
//! `ferrotype config schema --system real_fake` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::experiment::{Device, Expect, Export, Kernels};
use crate::real_fake::data::RealFakeData;
use crate::real_fake::options::MethodOptions;
use crate::training::options::TrainOptions;

/// The word that makes an experiment file one of this system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RealFakeSystem {
    /// Tells felt from posed expressions.
    #[default]
    RealFake,
}

/// One experiment: which clips, how they are divided, and by which method they are told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealFakeExperiment {
    /// The system: `real_fake`.
    pub system: RealFakeSystem,
    /// Short name: the run folder is `runs/<name>-<time>`. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences for the report.
    #[serde(default)]
    pub description: String,
    /// Fixes every random choice: simulated clips, folds, ensembles, initial weights, order of clips.
    #[serde(default)]
    pub seed: u64,
    /// Where networks compute: `auto`, `flex` (CPU), `cuda:N`, `tch`, `tch-cuda:N` or `vulkan`.
    #[serde(default)]
    pub device: Device,
    /// CPU threads; 0 means all cores. Results do not depend on it.
    #[serde(default)]
    pub threads: usize,
    /// Which CPU kernels compute.
    #[serde(default)]
    pub kernels: Kernels,
    /// The clips and their division.
    pub data: RealFakeData,
    /// How felt expressions are told from posed ones.
    pub method: MethodOptions,
    /// How the networks of methods that have some are trained. `batch_size` counts clips or windows, as the method says.
    #[serde(default = "train")]
    pub train: TrainOptions,
    /// What is exported: the networks of methods that have some.
    #[serde(default)]
    pub export: Export,
    /// A published or earlier figure.
    #[serde(default)]
    pub expect: Option<Expect>,
}

/// A recipe for small networks on a few hundred clips: 60 epochs of 16 by Adam with 1e-3.
fn train() -> TrainOptions {
    let recipe = serde_json::json!({ "epochs": 60, "batch_size": 16, "lr": 1e-3 });
    serde_json::from_value(recipe).expect("these keys make a whole section")
}
