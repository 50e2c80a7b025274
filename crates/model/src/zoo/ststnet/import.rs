//! The weights that the authors of STSTNet published (christy1206/STSTNet, `STSTNet_Weights`): one network per left-out subject,
//! with three convolutions and three normalisations where one of each stands here.

use super::StstnetOptions;
use crate::published::{Entry, Layout, Made, Named, Origin};
use crate::{Graph, ModelOptions};
use ferrotype_data::options::{Colour, LabelMode, Preprocess, Resize, Scale};

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    vec![Origin {
        name: "ststnet",
        source: "christy1206/STSTNet, trained on the MEGC 2019 composite, one subject left out",
        model: ModelOptions::Ststnet(StstnetOptions::default()),
        // OpenCV reads pictures as BGR: strain, v, u. Nothing is scaled.
        preprocess: Preprocess::new(28, Resize::Bilinear, Colour::Bgr, Scale::Raw),
        classes: &["negative", "positive", "surprise"],
        labels: LabelMode::Original,
        data: "datasets/megc2019.h5",
        names,
    }]
}

fn names(_: &Graph) -> Vec<Entry> {
    let joined = |ours: &str, layer: &str, part: &str| {
        let streams = (1..=3).map(|i| Named::new(format!("{layer}{i}.{part}"), Layout::Same)).collect();
        Entry { ours: format!("{ours}.{part}"), made: Made::Joined(streams) }
    };
    let mut entries = vec![joined("conv", "conv", "weight"), joined("conv", "conv", "bias")];
    entries.extend(["weight", "bias", "running_mean", "running_var"].map(|part| joined("bn", "bn", part)));
    entries.extend(["fc.weight", "fc.bias"].map(|name| Entry::of(name, Named::new(name, Layout::Same))));
    entries
}
