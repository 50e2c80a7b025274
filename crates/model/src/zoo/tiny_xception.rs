//! tiny_XCEPTION (oarriaga/face_classification, `src/models/cnn.py`).

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::mini_xception::{norm, small_xception};
use crate::GraphBuilder;
use crate::published::Origin;

/// Options of `tiny_xception`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TinyXceptionOptions {
    /// Coefficient of the L2 regulariser on the two dense convolutions at the beginning.
    pub l2: f32,
    /// How much of the running statistics stays at each step (Keras' meaning; the original's is 0.99). Trainings of few
    /// steps want less.
    pub norm_momentum: f64,
}

impl Default for TinyXceptionOptions {
    fn default() -> Self {
        Self { l2: 0.01, norm_momentum: 0.99 }
    }
}

impl Architecture for TinyXceptionOptions {
    fn name(&self) -> &'static str {
        "tiny_xception"
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
        small_xception(g, 5, [8, 16, 32, 64], self.l2, norm(self.norm_momentum), classes);
    }
}
