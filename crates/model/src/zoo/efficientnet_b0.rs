//! EfficientNet-B0 (Tan and Le, arXiv:1905.11946) as torchvision builds it (`efficientnet.py`): inverted residuals with squeeze
//! and excitation and SiLU. Names are torchvision's, so that its weights fit.
//!
//! The original (TensorFlow) has another border, asymmetric at stride 2, and an eps of 1e-3.

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::divisible::divisible;
use super::torchvision::conv_norm;
use crate::layers::{BatchNorm, Conv2d, Linear, SqueezeExcite};
use crate::published::Origin;
use crate::{GraphBuilder, Initialiser};
use ferrotype_kernels::activation::Function;

/// Options of `efficientnet_b0`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EfficientnetB0Options {
    /// Width multiplier; 1 is B0. Widths are rounded to multiples of 8.
    pub width_multiplier: f64,
    /// Stride of the first convolution: 2 as published, 1 for pictures of less than 100 pixels.
    pub stem_stride: usize,
    /// Dropout rate before the last layer.
    pub dropout: f32,
    /// Stochastic depth: the rate that the sixteen residual blocks approach from the first, which has 0, to the last.
    pub drop_path: f32,
}

impl Default for EfficientnetB0Options {
    fn default() -> Self {
        Self { width_multiplier: 1.0, stem_stride: 2, dropout: 0.2, drop_path: 0.2 }
    }
}

/// A stage: blocks of one width, of which the first has the stride.
struct Stage {
    expansion: usize,
    kernel: usize,
    stride: usize,
    width: usize,
    repeats: usize,
}

const fn stage(expansion: usize, kernel: usize, stride: usize, width: usize, repeats: usize) -> Stage {
    Stage { expansion, kernel, stride, width, repeats }
}

/// Table 1 of the paper.
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 16, 1),
    stage(6, 3, 2, 24, 2),
    stage(6, 5, 2, 40, 2),
    stage(6, 3, 2, 80, 3),
    stage(6, 5, 1, 112, 3),
    stage(6, 5, 2, 192, 4),
    stage(6, 3, 1, 320, 1),
];

impl Architecture for EfficientnetB0Options {
    fn name(&self) -> &'static str {
        "efficientnet_b0"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 224, 224]
    }

    fn default_classes(&self) -> usize {
        1000
    }

    fn source(&self) -> &'static str {
        "Tan and Le 2019, arXiv:1905.11946; torchvision efficientnet_b0"
    }

    fn classifier(&self) -> &'static str {
        "classifier."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let kept = (0.0..1.0).contains(&self.drop_path);
        g.require(kept, || format!("has a `drop_path` of {}: it must be at least 0 and below 1", self.drop_path));
        conv_norm(g, "features.0", Conv2d::new(self.channels(32), 3).stride(self.stem_stride), BatchNorm::pytorch());
        g.silu();
        let blocks: usize = STAGES.iter().map(|stage| stage.repeats).sum();
        let mut block = 0;
        for (i, stage) in (1..).zip(&STAGES) {
            for repeat in 0..stage.repeats {
                let drop_path = self.drop_path * block as f32 / blocks as f32;
                self.block(g, &format!("features.{i}.{repeat}"), stage, repeat == 0, drop_path);
                block += 1;
            }
        }
        let last = 4 * g.channels();
        conv_norm(g, "features.8", Conv2d::new(last, 1), BatchNorm::pytorch());
        g.silu().global_avg_pool("avgpool").dropout(self.dropout);
        let init = Initialiser::Uniform(1.0 / (classes as f32).sqrt());
        g.linear("classifier.1", Linear::new(classes).init(init));
    }
}

impl EfficientnetB0Options {
    fn channels(&self, full: usize) -> usize {
        divisible(full as f64 * self.width_multiplier)
    }

    /// torchvision's `MBConv`: expansion, depthwise convolution, squeeze and excitation, linear projection; a shortcut where input
    /// and output have one shape.
    fn block(&self, g: &mut GraphBuilder, name: &str, stage: &Stage, first: bool, drop_path: f32) {
        let (fork, before) = (g.tip(), g.channels());
        let (width, stride) = (self.channels(stage.width), if first { stage.stride } else { 1 });
        let mut parts = (0..).map(|i| format!("{name}.block.{i}"));
        let mut part = || parts.next().unwrap_or_default();
        if stage.expansion != 1 {
            let expanded = divisible((before * stage.expansion) as f64);
            conv_norm(g, &part(), Conv2d::new(expanded, 1), BatchNorm::pytorch());
            g.silu();
        }
        conv_norm(g, &part(), Conv2d::depthwise(stage.kernel).stride(stride), BatchNorm::pytorch());
        g.silu();
        // A quarter of what the block takes, not of what it expands to.
        let squeeze = SqueezeExcite::new((before / 4).max(1)).activation(Function::Silu);
        g.squeeze_excite(part(), squeeze.init(Initialiser::HeNormalFanOut));
        conv_norm(g, &part(), Conv2d::new(width, 1), BatchNorm::pytorch());
        if stride == 1 && before == width {
            g.drop_path(drop_path).add(format!("{name}.add"), fork);
        }
    }
}

#[cfg(test)]
mod tests;
