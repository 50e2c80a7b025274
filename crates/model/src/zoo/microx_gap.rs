//! MicroX made small: planes are averaged to half their size, means of the states' channels take the place of the
//! flattened states, and logits, not probabilities, are weighed against each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::microx::{GateFunction, default_input, frames_or_published, parts_or_published, streams};
use crate::GraphBuilder;
use crate::layers::{AvgPool, ConvLstm, Linear};

/// Options of `microx_gap`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MicroxGapOptions {
    /// Names of the streams, in their order: those of `data.clips`, which stand here when nothing is given.
    pub parts: Option<Vec<String>>,
    /// Frames of an example: those of `data.clips`, as with `parts`.
    pub frames: Option<usize>,
    /// Channels of each state.
    pub filters: usize,
    /// How the gates open.
    pub gates: GateFunction,
    /// Side of the squares of pixels that are averaged first; 1 for none.
    pub pool: usize,
    /// Dropout rate before each stream's scores.
    pub dropout: f32,
}

impl Default for MicroxGapOptions {
    fn default() -> Self {
        Self { parts: None, frames: None, filters: 32, gates: GateFunction::Sigmoid, pool: 2, dropout: 0.2 }
    }
}

impl Architecture for MicroxGapOptions {
    fn name(&self) -> &'static str {
        "microx_gap"
    }

    fn default_input(&self) -> [usize; 3] {
        default_input(self.parts.as_ref(), self.frames)
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn classifier(&self) -> &'static str {
        "fusion."
    }

    fn source(&self) -> &'static str {
        "after MicroX, with global average pooling"
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let (parts, frames) = (parts_or_published(self.parts.as_ref()), frames_or_published(self.frames));
        let scores = streams(g, &parts, frames, |g, part| {
            if self.pool != 1 {
                g.avg_pool(format!("{part}.pool"), AvgPool::new(self.pool));
            }
            let memory = ConvLstm::new(frames, self.filters, 3).gate(self.gates.into());
            g.conv_lstm(format!("{part}.conv_lstm"), memory);
            g.global_avg_pool(format!("{part}.mean")).dropout(self.dropout);
            g.linear(format!("{part}.logits"), Linear::new(classes));
        });
        if let [first, others @ ..] = &scores[..]
            && !others.is_empty()
        {
            g.at(*first).concat("scores", others).linear("fusion", Linear::new(classes));
        }
    }
}
