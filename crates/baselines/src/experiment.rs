//! The experiment of the system `baselines`, and the ranges of its values. Field documentation here is what `ferrotype config
//! schema --system baselines` prints.

use ferrotype_base::problems::{Problem, Problems};
use ferrotype_config::Root;
use ferrotype_config::sections::{self, Device, Expect};
use ferrotype_data::labels;
use ferrotype_data::options::{Augment, DataOptions, LabelMode, Sampler, SplitRule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MethodOptions;

/// The word that makes an experiment file one of this system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineSystem {
    /// Classifies expressions by a classical method.
    #[default]
    Baselines,
}

/// One experiment: which rows are told apart, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineExperiment {
    /// The system: `baselines`.
    pub system: BaselineSystem,
    /// Short name: the run folder is `runs/<name>-<time>`. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences for the report.
    #[serde(default)]
    pub description: String,
    /// Fixes every random choice: the division of the data, and the folds within the training rows.
    #[serde(default)]
    pub seed: u64,
    /// CPU threads; 0 means all cores. Results do not depend on it.
    #[serde(default)]
    pub threads: usize,
    /// Faces, labels, split and preprocessing. Nothing is kept back for validation: what a method chooses, it chooses by folds
    /// within the training rows.
    pub data: DataOptions,
    /// The classifier.
    pub method: MethodOptions,
    /// A published or earlier figure to stand beside the result.
    #[serde(default)]
    pub expect: Option<Expect>,
}

impl Root for BaselineExperiment {
    fn resolve_defaults(&mut self) {
        self.data.validation_set.get_or_insert(false);
    }

    fn refused_keys() -> Vec<&'static str> {
        vec!["data.augment", "data.sampler", "data.clips"]
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let p = &mut problems;
        sections::general(p, &self.name, &Device::default(), self.threads);
        ferrotype_data::validate::data(p, &self.data);
        let has_validation = self.data.has_validation() || matches!(self.data.split, SplitRule::TestAsValidation);
        let refused = [
            ("data.validation_set", has_validation, "keeps rows back that nothing looks at: leave it out"),
            ("data.augment", self.data.augment != Augment::default(), "changes pictures: remove it"),
            ("data.sampler", self.data.sampler != Sampler::default(), "orders batches, and there are none: remove it"),
            (
                "data.clips",
                self.data.clips.is_some(),
                "makes sequences, and these methods take single pictures: remove it",
            ),
        ];
        for (key, _, why) in refused.iter().filter(|(_, is_given, _)| *is_given) {
            p.add(key, format!("is for networks; it {why}"));
        }
        if matches!(self.data.labels, LabelMode::Probability | LabelMode::Crossentropy | LabelMode::MultiTarget) {
            let mode = labels::as_str(self.data.labels);
            let why = "gives a row several classes, and these methods learn one class per row";
            p.add("data.labels", format!("`{mode}` {why}: choose original, majority or argmax_eight"));
        }
        self.method.build().check(p);
        if let Some(expect) = &self.expect {
            sections::expect(p, expect, &[]);
        }
        problems.into_vec()
    }
}
