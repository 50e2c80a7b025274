//! MicroExpNet (Cugu et al., arXiv:1711.07011; cuguilke/microexpnet) in its four variants and four widths.
//!
//! The published network is variant `p12` at width `xxs`. It takes raw 0..255 pixels.

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{Conv2d, Linear, MaxPool};
use crate::published::Origin;
use crate::{GraphBuilder, Initialiser};

/// Options of `micro_exp_net`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MicroExpNetOptions {
    /// Where pictures are made smaller.
    pub variant: MicroExpNetVariant,
    /// Width of the hidden fully connected layer.
    pub width: MicroExpNetWidth,
    /// Dropout rate after the hidden fully connected layer.
    pub dropout: f32,
}

impl Default for MicroExpNetOptions {
    fn default() -> Self {
        Self { variant: MicroExpNetVariant::P12, width: MicroExpNetWidth::Xxs, dropout: 0.5 }
    }
}

/// Where MicroExpNet's candidates make pictures smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MicroExpNetVariant {
    /// No pooling: the convolutions have strides 4 and 2.
    V,
    /// A pooling after the first convolution.
    P1,
    /// A pooling after the second convolution.
    P2,
    /// Poolings after both.
    P12,
}

/// Widths of MicroExpNet's hidden layer: 256 (variants `v` and `p1`) or 768 (`p2` and `p12`), divided by 1, 4, 8 or 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MicroExpNetWidth {
    /// Undivided.
    M,
    /// Divided by 4.
    S,
    /// Divided by 8.
    Xs,
    /// Divided by 16.
    Xxs,
}

impl Architecture for MicroExpNetOptions {
    fn name(&self) -> &'static str {
        "micro_exp_net"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 84, 84]
    }

    fn default_classes(&self) -> usize {
        8
    }

    fn source(&self) -> &'static str {
        "Cugu et al. 2017, arXiv:1711.07011; cuguilke/microexpnet"
    }

    fn classifier(&self) -> &'static str {
        "logits."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        use MicroExpNetVariant::{P1, P2, P12, V};
        let divisor = match self.width {
            MicroExpNetWidth::M => 1,
            MicroExpNetWidth::S => 4,
            MicroExpNetWidth::Xs => 8,
            MicroExpNetWidth::Xxs => 16,
        };
        let (stride, hidden) = match self.variant {
            V => (4, 256),
            P1 => (2, 256),
            P2 => (4, 768),
            P12 => (2, 768),
        };
        let bias = Initialiser::Normal(0.5);
        g.conv("conv1", Conv2d::new(16, 8).stride(stride).same().bias(bias)).relu();
        if matches!(self.variant, P1 | P12) {
            g.max_pool("pool1", MaxPool::new(2).same());
        }
        g.conv("conv2", Conv2d::new(32, 4).stride(2).same().bias(bias)).relu();
        if matches!(self.variant, P2 | P12) {
            g.max_pool("pool2", MaxPool::new(2).same());
        }
        g.flatten("flatten");
        g.linear("fc1", Linear::new(hidden / divisor).bias(bias)).relu().dropout(self.dropout);
        g.linear("logits", Linear::new(classes).bias(bias));
    }
}
