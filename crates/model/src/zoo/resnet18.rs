//! ResNet-18 (He et al., arXiv:1512.03385) with torchvision's names, by default with a stem for small pictures.

mod import;

pub(super) use import::imagenet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{BatchNorm, Conv2d, Linear, MaxPool};
use crate::published::Origin;
use crate::{GraphBuilder, Initialiser};

/// Options of `resnet18`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resnet18Options {
    /// How the network begins.
    pub stem: Stem,
    /// Channels of the four stages.
    pub widths: [usize; 4],
    /// Dropout rate before the last layer. The original has none.
    pub dropout: f32,
}

impl Default for Resnet18Options {
    fn default() -> Self {
        Self { stem: Stem::Small, widths: [64, 128, 256, 512], dropout: 0.0 }
    }
}

/// How ResNet-18 begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stem {
    /// A 3x3 convolution that keeps the size, and no pooling: for pictures of 32 to 64 pixels.
    Small,
    /// The original's 7x7 convolution with stride 2 and 3x3 max pooling with stride 2: for 112 to 224 pixels.
    Imagenet,
}

impl Architecture for Resnet18Options {
    fn name(&self) -> &'static str {
        "resnet18"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 48, 48]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn source(&self) -> &'static str {
        "He et al. 2015, arXiv:1512.03385; torchvision resnet18 with a 3x3 stem"
    }

    fn classifier(&self) -> &'static str {
        "fc."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        match self.stem {
            Stem::Small => g.conv("conv1", conv(self.widths[0], 3, 1)).batch_norm("bn1", BatchNorm::pytorch()).relu(),
            Stem::Imagenet => g
                .conv("conv1", conv(self.widths[0], 7, 2))
                .batch_norm("bn1", BatchNorm::pytorch())
                .relu()
                .max_pool("maxpool", MaxPool::new(3).stride(2).pad(1)),
        };
        for (stage, width) in (1..).zip(self.widths) {
            block(g, &format!("layer{stage}.0"), width, if stage == 1 { 1 } else { 2 });
            block(g, &format!("layer{stage}.1"), width, 1);
        }
        g.global_avg_pool("avgpool").dropout(self.dropout);
        let init = Initialiser::pytorch_linear(self.widths[3]);
        g.linear("fc", Linear::new(classes).init(init).bias(init));
    }
}

fn conv(width: usize, kernel: usize, stride: usize) -> Conv2d {
    Conv2d::new(width, kernel).stride(stride).pad(kernel / 2).no_bias().init(Initialiser::HeNormalFanOut)
}

/// torchvision's `BasicBlock`.
fn block(g: &mut GraphBuilder, name: &str, width: usize, stride: usize) {
    let norm = BatchNorm::pytorch;
    let fork = g.tip();
    let shortcut = if stride == 1 && g.channels() == width {
        fork
    } else {
        g.conv(format!("{name}.downsample.0"), conv(width, 1, stride))
            .batch_norm(format!("{name}.downsample.1"), norm());
        g.tip()
    };
    g.at(fork);
    g.conv(format!("{name}.conv1"), conv(width, 3, stride)).batch_norm(format!("{name}.bn1"), norm()).relu();
    g.conv(format!("{name}.conv2"), conv(width, 3, 1)).batch_norm(format!("{name}.bn2"), norm());
    g.add(format!("{name}.add"), shortcut).relu();
}
