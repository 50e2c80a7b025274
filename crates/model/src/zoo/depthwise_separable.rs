//! A plain depthwise-separable network to measure speed with. It is no published system: the layers are MobileNet's
//! (Howard et al. 2017, arXiv:1704.04861), with 2x2 max pooling in place of strides and fewer, narrower stages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::GraphBuilder;
use crate::layers::{BatchNorm, Conv2d, Linear, MaxPool};

/// Options of `depthwise_separable`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DepthwiseSeparableOptions {
    /// Channels of the first convolution; the five stages have 2, 4, 8, 16 and 16 times as many.
    pub base: usize,
}

impl Default for DepthwiseSeparableOptions {
    fn default() -> Self {
        Self { base: 32 }
    }
}

impl Architecture for DepthwiseSeparableOptions {
    fn name(&self) -> &'static str {
        "depthwise_separable"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 64, 64]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn source(&self) -> &'static str {
        "a network to measure speed with, after MobileNet (arXiv:1704.04861); unpublished"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let norm = BatchNorm::pytorch;
        g.conv("stem.conv", Conv2d::new(self.base, 3).same().no_bias()).batch_norm("stem.bn", norm()).relu();
        // Width of each separable convolution, and whether pooling follows.
        let blocks = [(2, true), (4, false), (4, true), (8, false), (8, true), (16, false), (16, false)];
        for (i, (factor, pooled)) in (1..).zip(blocks) {
            g.conv(format!("block{i}.depthwise"), Conv2d::depthwise(3).same().no_bias());
            g.batch_norm(format!("block{i}.bn1"), norm()).relu();
            g.conv(format!("block{i}.pointwise"), Conv2d::new(self.base * factor, 1).no_bias());
            g.batch_norm(format!("block{i}.bn2"), norm()).relu();
            if pooled {
                g.max_pool(format!("block{i}.pool"), MaxPool::new(2));
            }
        }
        g.global_avg_pool("head.pool").linear("head.logits", Linear::new(classes));
    }
}
