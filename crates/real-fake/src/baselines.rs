//! What every method is measured against, on the same clips.

use super::clip::ClipSet;
use super::method::Method;
use super::methods::length::LengthOptions;
use super::methods::logistic::LogisticOptions;

/// A method that stands beside every other.
pub struct Baseline {
    /// Its name in files.
    pub name: &'static str,
    /// The method.
    pub method: Box<dyn Method>,
}

/// What clip length alone tells: a confound, not a method.
pub const LENGTH: &str = "length";
/// Logistic regression on the means of the action units: what a method must beat to be called working.
pub const AU_MEANS: &str = "au_means";

/// The name of a baseline in reports.
pub fn title(name: &str) -> &str {
    match name {
        LENGTH => "clip length alone",
        AU_MEANS => "logistic regression on AU means",
        other => other,
    }
}

/// The baselines that these clips allow.
pub fn baselines(set: &ClipSet) -> Vec<Baseline> {
    let mut all = Vec::new();
    // Published descriptors say nothing of the length of clips, and are made of no action units.
    if set.clips.iter().any(|c| c.seconds > 0.0) {
        all.push(Baseline { name: LENGTH, method: Box::new(LengthOptions::default()) });
    }
    if !set.units.is_empty() {
        all.push(Baseline { name: AU_MEANS, method: Box::new(LogisticOptions::default()) });
    }
    all
}
