//! MobileNetV3's weights by torchvision's names, which are ours too.

use super::{MobilenetV3Options, MobilenetV3Variant};
use crate::ModelOptions;
use crate::published::Origin;
use crate::zoo::resnet18::imagenet;
use crate::zoo::torchvision::names;
use ferrotype_data::options::LabelMode;

/// The published forms: the file's shapes tell which it is.
pub(super) fn origins() -> Vec<Origin> {
    let origin = |source, variant| Origin {
        name: "torchvision",
        source,
        model: ModelOptions::MobilenetV3(MobilenetV3Options { variant, ..MobilenetV3Options::default() }),
        preprocess: imagenet(224),
        classes: &[],
        labels: LabelMode::Original,
        data: "",
        names,
    };
    vec![
        origin("torchvision mobilenet_v3_small and _large, trained on ImageNet", MobilenetV3Variant::Small),
        origin("torchvision mobilenet_v3_large, trained on ImageNet", MobilenetV3Variant::Large),
    ]
}
