//! Class names and Usage words that several sources share.

use super::super::Split;

/// FER2013's classes in the order of its numbers.
pub(super) const FER2013: [&str; 7] = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];

/// RAF-DB's classes; its numbers start at 1.
pub(super) const RAFDB: [&str; 7] = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"];

/// AffectNet's classes in the order of its numbers.
pub(super) const AFFECTNET: [&str; 8] =
    ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"];

/// Owned names.
pub(super) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).into()).collect()
}

/// FER2013's word for a part of the dataset.
pub(super) fn usage(word: &str) -> Option<Split> {
    match word {
        "Training" => Some(Split::Train),
        "PublicTest" => Some(Split::Validation),
        "PrivateTest" => Some(Split::Test),
        _ => None,
    }
}

/// The usual words for parts of a dataset, as folder names and in manifests, without case.
pub(super) fn split(word: &str) -> Option<Split> {
    match word.to_ascii_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" | "publictest" => Some(Split::Validation),
        "test" | "testing" | "privatetest" => Some(Split::Test),
        _ => None,
    }
}
