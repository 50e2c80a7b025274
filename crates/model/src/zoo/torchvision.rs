//! What torchvision's networks have in common: blocks by its names, and weights that it published.

#[cfg(test)]
pub(super) mod parity;

use crate::layers::{BatchNorm, Conv2d};
use crate::published::{Entry, Layout, Made, own_names};
use crate::{Graph, GraphBuilder, Initialiser};

/// torchvision's `Conv2dNormActivation` without its activation: `NAME.0`, a convolution without bias whose border keeps the
/// size at stride 1, and `NAME.1`, its normalisation.
pub(super) fn conv_norm(g: &mut GraphBuilder, name: &str, layer: Conv2d, norm: BatchNorm) {
    let border = layer.kernel[0] / 2;
    let layer = layer.pad(border).no_bias().init(Initialiser::HeNormalFanOut);
    g.conv(format!("{name}.0"), layer).batch_norm(format!("{name}.1"), norm);
}

/// Every parameter under its own name, which is torchvision's. The two layers of squeeze and excitation are convolutions of
/// 1x1 there, and the first kernel may be summed over the colours.
pub(super) fn names(graph: &Graph) -> Vec<Entry> {
    let mut entries = own_names(graph);
    for entry in &mut entries {
        let Made::Of(named) = &mut entry.made else { continue };
        if [".fc1.weight", ".fc2.weight"].iter().any(|end| entry.ours.ends_with(end)) {
            named.layout = Layout::Pointwise;
        }
        named.sums_colours = entry.ours == "features.0.0.weight";
    }
    entries
}
