//! big_XCEPTION (oarriaga/face_classification, `src/models/cnn.py`).

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::mini_xception::{head, module, norm};
use crate::GraphBuilder;
use crate::layers::Conv2d;
use crate::published::Origin;

/// Options of `big_xception`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BigXceptionOptions {
    /// Coefficient of an L2 regulariser on the two dense convolutions at the beginning. The original has none.
    pub l2: f32,
    /// How much of the running statistics stays at each step (Keras' meaning; the original's is 0.99). Trainings of few
    /// steps want less.
    pub norm_momentum: f64,
}

impl Default for BigXceptionOptions {
    fn default() -> Self {
        Self { l2: 0.0, norm_momentum: 0.99 }
    }
}

impl Architecture for BigXceptionOptions {
    fn name(&self) -> &'static str {
        "big_xception"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 64, 64]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn source(&self) -> &'static str {
        "oarriaga/face_classification src/models/cnn.py"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let norm = norm(self.norm_momentum);
        g.conv("base.conv1", Conv2d::new(32, 3).stride(2).no_bias().l2(self.l2))
            .batch_norm("base.bn1", norm.clone())
            .relu();
        g.conv("base.conv2", Conv2d::new(64, 3).no_bias().l2(self.l2)).batch_norm("base.bn2", norm.clone()).relu();
        module(g, "module1", 128, &norm, false);
        module(g, "module2", 256, &norm, true);
        head(g, classes);
    }
}
