//! FerroNet: a small residual network that trains fast on processors.
//!
//! All convolutions are 3x3 with stride 1 on maps whose sides Winograd's tiles divide (48, 24, 12 and 6 pixels), where the
//! native kernels need the least arithmetic; maps shrink by 2x2 max pooling alone. After the plan of ResNet-9 (Page 2018, "How
//! to train your ResNet"): a convolution widens each stage, residual blocks follow where they pay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{BatchNorm, Conv2d, Linear, MaxPool, SqueezeExcite};
use crate::{GraphBuilder, Initialiser};

/// Of squeeze and excitation: channels for each feature between its linear layers.
const REDUCTION: usize = 8;

/// Options of `ferronet`. The defaults are `ferronet_s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FerronetOptions {
    /// Channels of the stem and of each of three stages.
    pub widths: [usize; 4],
    /// Residual blocks of each stage.
    pub blocks: [usize; 3],
    /// Squeeze and excitation at the end of each residual block, before the sum.
    pub squeeze_excite: bool,
    /// Rate of stochastic depth of the last block; it grows from 0 at the first.
    pub drop_path: f32,
    /// Dropout rate before the last layer.
    pub dropout: f32,
}

impl Default for FerronetOptions {
    fn default() -> Self {
        Self { widths: [24, 48, 96, 192], blocks: [0, 1, 1], squeeze_excite: false, drop_path: 0.0, dropout: 0.2 }
    }
}

impl Architecture for FerronetOptions {
    fn name(&self) -> &'static str {
        "ferronet"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 48, 48]
    }

    fn default_classes(&self) -> usize {
        8
    }

    fn source(&self) -> &'static str {
        "Ferrotype, after ResNet-9 (Page 2018, \"How to train your ResNet\")"
    }

    fn classifier(&self) -> &'static str {
        "fc."
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let [stem, widths @ ..] = self.widths;
        conv_norm(g, "stem", stem);
        g.relu();
        let all = self.blocks.iter().sum::<usize>();
        let mut done = 0;
        for (stage, (width, blocks)) in (1..).zip(widths.into_iter().zip(self.blocks)) {
            g.max_pool(format!("stage{stage}.pool"), MaxPool::new(2));
            conv_norm(g, &format!("stage{stage}"), width);
            g.relu();
            for block in 0..blocks {
                done += 1;
                let rate = self.drop_path * done as f32 / all as f32;
                self.block(g, &format!("stage{stage}.block{block}"), rate);
            }
        }
        g.global_avg_pool("avgpool").dropout(self.dropout);
        let init = Initialiser::pytorch_linear(g.channels());
        g.linear("fc", Linear::new(classes).init(init).bias(init));
    }
}

impl FerronetOptions {
    /// Two convolutions of the width that comes in, and the sum with it.
    fn block(&self, g: &mut GraphBuilder, name: &str, drop_path: f32) {
        let (fork, width) = (g.tip(), g.channels());
        conv_norm(g, &format!("{name}.1"), width);
        g.relu();
        conv_norm(g, &format!("{name}.2"), width);
        if self.squeeze_excite {
            g.squeeze_excite(format!("{name}.se"), SqueezeExcite::new((width / REDUCTION).max(1)));
        }
        g.drop_path(drop_path).add(format!("{name}.add"), fork).relu();
    }
}

fn conv_norm(g: &mut GraphBuilder, name: &str, width: usize) {
    let conv = Conv2d::new(width, 3).pad(1).no_bias().init(Initialiser::HeNormalFanOut);
    g.conv(format!("{name}.conv"), conv).batch_norm(format!("{name}.bn"), BatchNorm::pytorch());
}
