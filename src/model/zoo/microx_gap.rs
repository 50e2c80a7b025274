//! MicroX made small: planes are averaged to half their size, means of the states' channels take the place of the
//! flattened states, and logits, not probabilities, are weighed against each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use super::microx::{GateFunction, parts, streams};
use crate::model::GraphBuilder;
use crate::model::layers::{AvgPool, ConvLstm, Linear};

/// Options of `microx_gap`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MicroxGapOptions {
    /// Names of the streams, in the order of the data's parts. There must be as many as the data has.
    pub parts: Vec<String>,
    /// Frames of an example.
    pub frames: usize,
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
        Self { parts: parts(), frames: 10, filters: 32, gates: GateFunction::Sigmoid, pool: 2, dropout: 0.2 }
    }
}

impl Architecture for MicroxGapOptions {
    fn name(&self) -> &'static str {
        "microx_gap"
    }

    fn default_input(&self) -> [usize; 3] {
        [self.parts.len() * self.frames * 3, 60, 60]
    }

    fn default_classes(&self) -> usize {
        7
    }

    fn head(&self) -> &'static str {
        "fusion."
    }

    fn source(&self) -> &'static str {
        "after MicroX, with global average pooling"
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let scores = streams(g, &self.parts, self.frames, |g, part| {
            if self.pool != 1 {
                g.avg_pool(format!("{part}.pool"), AvgPool::new(self.pool));
            }
            let memory = ConvLstm::new(self.frames, self.filters, 3).gate(self.gates.into());
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
