//! The EmoPy-style CNN (thoughtworksarts/EmoPy, `ConvolutionalNNDropout`, in the 32-filter form with batch
//! normalisation of kristof-becode/Emotion-Detection-use-case).
//!
//! Even kernels with TensorFlow's SAME border: one pixel before, two after. The ReLU stands before the normalisation.

mod import;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::GraphBuilder;
use crate::layers::{BatchNorm, Conv2d, Linear, MaxPool};
use crate::published::Origin;

/// Options of `emopy_cnn`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmopyCnnOptions {
    /// Filters of every convolution.
    pub filters: usize,
    /// Dropout rate after each pooling.
    pub dropout: f32,
    /// Coefficient of the L2 regulariser on the first convolution's weight.
    pub l2: f32,
}

impl Default for EmopyCnnOptions {
    fn default() -> Self {
        Self { filters: 32, dropout: 0.5, l2: 0.01 }
    }
}

impl Architecture for EmopyCnnOptions {
    fn name(&self) -> &'static str {
        "emopy_cnn"
    }

    fn default_input(&self) -> [usize; 3] {
        [1, 64, 64]
    }

    fn default_classes(&self) -> usize {
        8
    }

    fn source(&self) -> &'static str {
        "kristof-becode/Emotion-Detection-use-case Emo_model.py, after thoughtworksarts/EmoPy"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn origins(&self) -> Vec<Origin> {
        import::origins()
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let conv = || Conv2d::new(self.filters, 4);
        g.conv("block1.conv1", conv().l2(self.l2)).relu();
        g.conv("block1.conv2", conv().same()).relu().batch_norm("block1.bn2", BatchNorm::keras());
        g.max_pool("block1.pool", MaxPool::new(2)).dropout(self.dropout);
        for block in 2..=3 {
            for i in 1..=2 {
                g.conv(format!("block{block}.conv{i}"), conv().same()).relu();
                g.batch_norm(format!("block{block}.bn{i}"), BatchNorm::keras());
            }
            g.max_pool(format!("block{block}.pool"), MaxPool::new(2)).dropout(self.dropout);
        }
        g.flatten("flatten").linear("head.logits", Linear::new(classes));
    }
}
