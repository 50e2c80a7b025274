//! MicroX (HeizerSpider/MicroX_Emotion_Recognition, 2020): one convolutional LSTM for each part of the face, whose class
//! probabilities are weighed against each other by a last layer.
//!
//! As published it has five streams of ten frames, mouth, nose, right eye, left eye and full face, and 276,362,527
//! parameters: the layer behind each flattening alone has 55,116,032, so that the five are 1.1 GB.
//!
//! An example's planes stand part by part, within a part frame by frame, within a frame channel by channel.

use ferrotype_kernels::recurrent::Gate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{ConvLstm, Linear};
use crate::{GraphBuilder, NodeId};

/// Options of `microx`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MicroxOptions {
    /// Names of the streams, in their order: those of `data.clips`, which stand here when nothing is given.
    pub parts: Option<Vec<String>>,
    /// Frames of an example: those of `data.clips`, as with `parts`.
    pub frames: Option<usize>,
    /// Channels of each state.
    pub filters: usize,
    /// How the gates open: `hard_sigmoid` was Keras' default when MicroX was made.
    pub gates: GateFunction,
    /// Width of each stream's hidden fully connected layer.
    pub hidden: usize,
    /// Dropout rate after each convolutional LSTM.
    pub dropout: f32,
    /// Dropout rate after each hidden layer.
    pub hidden_dropout: f32,
}

impl Default for MicroxOptions {
    fn default() -> Self {
        Self {
            parts: None,
            frames: None,
            filters: 64,
            gates: GateFunction::HardSigmoid,
            hidden: 256,
            dropout: 0.2,
            hidden_dropout: 0.3,
        }
    }
}

/// How the gates of a recurrent layer open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateFunction {
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `0.2 x + 0.5` between 0 and 1.
    HardSigmoid,
}

impl From<GateFunction> for Gate {
    fn from(f: GateFunction) -> Self {
        match f {
            GateFunction::Sigmoid => Self::Sigmoid,
            GateFunction::HardSigmoid => Self::HardSigmoid,
        }
    }
}

/// The streams of a network: those asked for, or the published ones in their order.
pub(super) fn parts_or_published(asked: Option<&Vec<String>>) -> Vec<String> {
    let published = || ["mouth", "nose", "right_eye", "left_eye", "full_face"].map(String::from).to_vec();
    asked.cloned().unwrap_or_else(published)
}

/// Frames of an example: those asked for, or the published number.
pub(super) fn frames_or_published(asked: Option<usize>) -> usize {
    asked.unwrap_or(10)
}

/// Planes and size of the published pictures, in colour.
pub(super) fn default_input(parts: Option<&Vec<String>>, frames: Option<usize>) -> [usize; 3] {
    [parts_or_published(parts).len() * frames_or_published(frames) * 3, 60, 60]
}

/// Ends each part's stream in scores by `head`, which is given the builder at the part's planes and the part's name.
pub(super) fn streams(
    g: &mut GraphBuilder,
    parts: &[String],
    frames: usize,
    mut head: impl FnMut(&mut GraphBuilder, &str),
) -> Vec<NodeId> {
    let (input, planes) = (g.tip(), g.channels());
    let pictures = parts.len() * frames;
    g.require(pictures > 0 && planes.checked_rem(pictures) == Some(0), || {
        let names = parts.join(", ");
        format!(
            "has {} parts ({names}) of {frames} frames, but its input has {planes} planes: `model` and `data.clips` must \
             name the same number of parts and frames",
            parts.len()
        )
    });
    let each = planes / pictures.max(1);
    let stream = |(i, part): (usize, &String)| {
        g.at(input).slice(format!("{part}.planes"), i * frames * each, frames * each);
        head(g, part);
        g.tip()
    };
    parts.iter().enumerate().map(stream).collect()
}

impl Architecture for MicroxOptions {
    fn name(&self) -> &'static str {
        "microx"
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
        "HeizerSpider/MicroX_Emotion_Recognition, 2020"
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let (parts, frames) = (parts_or_published(self.parts.as_ref()), frames_or_published(self.frames));
        let alone = parts.len() == 1;
        let scores = streams(g, &parts, frames, |g, part| {
            let memory = ConvLstm::new(frames, self.filters, 3).gate(self.gates.into());
            g.conv_lstm(format!("{part}.conv_lstm"), memory).dropout(self.dropout).flatten(format!("{part}.flatten"));
            g.linear(format!("{part}.fc"), Linear::new(self.hidden)).relu().dropout(self.hidden_dropout);
            g.linear(format!("{part}.logits"), Linear::new(classes));
            if !alone {
                g.softmax(format!("{part}.probabilities"));
            }
        });
        if let ([first, others @ ..], false) = (&scores[..], alone) {
            g.at(*first).concat("probabilities", others).linear("fusion", Linear::new(classes));
        }
    }
}
