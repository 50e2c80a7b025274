//! ResNet-18's weights by torchvision's names, which are ours too, and by those of kuangliu/pytorch-cifar.

use super::{Resnet18Options, Stem};
use crate::published::{Entry, Made, Origin, own_names};
use crate::{Graph, ModelOptions};
use ferrotype_data::options::{Colour, LabelMode, MeanStd, Preprocess, Resize, Scale};

/// ImageNet's mean and standard deviation, as torchvision's models take them.
pub(crate) fn imagenet(size: usize) -> Preprocess {
    let (mean, std) = (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]);
    let scale = Scale::MeanStd(MeanStd { mean, std });
    Preprocess::new(size, Resize::Bilinear, Colour::Rgb, scale)
}

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    let origin = |name, source, stem, size| Origin {
        name,
        source,
        model: ModelOptions::Resnet18(Resnet18Options { stem, ..Resnet18Options::default() }),
        preprocess: imagenet(size),
        classes: &[],
        labels: LabelMode::Original,
        data: "",
        names,
    };
    vec![
        origin("torchvision", "torchvision resnet18, trained on ImageNet", Stem::Imagenet, 224),
        origin("small_stem", "ResNet-18 with a 3x3 stem, as in kuangliu/pytorch-cifar", Stem::Small, 48),
    ]
}

fn names(graph: &Graph) -> Vec<Entry> {
    let mut entries = own_names(graph);
    for entry in &mut entries {
        let other = match entry.ours.strip_prefix("fc.") {
            Some(part) => format!("linear.{part}"),
            None => entry.ours.replace(".downsample.", ".shortcut."),
        };
        if let (Made::Of(named), true) = (&mut entry.made, other != entry.ours) {
            named.names.push(other);
        }
        if let (Made::Of(named), "conv1.weight") = (&mut entry.made, entry.ours.as_str()) {
            named.sums_colours = true;
        }
    }
    entries
}
