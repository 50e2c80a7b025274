//! mini_XCEPTION's weights as oarriaga/face_classification publishes them (`trained_models/emotion_models`).

use super::MiniXceptionOptions;
use crate::ModelOptions;
use crate::published::{Origin, keras_order};
use ferrotype_data::options::{Colour, LabelMode, Preprocess, Resize, Scale};

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    vec![face_classification(ModelOptions::MiniXception(MiniXceptionOptions::default()))]
}

/// FER2013's classes in the order of its numbers, 64x64 grey pictures in [-1, 1].
///
/// The original resized with OpenCV's `resize` in training and demos (`resize: bilinear_opencv`); in float32 its weights
/// score the same within 0.3 points.
pub(crate) fn face_classification(model: ModelOptions) -> Origin {
    Origin {
        name: "face_classification",
        source: "oarriaga/face_classification, trained on FER2013",
        model,
        preprocess: Preprocess::new(64, Resize::Bilinear, Colour::Grey, Scale::Signed),
        classes: &["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"],
        labels: LabelMode::Original,
        data: "datasets/fer2013.h5",
        names: |graph| keras_order(graph, |_| None),
    }
}
