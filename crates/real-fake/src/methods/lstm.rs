//! A long short-term memory over action units: the usual way to learn from sequences, beside which the challenge's methods
//! are put.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sequence::{self, SequenceNetwork, SeriesOptions};
use crate::clip::ClipSet;
use crate::method::{Fitted, Method, Work};
use ferrotype_model::GraphBuilder;
use ferrotype_model::layers::{Linear, Lstm};
use ferrotype_ops::Compute;

/// Options of the long short-term memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LstmOptions {
    /// What it is given.
    pub series: SeriesOptions,
    /// Values of each layer's state.
    pub hidden: usize,
    /// Layers, one on the other; the mean of the top one's states is classified.
    pub layers: usize,
    /// Dropout rate before the classifier.
    pub dropout: f32,
}

impl Default for LstmOptions {
    fn default() -> Self {
        Self { series: SeriesOptions::default(), hidden: 32, layers: 1, dropout: 0.3 }
    }
}

impl SequenceNetwork for LstmOptions {
    const NAME: &'static str = "lstm";

    fn series(&self) -> &SeriesOptions {
        &self.series
    }

    fn layers(&self, g: &mut GraphBuilder, _: usize) {
        g.to_sequence("series");
        for i in 1..=self.layers {
            g.lstm(format!("memory.layer{i}"), Lstm::pytorch(self.hidden));
        }
        g.mean_steps("mean").dropout(self.dropout).linear("classifier", Linear::new(2));
    }

    fn own_problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if !(1..=4096).contains(&self.hidden) {
            found.push(("hidden".into(), format!("{} is impossible; expected 1 to 4096", self.hidden)));
        }
        if !(1..=8).contains(&self.layers) {
            found.push(("layers".into(), format!("{} is impossible; expected 1 to 8", self.layers)));
        }
        found.extend(dropout_problem(self.dropout));
        found
    }
}

/// What is wrong with a dropout rate.
pub(super) fn dropout_problem(rate: f32) -> Option<(String, String)> {
    let possible = (0.0..1.0).contains(&rate);
    (!possible).then(|| ("dropout".into(), format!("{rate} is impossible; expected 0 or more and less than 1")))
}

impl Method for LstmOptions {
    fn selects(&self) -> bool {
        true
    }

    fn problems(&self) -> Vec<(String, String)> {
        sequence::problems(self)
    }

    fn fit(&self, set: &ClipSet, training: &[usize], validation: &[usize], work: &mut Work) -> Result<Box<dyn Fitted>> {
        sequence::fit(self, set, training, validation, work)
    }

    fn load(&self, set: &ClipSet, folder: &Path, device: &Device, compute: Compute) -> Result<Box<dyn Fitted>> {
        sequence::load::<Self>(set, folder, device, compute)
    }
}
