//! FER+'s VGG13 in the form of its Keras re-runs (rezafuad/ferplus-keras): automatic names in the order of the layers.
//! Microsoft publishes no weights of its own but an ONNX file.

use super::Vgg13Options;
use crate::ModelOptions;
use crate::published::{Origin, keras_order};
use ferrotype_data::options::{Colour, LabelMode, Preprocess, Resize, Scale};

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    vec![Origin {
        name: "keras",
        source: "Keras re-runs of microsoft/FERPlus",
        model: ModelOptions::Vgg13(Vgg13Options::default()),
        preprocess: Preprocess::new(64, Resize::Bilinear, Colour::Grey, Scale::Ferplus),
        classes: &["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"],
        labels: LabelMode::Majority,
        data: "datasets/ferplus.h5",
        names: |graph| keras_order(graph, |_| None),
    }]
}
