//! EfficientNet-B0's weights by torchvision's names, which are ours too.

use super::EfficientnetB0Options;
use crate::ModelOptions;
use crate::published::Origin;
use crate::zoo::resnet18::imagenet;
use crate::zoo::torchvision::names;
use ferrotype_data::options::LabelMode;

/// The published form. Its pictures were resized by a bicubic rule, for which `bilinear` stands here.
pub(super) fn origins() -> Vec<Origin> {
    vec![Origin {
        name: "torchvision",
        source: "torchvision efficientnet_b0, trained on ImageNet",
        model: ModelOptions::EfficientnetB0(EfficientnetB0Options::default()),
        preprocess: imagenet(224),
        classes: &[],
        labels: LabelMode::Original,
        data: "",
        names,
    }]
}
