//! From features to action units: a single picture, a video as it comes, and a video once it has ended.
//!
//! A static predictor is `(x - means) . w + b`; a dynamic one subtracts the running median of the person's features too
//! (Baltrusaitis, Mahmoud and Robinson 2015, section IV: person-specific normalisation). Both are linear, so a face
//! enters as one number `x . w` per predictor, and what a median takes away is one number as well: the second pass at the
//! end of a video needs no features.

mod bank;
mod median;
mod predictor;
mod smooth;
mod tracker;

use serde::{Deserialize, Serialize};

use crate::{INTENSITIES, PRESENCES};

pub use bank::{Bank, Model};
pub use median::RunningMedian;
pub use predictor::{Predictor, PredictorFiles};
pub use tracker::{FrameUnits, Tracker};

/// The action units of a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionUnits {
    /// Intensities from 0 (absent) to 5, in the order of [`INTENSITIES`].
    pub intensities: [f32; 17],
    /// Whether each is present, in the order of [`PRESENCES`]. The two come from different predictors and may disagree.
    pub presences: [bool; 18],
}

impl ActionUnits {
    /// The intensity of an action unit such as 12; `None` where none is predicted.
    pub fn intensity(&self, unit: u8) -> Option<f32> {
        INTENSITIES.iter().position(|&u| u == unit).map(|i| self.intensities[i])
    }

    /// Whether an action unit such as 28 is present; `None` where that is not predicted.
    pub fn is_present(&self, unit: u8) -> Option<bool> {
        PRESENCES.iter().position(|&u| u == unit).map(|i| self.presences[i])
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
