//! The experiment of the system that tells genuine from posed expressions, and the ranges of its values. Field documentation here
//! is what `ferrotype config schema --system real_fake` prints.

use ferrotype_base::problems::{Problem, Problems};
use ferrotype_config::Root;
use ferrotype_config::sections::{self, Device, Expect, Export, Kernels};
use ferrotype_training::options::TrainOptions;
use ferrotype_training::validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::RealFakeData;
use crate::options::MethodOptions;

/// More folds than any set of clips has subjects.
const MAX_FOLDS: usize = 1000;

/// The word that makes an experiment file one of this system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RealFakeSystem {
    /// Tells genuine from posed expressions.
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
    /// Fixes every random choice: synthetic clips, folds, ensembles, initial weights, order of clips.
    #[serde(default)]
    pub seed: u64,
    /// Where networks compute: `auto`, `flex` (CPU), `cuda:N`, `rocm:N`, `tch`, `tch-cuda:N`, `metal`, `vulkan` or `wgpu`.
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
    /// How genuine expressions are told from posed ones.
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

impl Root for RealFakeExperiment {
    fn refused_keys() -> Vec<&'static str> {
        validate::keys_of_expressions()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let p = &mut problems;
        sections::general(p, &self.name, &self.device, self.threads);
        check_real_fake_data(p, &self.data);
        let method = self.method.name();
        for (key, message) in self.method.build().problems() {
            p.add(&format!("method.{method}.{key}"), message);
        }
        validate::train(p, &self.train, &[]);
        validate::only_for_expressions(p, &self.train, "real_fake");
        p.range("export.tolerance", self.export.tolerance, self.export.tolerance > 0.0, "more than 0");
        if let Some(expect) = &self.expect {
            sections::expect(p, expect, &[]);
        }
        problems.into_vec()
    }
}

fn check_real_fake_data(p: &mut Problems, data: &RealFakeData) {
    for (key, message) in data.source.problems() {
        p.add(&format!("data.source.{key}"), message);
    }
    if let Some(rate) = data.rate {
        p.range("data.rate", rate, rate > 0.0 && rate <= 1000.0, "frames per second above 0, at most 1000");
    }
    p.not_negative("data.max_gap", data.max_gap);
    if let Some(folds) = data.split.folds() {
        p.up_to("data.split", folds, 2, MAX_FOLDS);
        p.check("data.fold", data.fold, data.fold < folds.max(1), &format!("a fold of 0 to {}", folds.max(1) - 1));
    } else {
        p.check("data.fold", data.fold, data.fold == 0, "0: the official division has no folds");
    }
    let part = data.validation;
    p.range("data.validation", part, part > 0.0 && part <= 0.5, "a number above 0, at most 0.5");
}
