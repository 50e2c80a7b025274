//! mini_XCEPTION (Arriaga et al., arXiv:1710.07557; oarriaga/face_classification, `src/models/cnn.py`).

mod import;

pub(super) use import::face_classification;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::GraphBuilder;
use crate::layers::{BatchNorm, Conv2d, MaxPool, RunningVariance};
use crate::published::Origin;

/// Options of `mini_xception`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MiniXceptionOptions {
    /// Coefficient of the L2 regulariser on the two dense convolutions at the beginning. (The original asks for it on
    /// the separable convolutions too, where Keras 2.0.5 ignores it.)
    pub l2: f32,
    /// How much of the running statistics stays at each step (Keras' meaning; the original's is 0.99). Trainings of few
    /// steps want less.
    pub norm_momentum: f64,
}

impl Default for MiniXceptionOptions {
    fn default() -> Self {
        Self { l2: 0.01, norm_momentum: 0.99 }
    }
}

impl Architecture for MiniXceptionOptions {
    fn name(&self) -> &'static str {
        "mini_xception"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 64, 64]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn source(&self) -> &'static str {
        "Arriaga et al. 2017, arXiv:1710.07557; oarriaga/face_classification src/models/cnn.py"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        small_xception(g, 8, [16, 32, 64, 128], self.l2, norm(self.norm_momentum), classes);
    }
}

/// The form that mini_XCEPTION and tiny_XCEPTION share.
pub(super) fn small_xception(
    g: &mut GraphBuilder,
    base: usize,
    widths: [usize; 4],
    l2: f32,
    norm: BatchNorm,
    classes: usize,
) {
    for i in 1..=2 {
        g.conv(format!("base.conv{i}"), Conv2d::new(base, 3).no_bias().l2(l2));
        g.batch_norm(format!("base.bn{i}"), norm.clone()).relu();
    }
    for (i, width) in (1..).zip(widths) {
        module(g, &format!("module{i}"), width, &norm, false);
    }
    head(g, classes);
}

/// A residual module: two separable convolutions and a pooling, beside a strided 1x1 convolution. `before` puts the
/// ReLU before the first separable convolution too.
pub(super) fn module(g: &mut GraphBuilder, name: &str, width: usize, norm: &BatchNorm, before: bool) {
    let fork = g.tip();
    g.conv(format!("{name}.residual.conv"), Conv2d::new(width, 1).stride(2).same().no_bias());
    g.batch_norm(format!("{name}.residual.bn"), norm.clone());
    let residual = g.tip();
    g.at(fork);
    if before {
        g.relu();
    }
    separable(g, &format!("{name}.sep1"), width).batch_norm(format!("{name}.bn1"), norm.clone()).relu();
    separable(g, &format!("{name}.sep2"), width).batch_norm(format!("{name}.bn2"), norm.clone());
    g.max_pool(format!("{name}.pool"), MaxPool::new(3).stride(2).same());
    g.add(format!("{name}.add"), residual);
}

/// Keras' `SeparableConv2D`: depthwise 3x3, then 1x1, nothing between.
fn separable<'a>(g: &'a mut GraphBuilder, name: &str, width: usize) -> &'a mut GraphBuilder {
    g.conv(format!("{name}.depthwise"), Conv2d::depthwise(3).same().no_bias());
    g.conv(format!("{name}.pointwise"), Conv2d::new(width, 1).no_bias())
}

/// One map per class, averaged.
pub(super) fn head(g: &mut GraphBuilder, classes: usize) {
    g.conv("head.conv", Conv2d::new(classes, 3).same()).global_avg_pool("head.pool");
}

/// Keras' batch normalisation as of 2.0.5: the running variance is the biased one.
pub(super) fn norm(momentum: f64) -> BatchNorm {
    BatchNorm::keras().momentum(1.0 - momentum).running(RunningVariance::Biased)
}
