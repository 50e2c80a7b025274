//! The sections of an experiment of the system `real_fake`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method::Method;
use super::methods::{length, logistic, lstm, parametric_bias, rank_svm, relaxed, svm, temporal_convolution};

/// Declares [`MethodOptions`]: one variant per file below `methods`.
macro_rules! registry {
    ($($(#[$doc:meta])* $variant:ident($module:ident::$options:ident),)*) => {
        /// The ways to tell genuine from posed expressions.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum MethodOptions {
            $($(#[$doc])* $variant($module::$options),)*
        }

        impl MethodOptions {
            /// The method.
            pub fn build(&self) -> Box<dyn Method> {
                match self {
                    $(Self::$variant(options) => Box::new(options.clone()),)*
                }
            }

            /// Its name in the experiment file.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($module),)*
                }
            }
        }
    };
}

// A new method is one file below `methods` and one line here.
registry! {
    /// The longer clip is real, or the shorter, as training says: what clip length alone tells. No method: a warning.
    Length(length::LengthOptions),
    /// Logistic regression on the means of action units: what a method must beat to be called working.
    Logistic(logistic::LogisticOptions),
    /// Pairs of clips ranked by linear machines that vote, on the dynamics of action units (NIT-OVGU).
    RankSvm(rank_svm::RankSvmOptions),
    /// A linear support vector machine on published descriptors, one for each emotion.
    Svm(svm::SvmOptions),
    /// A long short-term memory over action units.
    Lstm(lstm::LstmOptions),
    /// Convolutions over time of action units.
    TemporalConvolution(temporal_convolution::TemporalConvolutionOptions),
    /// Recurrent networks with parametric bias over landmarks, and boosted trees on the biases (HCILab).
    ParametricBias(parametric_bias::ParametricBiasOptions),
    /// Relaxed spatio-temporal features of videos, and support vector machines on them (Ozkan and Akar).
    Relaxed(relaxed::RelaxedOptions),
}
