//! Options, and the recurrent network that they describe.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::methods::sequence::{self, Pieces, SequenceNetwork, SeriesOptions};
use ferrotype_model::GraphBuilder;
use ferrotype_model::layers::{Linear, Lstm};

/// Options of the relaxed spatio-temporal features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelaxedOptions {
    /// A finished run whose network looks at the frames.
    pub features: PathBuf,
    /// The ONNX file of a face detector, for clips without landmarks; without one, too, whole frames are encoded.
    #[serde(default)]
    pub detector: Option<PathBuf>,
    /// Frames per second that are encoded, chosen by time; all, where none is given.
    #[serde(default)]
    pub rate: Option<f64>,
    /// Frames that make a step.
    #[serde(default = "three")]
    pub frames: usize,
    /// What learns from the steps.
    #[serde(default)]
    pub memory: MemoryOptions,
    /// Numbers that stand for a clip.
    #[serde(default = "descriptor")]
    pub descriptor: usize,
    /// Cost of a margin violated in the support vector machine.
    #[serde(default = "one")]
    pub c: f64,
}

fn three() -> usize {
    3
}

fn descriptor() -> usize {
    512
}

fn one() -> f64 {
    1.0
}

/// The recurrent network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryOptions {
    /// The windows, in steps.
    pub series: SeriesOptions,
    /// Numbers that stand for a step.
    pub sketch: usize,
    /// Values of the state.
    pub hidden: usize,
    /// Dropout rates before and behind the state.
    pub dropout: [f32; 2],
}

impl Default for MemoryOptions {
    fn default() -> Self {
        let series = SeriesOptions { pieces: Some(Pieces { length: 5, stride: 5 }), emotion: false };
        Self { series, sketch: 64, hidden: 64, dropout: [0.5, 0.4] }
    }
}

impl SequenceNetwork for MemoryOptions {
    const NAME: &'static str = "relaxed_memory";

    fn series(&self) -> &SeriesOptions {
        &self.series
    }

    fn layers(&self, g: &mut GraphBuilder, _: usize) {
        g.to_sequence("steps").dropout(self.dropout[0]).lstm("memory", Lstm::keras(self.hidden).relu().last());
        g.dropout(self.dropout[1]).linear("head", Linear::new(2));
    }

    fn own_problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (key, value) in [("sketch", self.sketch), ("hidden", self.hidden)] {
            if !(1..=65_536).contains(&value) {
                found.push((key.into(), format!("{value} is impossible; expected 1 to 65536")));
            }
        }
        if self.dropout.iter().any(|rate| !(0.0..1.0).contains(rate)) {
            found.push((
                "dropout".into(),
                format!("{:?} is impossible; expected rates from 0 to below 1", self.dropout),
            ));
        }
        if self.series.pieces.is_none() || self.series.emotion {
            found.push(("series".into(), "windows are needed, and each emotion has its own network".into()));
        }
        found
    }
}

impl RelaxedOptions {
    /// What is impossible: the key, and what is wrong with it.
    pub(super) fn impossible(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> =
            sequence::problems(&self.memory).into_iter().map(|(k, m)| (format!("memory.{k}"), m)).collect();
        let mut check = |key: &str, holds: bool, message: String| {
            if !holds {
                found.push((key.to_owned(), message));
            }
        };
        check(
            "frames",
            (1..=1000).contains(&self.frames),
            format!("{} is impossible; expected 1 to 1000", self.frames),
        );
        let size = self.descriptor;
        check("descriptor", (1..=65_536).contains(&size), format!("{size} is impossible; expected 1 to 65536"));
        check("c", self.c.is_finite() && self.c > 0.0, format!("{} is impossible; expected more than 0", self.c));
        if let Some(rate) = self.rate {
            check("rate", rate.is_finite() && rate > 0.0, format!("{rate} is impossible; expected more than 0"));
        }
        found
    }
}
