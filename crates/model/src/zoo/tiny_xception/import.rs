//! tiny_XCEPTION's weights in the form of oarriaga/face_classification.

use super::TinyXceptionOptions;
use crate::ModelOptions;
use crate::published::Origin;
use crate::zoo::mini_xception::face_classification;

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    vec![face_classification(ModelOptions::TinyXception(TinyXceptionOptions::default()))]
}
