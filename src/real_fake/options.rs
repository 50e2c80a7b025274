//! The sections of an experiment of the system `real_fake`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method::Method;
use super::methods::length::LengthOptions;
use super::methods::logistic::LogisticOptions;
use super::methods::rank_svm::RankSvmOptions;
use super::methods::svm::SvmOptions;

/// The ways to tell felt from posed expressions. A new one is one file below `methods`, one variant and one line here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodOptions {
    /// The longer clip is real, or the shorter, as training says: what clip length alone tells. No method: a warning.
    Length(LengthOptions),
    /// Logistic regression on the means of action units: what a method must beat to be called working.
    Logistic(LogisticOptions),
    /// Pairs of clips ranked by linear machines that vote, on the dynamics of action units (NIT-OVGU).
    RankSvm(RankSvmOptions),
    /// A linear support vector machine on published descriptors, one for each emotion.
    Svm(SvmOptions),
}

impl MethodOptions {
    /// The method.
    pub fn build(&self) -> Box<dyn Method> {
        match self {
            Self::Length(o) => Box::new(o.clone()),
            Self::Logistic(o) => Box::new(o.clone()),
            Self::RankSvm(o) => Box::new(o.clone()),
            Self::Svm(o) => Box::new(o.clone()),
        }
    }

    /// Its name in the experiment file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Length(_) => "length",
            Self::Logistic(_) => "logistic",
            Self::RankSvm(_) => "rank_svm",
            Self::Svm(_) => "svm",
        }
    }
}
