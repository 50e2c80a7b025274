//! Convolutions over time of action units, and the mean over the frames (Wang, Yan and Oates, arXiv:1611.06455, with fewer
//! filters and without normalisation, which would mix padding in).

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lstm::dropout_problem;
use super::sequence::{self, SequenceNetwork, SeriesOptions};
use crate::clip::ClipSet;
use crate::method::{Fitted, Method, Work};
use ferrotype_model::layers::{Conv2d, Linear};
use ferrotype_model::{GraphBuilder, Initialiser};
use ferrotype_ops::Compute;

/// Options of the temporal convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TemporalConvolutionOptions {
    /// What it is given.
    pub series: SeriesOptions,
    /// Filters of each layer.
    pub filters: usize,
    /// Frames that a filter looks at.
    pub kernel: usize,
    /// Layers, each with ReLU.
    pub layers: usize,
    /// Dropout rate before the classifier.
    pub dropout: f32,
}

impl Default for TemporalConvolutionOptions {
    fn default() -> Self {
        Self { series: SeriesOptions::default(), filters: 32, kernel: 5, layers: 2, dropout: 0.3 }
    }
}

impl SequenceNetwork for TemporalConvolutionOptions {
    const NAME: &'static str = "temporal_convolution";

    fn series(&self) -> &SeriesOptions {
        &self.series
    }

    fn layers(&self, g: &mut GraphBuilder, columns: usize) {
        let mut width = columns;
        let mut channels = 1;
        for i in 1..=self.layers {
            let conv = Conv2d::over_steps(self.filters, self.kernel, width);
            let init = Initialiser::pytorch_linear(channels * self.kernel * width);
            g.mask_steps(format!("layer{i}.there")).conv(format!("layer{i}.conv"), conv.init(init).bias(init)).relu();
            (width, channels) = (1, self.filters);
        }
        g.mean_steps("mean").dropout(self.dropout).linear("classifier", Linear::new(2));
    }

    fn own_problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (key, value, most) in
            [("filters", self.filters, 4096), ("kernel", self.kernel, 255), ("layers", self.layers, 16)]
        {
            if !(1..=most).contains(&value) {
                found.push((key.into(), format!("{value} is impossible; expected 1 to {most}")));
            }
        }
        found.extend(dropout_problem(self.dropout));
        found
    }
}

impl Method for TemporalConvolutionOptions {
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
