//! The system that classifies expressions: its experiment file as types, and the ranges of its values (field documentation
//! here is what `ferrotype config schema` prints); finished runs loaded for use, and prediction.

pub mod compute;
mod loaded;
mod predictor;

pub use loaded::LoadedRun;
pub use predictor::{BATCH, Planes, Prediction, Predictor};

mod heads;

use std::collections::BTreeMap;

use anyhow::Result;

use ferrotype_base::problems::{Problem, Problems};
use ferrotype_config::Root;
use ferrotype_config::sections::{self, Device, Expect, Export, Kernels};
use ferrotype_data::labels::HeadRequest;
use ferrotype_data::options::{DataOptions, Scale, SplitRule};
use ferrotype_model::objective::{HeadOptions, ObjectiveOptions};
use ferrotype_model::{Graph, ModelOptions};
use ferrotype_training::options::{Calibrate, Evaluate, SelectOn, TrainOptions};
use ferrotype_training::validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The word that says that an experiment file is one of this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpressionsSystem {
    /// Classifies expressions.
    Expressions,
}

/// One experiment: what is trained on what, how, and what came out elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The system: `expressions`. It may be left out, as all files did before there were others.
    #[serde(default, skip_serializing)]
    pub system: Option<ExpressionsSystem>,
    /// Short name: the run folder is `runs/<name>-<time>`. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences for the report: what this experiment reproduces or asks.
    #[serde(default)]
    pub description: String,
    /// Fixes every random choice: initialisation, order, augmentation, mixing, dropout, drawn labels.
    #[serde(default)]
    pub seed: u64,
    /// Where to compute: `auto`, `flex` (CPU), `cuda:N`, `rocm:N`, `tch`, `tch-cuda:N`, `metal`, `vulkan` or `wgpu`.
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
    /// Heads by name, for targets of other kinds than one class per row: labels, continuous values, several at once. Each
    /// learns a group of targets by a loss of its own, in place of `objective` (docs/targets.md).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heads: BTreeMap<String, HeadOptions>,
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
    /// What adversarial training is impossible beside.
    fn check_adversarial(&self, p: &mut Problems) {
        if self.train.adversarial.is_none() {
            return;
        }
        if self.data.preprocess.scale == Scale::Ferplus {
            p.add(
                "train.adversarial",
                "impossible with data.preprocess.scale ferplus, whose histogram equalisation cannot be undone; expected \
                 another scale: raw, unit, signed or mean_std"
                    .into(),
            );
        }
        let (name, left_out) = match &self.objective {
            ObjectiveOptions::Distillation(_) => ("distillation", "what teachers say of the pictures as they were"),
            ObjectiveOptions::CenterLoss(_) => ("center_loss", "the distance to the centres"),
            _ => return,
        };
        let message = format!(
            "is impossible beside objective.{name}: the adversary raises the loss against the labels, and would leave out \
             {left_out}; use one of the two"
        );
        p.add("train.adversarial", message);
    }

    /// Whether what selects the weights fits the division of the data.
    fn check_selection(&self, p: &mut Problems) {
        let has_validation = self.data.has_validation();
        match self.evaluate.select_on {
            SelectOn::Validation if !has_validation => p.add(
                "data.validation_set",
                "false leaves nothing that could select the weights; expected with it evaluate.select_on: none (the last epoch), \
                 or test to repeat a recipe that selected on the test set"
                    .into(),
            ),
            SelectOn::None if has_validation => p.add(
                "data.validation_set",
                "true keeps rows back that nothing looks at with evaluate.select_on: none; leave it out".into(),
            ),
            SelectOn::None => validate::without_validation(p, &self.train),
            SelectOn::Validation | SelectOn::Test => {}
        }
        if self.evaluate.calibrate == Calibrate::None {
            return;
        }
        if self.selected_on() != SelectOn::Validation || !has_validation {
            p.add(
                "evaluate.calibrate",
                "temperature is fitted on a validation set that is not scored in the end, and there is none; expected with it \
                 evaluate.select_on: validation, and a division with a validation set"
                    .into(),
            );
        }
        if !self.heads.is_empty() {
            p.add(
                "evaluate.calibrate",
                "is for a model of classes alone, which has no heads; remove one of the two".into(),
            );
        }
    }

    /// The network for pictures of `[channels, height, width]` and so many outputs.
    ///
    /// # Errors
    /// When it cannot be built for them.
    pub fn graph(&self, input: [usize; 3], outputs: usize) -> Result<Graph> {
        self.model.build_for(&self.objective, input, outputs)
    }

    /// The set that selects the weights: the test set, too, where it also serves as validation set.
    pub fn selected_on(&self) -> SelectOn {
        match self.evaluate.select_on {
            SelectOn::Validation if matches!(self.data.split, SplitRule::TestAsValidation) => SelectOn::Test,
            other => other,
        }
    }

    /// The heads as the data are asked for them; none for classes alone.
    pub fn head_requests(&self) -> Vec<HeadRequest> {
        let request = |(name, head): (&String, &HeadOptions)| HeadRequest {
            name: name.clone(),
            target: head.target.clone().unwrap_or_else(|| name.clone()),
            columns: head.columns.clone(),
        };
        self.heads.iter().map(request).collect()
    }

    /// Whether the weights are selected on the rows that are scored in the end.
    pub fn is_selected_on_test(&self) -> bool {
        self.selected_on() == SelectOn::Test
    }
}

impl Root for Experiment {
    fn resolve_defaults(&mut self) {
        if self.evaluate.select_on == SelectOn::None {
            self.data.validation_set.get_or_insert(false);
        }
        // One experiment has one digest, whether its file names the system or not.
        self.system = None;
        if let (Some(clips), Some((parts, frames))) = (&self.data.clips, self.model.streams_mut()) {
            parts.get_or_insert_with(|| clips.parts.iter().map(ToString::to_string).collect());
            frames.get_or_insert(clips.frames);
        }
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let p = &mut problems;
        sections::general(p, &self.name, &self.device, self.threads);
        ferrotype_data::validate::data(p, &self.data);
        ferrotype_model::validate::model(p, &self.model);
        ferrotype_model::validate::streams(p, &self.model, self.data.clips.as_ref());
        ferrotype_model::validate::objective(p, &self.objective);
        let heads: Vec<&str> = self.heads.keys().map(String::as_str).collect();
        self.check_heads(p);
        validate::train(p, &self.train, &heads);
        self.check_adversarial(p);
        validate::evaluate(p, &self.evaluate, &heads);
        if self.evaluate.ten_crop && self.data.preprocess.crop_from.is_none() {
            let message = "has one square to look at: set data.preprocess.crop_from, such as 48 for a size of 44";
            p.add("evaluate.ten_crop", message.into());
        }
        if self.evaluate.ten_crop && self.train.feature_cache.is_some() {
            let message = "is impossible with train.feature_cache, which stores the values of one square; leave one of the two out";
            p.add("evaluate.ten_crop", message.into());
        }
        self.check_selection(p);
        p.range("export.tolerance", self.export.tolerance, self.export.tolerance > 0.0, "more than 0");
        if let Some(expect) = &self.expect {
            sections::expect(p, expect, &heads);
        }
        problems.into_vec()
    }
}
