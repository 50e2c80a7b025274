//! MobileNetV3 (Howard et al., arXiv:1905.02244) as torchvision builds it (`mobilenetv3.py`), small or large. Names are
//! torchvision's, so that its weights fit.

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

/// Options of `mobilenet_v3`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MobilenetV3Options {
    /// Which of the paper's two networks.
    pub variant: MobilenetV3Variant,
    /// Width multiplier; weights are published for 1. Widths are rounded to multiples of 8.
    pub width_multiplier: f64,
    /// Stride of the first convolution: 2 as published, 1 for pictures of less than 100 pixels.
    pub stem_stride: usize,
    /// How much of the running statistics stays at each step (Keras' meaning). Trainings of few steps want less.
    pub norm_momentum: f64,
    /// Dropout rate before the last layer.
    pub dropout: f32,
}

impl Default for MobilenetV3Options {
    fn default() -> Self {
        Self {
            variant: MobilenetV3Variant::Small,
            width_multiplier: 1.0,
            stem_stride: 2,
            norm_momentum: 0.99,
            dropout: 0.2,
        }
    }
}

/// The two networks of MobileNetV3's paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MobilenetV3Variant {
    /// Eleven blocks, 2.5 million parameters.
    Small,
    /// Fifteen blocks, 5.5 million parameters.
    Large,
}

/// What a block's activation is.
#[derive(Clone, Copy)]
enum Act {
    Relu,
    HardSwish,
}

use Act::{HardSwish as HS, Relu as RE};

/// A block: kernel, expanded channels, channels, squeeze and excitation, activation, stride.
type Block = (usize, usize, usize, bool, Act, usize);

/// Table 2 of the paper.
const SMALL: [Block; 11] = [
    (3, 16, 16, true, RE, 2),
    (3, 72, 24, false, RE, 2),
    (3, 88, 24, false, RE, 1),
    (5, 96, 40, true, HS, 2),
    (5, 240, 40, true, HS, 1),
    (5, 240, 40, true, HS, 1),
    (5, 120, 48, true, HS, 1),
    (5, 144, 48, true, HS, 1),
    (5, 288, 96, true, HS, 2),
    (5, 576, 96, true, HS, 1),
    (5, 576, 96, true, HS, 1),
];

/// Table 1 of the paper.
const LARGE: [Block; 15] = [
    (3, 16, 16, false, RE, 1),
    (3, 64, 24, false, RE, 2),
    (3, 72, 24, false, RE, 1),
    (5, 72, 40, true, RE, 2),
    (5, 120, 40, true, RE, 1),
    (5, 120, 40, true, RE, 1),
    (3, 240, 80, false, HS, 2),
    (3, 200, 80, false, HS, 1),
    (3, 184, 80, false, HS, 1),
    (3, 184, 80, false, HS, 1),
    (3, 480, 112, true, HS, 1),
    (3, 672, 112, true, HS, 1),
    (5, 672, 160, true, HS, 2),
    (5, 960, 160, true, HS, 1),
    (5, 960, 160, true, HS, 1),
];

impl MobilenetV3Variant {
    /// The blocks, and the hidden features of the classifier.
    fn layers(self) -> (&'static [Block], usize) {
        match self {
            Self::Small => (&SMALL, 1024),
            Self::Large => (&LARGE, 1280),
        }
    }
}

impl Architecture for MobilenetV3Options {
    fn name(&self) -> &'static str {
        "mobilenet_v3"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 224, 224]
    }

    fn default_classes(&self) -> usize {
        1000
    }

    fn source(&self) -> &'static str {
        "Howard et al. 2019, arXiv:1905.02244; torchvision mobilenet_v3_small"
    }

    // The hidden layer before it belongs to what was learnt.
    fn classifier(&self) -> &'static str {
        "classifier.3."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let (blocks, hidden) = self.variant.layers();
        conv_norm(g, "features.0", Conv2d::new(self.channels(16), 3).stride(self.stem_stride), self.norm());
        g.hard_swish();
        for (i, block) in (1..).zip(blocks) {
            self.block(g, &format!("features.{i}"), block);
        }
        let last = 6 * g.channels();
        conv_norm(g, &format!("features.{}", blocks.len() + 1), Conv2d::new(last, 1), self.norm());
        g.hard_swish().global_avg_pool("avgpool");
        let linear = |outputs| Linear::new(outputs).init(Initialiser::Normal(0.01));
        g.linear("classifier.0", linear(self.channels(hidden))).hard_swish().dropout(self.dropout);
        g.linear("classifier.3", linear(classes));
    }
}

impl MobilenetV3Options {
    fn channels(&self, full: usize) -> usize {
        divisible(full as f64 * self.width_multiplier)
    }

    fn norm(&self) -> BatchNorm {
        BatchNorm::keras().momentum(1.0 - self.norm_momentum)
    }

    /// torchvision's `InvertedResidual`: expansion, depthwise convolution, squeeze and excitation, linear projection; a shortcut
    /// where input and output have one shape.
    fn block(&self, g: &mut GraphBuilder, name: &str, &(kernel, expanded, width, excited, act, stride): &Block) {
        let (fork, before) = (g.tip(), g.channels());
        let (expanded, width) = (self.channels(expanded), self.channels(width));
        let mut parts = (0..).map(|i| format!("{name}.block.{i}"));
        let mut part = || parts.next().unwrap_or_default();
        if expanded != before {
            conv_norm(g, &part(), Conv2d::new(expanded, 1), self.norm());
            activate(g, act);
        }
        conv_norm(g, &part(), Conv2d::depthwise(kernel).stride(stride), self.norm());
        activate(g, act);
        if excited {
            let squeeze = SqueezeExcite::new(divisible((expanded / 4) as f64)).gate(Function::HardSigmoid);
            g.squeeze_excite(part(), squeeze.init(Initialiser::HeNormalFanOut));
        }
        conv_norm(g, &part(), Conv2d::new(width, 1), self.norm());
        if stride == 1 && before == width {
            g.add(format!("{name}.add"), fork);
        }
    }
}

fn activate(g: &mut GraphBuilder, act: Act) {
    match act {
        Act::Relu => g.relu(),
        Act::HardSwish => g.hard_swish(),
    };
}

#[cfg(test)]
mod tests;
