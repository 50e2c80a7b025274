//! The sections of an experiment of the system `real_fake`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method::Method;
use super::methods::length::LengthOptions;

/// The ways to tell felt from posed expressions. A new one is one file below `methods`, one variant and one line here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodOptions {
    /// The longer clip is real, or the shorter, as training says: what clip length alone tells. No method: a warning.
    Length(LengthOptions),
}

impl MethodOptions {
    /// The method.
    pub fn build(&self) -> Box<dyn Method> {
        match self {
            Self::Length(o) => Box::new(o.clone()),
        }
    }

    /// Its name in the experiment file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Length(_) => "length",
        }
    }
}
