//! MicroExpNet's checkpoints (cuguilke/microexpnet, `Models/`): TensorFlow variables by the names of its code.

use super::MicroExpNetOptions;
use crate::published::{Entry, Layout, Named, Origin, flattened};
use crate::{Graph, Layer, ModelOptions};
use ferrotype_data::options::{Colour, LabelMode, Preprocess, Resize, Scale};

/// The published forms.
pub(super) fn origins() -> Vec<Origin> {
    vec![Origin {
        name: "microexpnet",
        source: "cuguilke/microexpnet, trained on CK+ or Oulu-CASIA",
        model: ModelOptions::MicroExpNet(MicroExpNetOptions::default()),
        preprocess: Preprocess::new(84, Resize::Bilinear, Colour::Grey, Scale::Raw),
        classes: &["neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"],
        labels: LabelMode::Original,
        data: "",
        names,
    }]
}

fn names(graph: &Graph) -> Vec<Entry> {
    let variables = [("conv1", "wc1", "bc1"), ("conv2", "wc2", "bc2"), ("fc1", "wfc", "bfc"), ("logits", "wo", "bo")];
    let mut entries = Vec::new();
    for (layer, weight, bias) in variables {
        let Some(node) = graph.nodes.iter().find(|n| n.name == layer) else { continue };
        let layout = match node.layer {
            Layer::Linear(_) => Layout::InOut(flattened(graph, node)),
            _ => Layout::Hwio,
        };
        entries.push(Entry::of(format!("{layer}.weight"), Named::new(weight, layout)));
        entries.push(Entry::of(format!("{layer}.bias"), Named::new(bias, Layout::Same)));
    }
    entries
}
