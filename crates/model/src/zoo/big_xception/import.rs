//! big_XCEPTION's weights as oarriaga/face_classification publishes them. Its normalisation layers have names of their
//! own, but for the two of the shortcuts; everything else has Keras' automatic ones.

use super::BigXceptionOptions;
use crate::ModelOptions;
use crate::published::{Origin, keras_order};
use crate::zoo::mini_xception::face_classification;

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    let model = ModelOptions::BigXception(BigXceptionOptions::default());
    let named = Origin {
        names: |graph| keras_order(graph, |node| published_name(&node.name).map(str::to_owned)),
        ..face_classification(model.clone())
    };
    let unnamed = Origin { name: "automatic_names", ..face_classification(model) };
    vec![named, unnamed]
}

fn published_name(ours: &str) -> Option<&'static str> {
    Some(match ours {
        "base.bn1" => "block1_conv1_bn",
        "base.bn2" => "block1_conv2_bn",
        "module1.bn1" => "block2_sepconv1_bn",
        "module1.bn2" => "block2_sepconv2_bn",
        "module2.bn1" => "block3_sepconv1_bn",
        "module2.bn2" => "block3_sepconv2_bn",
        _ => return None,
    })
}
