//! MobileNetV2 (Sandler et al., arXiv:1801.04381; keras-applications `mobilenet_v2.py`, torchvision `mobilenetv2.py`).
//!
//! Everything below `features.` is the backbone, everything below `head.` the classifier. A network for one channel
//! (`colour: grey`) has a first kernel of one channel; imported, it is the sum over the three colours of the original,
//! which is what grey pictures replicated to RGB amount to.

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::divisible::divisible;
use crate::GraphBuilder;
use crate::layers::{BatchNorm, Conv2d, Linear};
use crate::published::Origin;

/// Options of `mobilenet_v2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MobilenetV2Options {
    /// Width multiplier: 0.35, 0.5, 0.75, 1, 1.3 and 1.4 are published. Widths are rounded to multiples of 8.
    pub width_multiplier: f64,
    /// The border of 3x3 convolutions.
    pub padding: MobilenetV2Padding,
    /// Whether normalisation layers stand behind the convolutions, or are folded into their weights and biases.
    pub batch_norm: MobilenetV2Norm,
    /// What normalisation adds to the variance: 1e-3 in Keras and TensorFlow, 1e-5 in torchvision.
    pub norm_eps: f64,
    /// How much of the running statistics stays at each step (Keras' meaning; 0.999 in Keras, 0.9 in torchvision).
    /// Trainings of few steps want less.
    pub norm_momentum: f64,
    /// The classifier.
    pub head: MobilenetV2Head,
    /// Dropout rate before the last layer; left out, the head's own: 0.2 for `linear`, 0.5 for `dense128`.
    pub dropout: Option<f32>,
}

impl Default for MobilenetV2Options {
    fn default() -> Self {
        Self {
            width_multiplier: 1.0,
            padding: MobilenetV2Padding::TfSame,
            batch_norm: MobilenetV2Norm::Separate,
            norm_eps: 1e-3,
            norm_momentum: 0.999,
            head: MobilenetV2Head::Linear,
            dropout: None,
        }
    }
}

/// The border of MobileNetV2's 3x3 convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MobilenetV2Padding {
    /// TensorFlow's SAME: with stride 2 on even sizes no pixel before and one after. Keras and Google's checkpoints.
    TfSame,
    /// One pixel on every side: torchvision.
    Symmetric,
}

/// Where MobileNetV2's batch normalisation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MobilenetV2Norm {
    /// A layer behind every convolution, which has no bias.
    Separate,
    /// Inside the convolutions' weights and biases, as in models for inference.
    Folded,
}

/// MobileNetV2's classifier, behind global average pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MobilenetV2Head {
    /// Dropout and one linear layer.
    Linear,
    /// Emotion-Detection-use-case's: 128 units with ReLU, dropout, and a linear layer.
    Dense128,
}

/// Expansion, channels, repetitions and first stride of each stage: table 2 of the paper.
const STAGES: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
/// Channels of the last convolution; multipliers below 1 do not narrow it.
const LAST: usize = 1280;

impl Architecture for MobilenetV2Options {
    fn name(&self) -> &'static str {
        "mobilenet_v2"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 224, 224]
    }

    fn default_classes(&self) -> usize {
        1000
    }

    fn source(&self) -> &'static str {
        "Sandler et al. 2018, arXiv:1801.04381; keras-applications, torchvision"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let parts = Parts(self);
        parts.conv(g, "features.stem.conv", Conv2d::new(self.channels(32), 3).stride(2));
        g.relu6();
        let mut block = 0;
        for (expansion, width, repeats, stride) in STAGES {
            for i in 0..repeats {
                let stride = if i == 0 { stride } else { 1 };
                parts.inverted_residual(g, block, expansion, self.channels(width), stride);
                block += 1;
            }
        }
        let last = if self.width_multiplier > 1.0 { self.channels(LAST) } else { LAST };
        parts.conv(g, "features.last.conv", Conv2d::new(last, 1));
        g.relu6().global_avg_pool("head.pool");
        let dropout = |own| self.dropout.unwrap_or(own);
        match self.head {
            MobilenetV2Head::Linear => g.dropout(dropout(0.2)),
            MobilenetV2Head::Dense128 => g.linear("head.fc1", Linear::new(128)).relu().dropout(dropout(0.5)),
        };
        g.linear("head.logits", Linear::new(classes));
    }
}

impl MobilenetV2Options {
    /// A stage's channels under the width multiplier.
    fn channels(&self, full: usize) -> usize {
        divisible(full as f64 * self.width_multiplier)
    }
}

/// The building blocks under given options.
struct Parts<'a>(&'a MobilenetV2Options);

impl Parts<'_> {
    /// A convolution with its border and normalisation. The normalisation of `a.conv` is `a.bn`.
    fn conv(&self, g: &mut GraphBuilder, name: &str, layer: Conv2d) {
        let border = layer.kernel[0] / 2;
        let layer = match self.0.padding {
            MobilenetV2Padding::TfSame => layer.same(),
            MobilenetV2Padding::Symmetric => layer.pad(border),
        };
        match self.0.batch_norm {
            MobilenetV2Norm::Folded => g.conv(name, layer),
            MobilenetV2Norm::Separate => {
                let norm =
                    BatchNorm { eps: self.0.norm_eps, ..BatchNorm::keras() }.momentum(1.0 - self.0.norm_momentum);
                g.conv(name, layer.no_bias()).batch_norm(format!("{}.bn", name.trim_end_matches(".conv")), norm)
            }
        };
    }

    /// Expansion, depthwise convolution, linear projection; a shortcut where input and output have one shape.
    fn inverted_residual(&self, g: &mut GraphBuilder, index: usize, expansion: usize, width: usize, stride: usize) {
        let name = |part: &str| format!("features.block{index}.{part}.conv");
        let (fork, before) = (g.tip(), g.channels());
        if expansion != 1 {
            self.conv(g, &name("expand"), Conv2d::new(before * expansion, 1));
            g.relu6();
        }
        self.conv(g, &name("depthwise"), Conv2d::depthwise(3).stride(stride));
        g.relu6();
        self.conv(g, &name("project"), Conv2d::new(width, 1));
        if stride == 1 && before == width {
            g.add(format!("features.block{index}.add"), fork);
        }
    }
}

#[cfg(test)]
mod tests;
