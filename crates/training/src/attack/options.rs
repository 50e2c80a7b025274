//! The kinds of attack and their options, on the command line and in the experiment file alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the size of a perturbation is measured, in pixel units of 0..255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// The largest change of a value.
    #[default]
    Linf,
    /// The root of the sum of squared changes over all values of a picture.
    L2,
}

impl Norm {
    /// As options and files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linf => "linf",
            Self::L2 => "l2",
        }
    }

    /// The size of a perturbation.
    pub fn size(self, change: impl Iterator<Item = f32>) -> f64 {
        match self {
            Self::Linf => change.fold(0.0, |m, d| f64::from(d.abs()).max(m)),
            Self::L2 => change.map(|d| f64::from(d) * f64::from(d)).sum::<f64>().sqrt(),
        }
    }
}

/// How adversarial examples are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// One step along the sign of the gradient, or along the gradient for `l2` (Goodfellow et al., arXiv:1412.6572).
    Fgsm(FgsmOptions),
    /// Projected steps from a random start (Madry et al., arXiv:1706.06083).
    Pgd(PgdOptions),
}

impl Default for Method {
    fn default() -> Self {
        Self::Pgd(PgdOptions::default())
    }
}

/// Options of FGSM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FgsmOptions {
    /// Begin at a random point of the ball and step 1.25 eps, projected (Wong et al., arXiv:2001.03994): what training
    /// needs to withstand more than one step. Without, the step is eps from the picture itself.
    pub random_start: bool,
}

/// Options of PGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PgdOptions {
    /// Steps.
    pub steps: usize,
    /// Length of a step in pixel units; none is 2.5 * eps / steps.
    pub step_size: Option<f32>,
    /// Begin at a random point of the ball.
    pub random_start: bool,
}

impl Default for PgdOptions {
    fn default() -> Self {
        Self { steps: 7, step_size: None, random_start: true }
    }
}

impl Method {
    /// As files and folders write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Fgsm(_) => "fgsm",
            Self::Pgd(_) => "pgd",
        }
    }
}
