//! The sections of an experiment of the system `real_fake`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method::Method;
use super::methods::length::LengthOptions;
use super::methods::lstm::LstmOptions;
use super::methods::parametric_bias::ParametricBiasOptions;
use super::methods::relaxed::RelaxedOptions;
use super::methods::temporal_convolution::TemporalConvolutionOptions;

/// The ways to tell felt from posed expressions. A new one is one file below `methods`, one variant and one line here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodOptions {
    /// The longer clip is real, or the shorter, as training says: what clip length alone tells. No method: a warning.
    Length(LengthOptions),
    /// A long short-term memory over action units.
    Lstm(LstmOptions),
    /// Recurrent networks with parametric bias over landmarks, and boosted trees on the biases (HCILab's).
    ParametricBias(ParametricBiasOptions),
    /// Relaxed spatio-temporal features of videos, and support vector machines on them (Ozkan and Akar's).
    Relaxed(RelaxedOptions),
    /// Convolutions over time of action units.
    TemporalConvolution(TemporalConvolutionOptions),
}

impl MethodOptions {
    /// The method.
    pub fn build(&self) -> Box<dyn Method> {
        match self {
            Self::Length(o) => Box::new(o.clone()),
            Self::Lstm(o) => Box::new(o.clone()),
            Self::ParametricBias(o) => Box::new(o.clone()),
            Self::Relaxed(o) => Box::new(o.clone()),
            Self::TemporalConvolution(o) => Box::new(o.clone()),
        }
    }

    /// Its name in the experiment file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Length(_) => "length",
            Self::Lstm(_) => "lstm",
            Self::ParametricBias(_) => "parametric_bias",
            Self::Relaxed(_) => "relaxed",
            Self::TemporalConvolution(_) => "temporal_convolution",
        }
    }
}
