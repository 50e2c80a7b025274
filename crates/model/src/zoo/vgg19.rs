//! VGG-19 with batch normalisation and one linear layer, for pictures of 32 to 63 pixels (Simonyan and Zisserman, arXiv:1409.1556;
//! WuJie1010/Facial-Expression-Recognition.Pytorch, `models/vgg.py`, after kuangliu/pytorch-cifar).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{BatchNorm, Conv2d, Linear, MaxPool};
use crate::{GraphBuilder, Initialiser};

/// Options of `vgg19`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Vgg19Options {
    /// Channels of the first block; the others have 2, 4, 8 and 8 times as many. Published: 64.
    pub width: usize,
    /// Dropout rate before the last layer.
    pub dropout: f32,
}

impl Default for Vgg19Options {
    fn default() -> Self {
        Self { width: 64, dropout: 0.5 }
    }
}

impl Architecture for Vgg19Options {
    fn name(&self) -> &'static str {
        "vgg19"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 44, 44]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn source(&self) -> &'static str {
        "Simonyan and Zisserman 2014, arXiv:1409.1556; WuJie1010/Facial-Expression-Recognition.Pytorch models/vgg.py"
    }

    fn classifier(&self) -> &'static str {
        "classifier."
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        // PyTorch's names count every module of a sequence.
        let mut module = 0;
        for (factor, convs) in [(1, 2), (2, 2), (4, 4), (8, 4), (8, 4)] {
            for _ in 0..convs {
                let init = Initialiser::pytorch_linear(g.channels() * 9);
                let conv = Conv2d::new(self.width.saturating_mul(factor), 3).pad(1).init(init).bias(init);
                g.conv(format!("features.{module}"), conv);
                g.batch_norm(format!("features.{}", module + 1), BatchNorm::pytorch()).relu();
                module += 3;
            }
            g.max_pool(format!("features.{module}"), MaxPool::new(2));
            module += 1;
        }
        g.flatten("flatten").dropout(self.dropout);
        let init = Initialiser::pytorch_linear(g.shape().len());
        g.linear("classifier", Linear::new(classes).init(init).bias(init));
    }
}
