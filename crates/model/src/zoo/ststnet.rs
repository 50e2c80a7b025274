//! STSTNet, the shallow triple stream network for micro-expressions (Liong et al., FG 2019, arXiv:1902.03634;
//! christy1206/STSTNet, `main.py`).
//!
//! Its three streams of 3, 5 and 8 filters read the same picture of optical flow, each through convolution, ReLU, batch
//! normalisation, max pooling and dropout; then they are joined. That is one convolution of 16 filters, as which it stands
//! here: every value is the same.

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{AvgPool, BatchNorm, Conv2d, Linear, MaxPool};
use crate::published::Origin;
use crate::{GraphBuilder, Initialiser};

/// Filters of the three streams.
const STREAMS: [usize; 3] = [3, 5, 8];

/// Options of `ststnet`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StstnetOptions {
    /// How many times the 16 filters of the original.
    pub width: usize,
    /// Dropout rate behind the max pooling.
    pub dropout: f32,
}

impl Default for StstnetOptions {
    fn default() -> Self {
        Self { width: 1, dropout: 0.5 }
    }
}

impl Architecture for StstnetOptions {
    fn name(&self) -> &'static str {
        "ststnet"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 28, 28]
    }

    fn default_classes(&self) -> usize {
        3
    }

    fn source(&self) -> &'static str {
        "Liong et al. 2019, arXiv:1902.03634; christy1206/STSTNet main.py"
    }

    fn classifier(&self) -> &'static str {
        "fc."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let filters = self.width * STREAMS.iter().sum::<usize>();
        // PyTorch's default for convolutions and linear layers: uniform within 1 / sqrt(inputs).
        let init = Initialiser::pytorch_linear(g.channels() * 9);
        g.conv("conv", Conv2d::new(filters, 3).pad(2).init(init).bias(init)).relu();
        g.batch_norm("bn", BatchNorm::pytorch());
        g.max_pool("max_pool", MaxPool::new(3).stride(3).pad(1)).dropout(self.dropout);
        g.avg_pool("avg_pool", AvgPool::new(2));
        g.flatten("flatten");
        let init = Initialiser::pytorch_linear(g.channels());
        g.linear("fc", Linear::new(classes).init(init).bias(init));
    }
}
