//! ResEmoteNet (Roy et al., arXiv:2409.10545; ArnabKumarRoy02/ResEmoteNet): three convolutions, squeeze and excitation, three
//! residual blocks and four fully connected layers. Names are those of the authors' code, so that its weights fit.

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{BatchNorm, Conv2d, Linear, MaxPool};
use crate::published::Origin;
use crate::{GraphBuilder, Initialiser};

/// Of squeeze and excitation: channels for each hidden feature.
const REDUCTION: usize = 16;

/// Options of `resemotenet`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResemotenetOptions {
    /// Channels of the first convolution; what follows has 2, 4, 8, 16 and 32 times as many. Published: 64.
    pub width: usize,
    /// Dropout rate after the first two poolings.
    pub conv_dropout: f32,
    /// Dropout rate after each hidden fully connected layer.
    pub dense_dropout: f32,
}

impl Default for ResemotenetOptions {
    fn default() -> Self {
        Self { width: 64, conv_dropout: 0.2, dense_dropout: 0.5 }
    }
}

impl Architecture for ResemotenetOptions {
    fn name(&self) -> &'static str {
        "resemotenet"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 64, 64]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn source(&self) -> &'static str {
        "Roy et al. 2024, arXiv:2409.10545; ArnabKumarRoy02/ResEmoteNet"
    }

    fn classifier(&self) -> &'static str {
        "fc4."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let width = |factor: usize| self.width.saturating_mul(factor);
        for (i, factor, dropout) in [(1, 1, self.conv_dropout), (2, 2, self.conv_dropout), (3, 4, 0.0)] {
            conv_norm(g, &format!("conv{i}"), &format!("bn{i}"), width(factor), 3, 1);
            g.relu().max_pool(format!("pool{i}"), MaxPool::new(2)).dropout(dropout);
        }
        squeeze_excite(g);
        for (i, factor) in [(1, 8), (2, 16), (3, 32)] {
            block(g, &format!("res_block{i}"), width(factor));
        }
        g.global_avg_pool("pool");
        for (i, factor) in [(1, 16), (2, 8), (3, 4)] {
            let layer = linear(width(factor), g.channels());
            g.linear(format!("fc{i}"), layer).relu().dropout(self.dense_dropout);
        }
        let last = linear(classes, g.channels());
        g.linear("fc4", last);
    }
}

/// A convolution with a bias, beginning as PyTorch's do, and its normalisation.
fn conv_norm(g: &mut GraphBuilder, conv: &str, norm: &str, width: usize, kernel: usize, stride: usize) {
    let init = Initialiser::pytorch_linear(g.channels() * kernel * kernel);
    let layer = Conv2d::new(width, kernel).stride(stride).pad(kernel / 2).init(init).bias(init);
    g.conv(conv, layer).batch_norm(norm, BatchNorm::pytorch());
}

fn linear(outputs: usize, inputs: usize) -> Linear {
    let init = Initialiser::pytorch_linear(inputs);
    Linear::new(outputs).init(init).bias(init)
}

/// Squeeze and excitation without biases.
fn squeeze_excite(g: &mut GraphBuilder) {
    let (map, channels) = (g.tip(), g.channels());
    let hidden = (channels / REDUCTION).max(1);
    g.global_avg_pool("se.avg_pool");
    g.linear("se.fc.0", linear(hidden, channels).no_bias()).relu();
    g.linear("se.fc.2", linear(channels, hidden).no_bias()).sigmoid();
    let gates = g.tip();
    g.at(map).scale_channels("se.scale", gates);
}

/// A residual block of stride 2, whose shortcut is a convolution of 1x1.
fn block(g: &mut GraphBuilder, name: &str, width: usize) {
    let fork = g.tip();
    conv_norm(g, &format!("{name}.conv1"), &format!("{name}.bn1"), width, 3, 2);
    g.relu();
    conv_norm(g, &format!("{name}.conv2"), &format!("{name}.bn2"), width, 3, 1);
    let main = g.tip();
    g.at(fork);
    conv_norm(g, &format!("{name}.shortcut.0"), &format!("{name}.shortcut.1"), width, 1, 2);
    g.add(format!("{name}.add"), main).relu();
}

#[cfg(test)]
mod tests;
