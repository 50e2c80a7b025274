//! FER+'s VGG13 (Barsoum et al., arXiv:1608.01041; microsoft/FERPlus, `src/models.py`).

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::GraphBuilder;
use crate::layers::{Conv2d, Linear, MaxPool};
use crate::published::Origin;

/// Options of `vgg13`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vgg13Options {
    /// Dropout rate after each pooling.
    pub conv_dropout: f32,
    /// Dropout rate after each hidden fully connected layer.
    pub dense_dropout: f32,
    /// Width of the hidden fully connected layers.
    pub dense_width: usize,
}

impl Default for Vgg13Options {
    fn default() -> Self {
        Self { conv_dropout: 0.25, dense_dropout: 0.5, dense_width: 1024 }
    }
}

impl Architecture for Vgg13Options {
    fn name(&self) -> &'static str {
        "vgg13"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 64, 64]
    }

    fn default_classes(&self) -> usize {
        8
    }

    fn source(&self) -> &'static str {
        "Barsoum et al. 2016, arXiv:1608.01041; microsoft/FERPlus src/models.py"
    }

    fn classifier(&self) -> &'static str {
        "head.logits."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        for (block, (width, convs)) in (1..).zip([(64, 2), (128, 2), (256, 3), (256, 3)]) {
            for i in 1..=convs {
                g.conv(format!("features.conv{block}_{i}"), Conv2d::new(width, 3).same()).relu();
            }
            g.max_pool(format!("features.pool{block}"), MaxPool::new(2)).dropout(self.conv_dropout);
        }
        g.flatten("flatten");
        for i in 1..=2 {
            g.linear(format!("head.fc{i}"), Linear::new(self.dense_width)).relu().dropout(self.dense_dropout);
        }
        g.linear("head.logits", Linear::new(classes));
    }
}
