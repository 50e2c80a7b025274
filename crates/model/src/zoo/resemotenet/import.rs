//! ResEmoteNet's weights by the names of its authors' code, which are ours too.

use super::ResemotenetOptions;
use crate::ModelOptions;
use crate::published::{Origin, own_names};
use crate::zoo::resnet18::imagenet;
use ferrotype_data::options::LabelMode;

/// The published form. Its pictures were made grey and replicated, which those of FER2013 are already.
pub(super) fn origins() -> Vec<Origin> {
    vec![Origin {
        name: "resemotenet",
        source: "ArnabKumarRoy02/ResEmoteNet, trained on FER2013, RAF-DB or AffectNet",
        model: ModelOptions::Resemotenet(ResemotenetOptions::default()),
        preprocess: imagenet(64),
        // `emotions` of eval_image.py.
        classes: &["happy", "surprise", "sad", "anger", "disgust", "fear", "neutral"],
        labels: LabelMode::Original,
        data: "",
        names: own_names,
    }]
}
