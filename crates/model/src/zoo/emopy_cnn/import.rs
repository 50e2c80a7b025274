//! The EmoPy-style CNN's weights as kristof-becode/Emotion-Detection-use-case publishes them.

use super::EmopyCnnOptions;
use crate::ModelOptions;
use crate::published::{Origin, keras_order};
use ferrotype_data::options::{Colour, LabelMode, Preprocess, Resize, Scale};

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    vec![Origin {
        name: "emotion_detection_use_case",
        source: "kristof-becode/Emotion-Detection-use-case, trained on FER+",
        model: ModelOptions::EmopyCnn(EmopyCnnOptions::default()),
        // Keras' generator resizes with Pillow's nearest neighbour.
        preprocess: Preprocess::new(64, Resize::Nearest, Colour::Grey, Scale::Unit),
        // `flow_from_dataframe` sorts class names.
        classes: &["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"],
        labels: LabelMode::ArgmaxEight,
        data: "datasets/ferplus.h5",
        names: |graph| keras_order(graph, |_| None),
    }]
}
