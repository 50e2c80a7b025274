//! How weights that others published relate to a network of the zoo: under which names and in which layouts its
//! parameters stand in their files, and what the network was fed with.
//!
//! Each file of the zoo says it beside its layers (`zoo/NAME/import.rs`); `ferrotype_interop::import` reads the files.

use super::graph::{Graph, Node};
use super::layers::{Channels, Conv2d, Layer, Shape};
use super::{ModelOptions, NodeId};
use ferrotype_data::options::{LabelMode, Preprocess};

/// A form in which a network's weights were published.
#[derive(Clone)]
pub struct Origin {
    /// Its name for `--origin`.
    pub name: &'static str,
    /// Who published it, and where.
    pub source: &'static str,
    /// The network's options in that form.
    pub model: ModelOptions,
    /// What was done to the pictures.
    pub preprocess: Preprocess,
    /// Class names in the order of the outputs; empty where they are not known.
    pub classes: &'static [&'static str],
    /// How the labels were made that it was trained with.
    pub labels: LabelMode,
    /// The prepared file that its scores are known on, by the name that the documentation gives it; empty for none.
    pub data: &'static str,
    /// Where each parameter stands in the file.
    pub names: fn(&Graph) -> Vec<Entry>,
}

/// The order of a tensor's axes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As here: PyTorch's.
    Same,
    /// A convolution's kernel as `[rows, columns, in, out]`.
    Hwio,
    /// A depthwise convolution's kernel as `[rows, columns, channel, 1]`.
    Hwc1,
    /// A linear layer's weight as `[in, out]`; where its inputs are flattened maps of `[channels, height, width]`, they
    /// stand in the order row, column, channel.
    InOut(Option<[usize; 3]>),
    /// A linear layer's weight as a 1x1 convolution's, `[out, in, 1, 1]`.
    Pointwise,
}

/// A tensor of the file: any of these names (the first that is there), in this layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Names to look for. `conv2d#3/kernel` is the kernel of the third of the layers that Keras named `conv2d_N`, in
    /// the order of their numbers.
    pub names: Vec<String>,
    /// How its axes stand.
    pub layout: Layout,
    /// Whether a kernel of three colours may serve for grey pictures, summed over them.
    pub sums_colours: bool,
}

impl Named {
    /// A tensor of this name.
    pub fn new(name: impl Into<String>, layout: Layout) -> Self {
        Self { names: vec![name.into()], layout, sums_colours: false }
    }

    /// The tensor under another name too.
    pub fn or(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }
}

/// A normalisation layer's four tensors in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct NormNames {
    /// Scale, shift, running mean, running variance.
    pub parts: [Named; 4],
    /// What it adds to the variance.
    pub eps: f64,
}

/// What a parameter or buffer is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// One tensor of the file.
    Of(Named),
    /// Several tensors of the file one behind the other along their first axis: layers side by side that are one here.
    Joined(Vec<Named>),
    /// A convolution's weight, multiplied by `scale / sqrt(variance + eps)` of the normalisation behind it.
    FoldedWeight(Named, NormNames),
    /// The bias that remains of a normalisation: `shift - mean * scale / sqrt(variance + eps)`.
    FoldedBias(NormNames),
}

/// A parameter or buffer of ours and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name here.
    pub ours: String,
    /// Where its values come from.
    pub made: Made,
}

impl Entry {
    /// A value that is one tensor of the file.
    pub fn of(ours: impl Into<String>, theirs: Named) -> Self {
        Self { ours: ours.into(), made: Made::Of(theirs) }
    }
}

/// Every parameter under its own name and in its own layout: files that were written by Ferrotype, or for it.
pub fn own_names(graph: &Graph) -> Vec<Entry> {
    let parameters = graph.parameters.iter().map(|p| &p.name);
    let buffers = graph.buffers.iter().map(|b| &b.name);
    parameters.chain(buffers).map(|n| Entry::of(n, Named::new(n, Layout::Same))).collect()
}

/// Keras' automatic names, for a network whose layers were made in the order of the graph: the n-th convolution of the
/// file is the n-th of the graph, and so on for each kind of layer. `named` gives a layer's name where it is not so.
pub fn keras_order(graph: &Graph, named: impl Fn(&Node) -> Option<String>) -> Vec<Entry> {
    let mut counts = [0; 4];
    let mut entries = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        let (kind, index) = match &node.layer {
            Layer::Conv2d(c) if is_depthwise(c) => ("separable_conv2d", 0),
            // The second part of Keras' SeparableConv2D belongs to the layer that its first part began.
            Layer::Conv2d(_) if follows_depthwise(graph, id) => ("separable_conv2d", usize::MAX),
            Layer::Conv2d(_) => ("conv2d", 1),
            Layer::BatchNorm(_) => ("batch_normalization", 2),
            Layer::Linear(_) => ("dense", 3),
            _ => continue,
        };
        let name = named(node);
        if let (None, Some(count)) = (&name, counts.get_mut(index)) {
            *count += 1;
        }
        let layer = name.unwrap_or_else(|| format!("{kind}#{}", counts.get(index).unwrap_or(&counts[0])));
        entries.extend(keras_layer(graph, node, &layer, follows_depthwise(graph, id)));
    }
    entries
}

/// A layer's tensors under Keras' names for them. `pointwise`: it is the second part of a separable convolution.
pub fn keras_layer(graph: &Graph, node: &Node, layer: &str, pointwise: bool) -> Vec<Entry> {
    let entry = |ours: &str, theirs: &str, layout| {
        Entry::of(format!("{}.{ours}", node.name), Named::new(format!("{layer}/{theirs}"), layout))
    };
    let bias = (node.parameters.len() > 1).then(|| entry("bias", "bias", Layout::Same));
    match &node.layer {
        Layer::Conv2d(c) if is_depthwise(c) => {
            let mut weight = entry("weight", "depthwise_kernel", Layout::Hwc1);
            if let Made::Of(named) = &mut weight.made {
                named.names.push(format!("{layer}/kernel"));
            }
            std::iter::once(weight).chain(bias).collect()
        }
        Layer::Conv2d(_) => {
            let kernel = if pointwise { "pointwise_kernel" } else { "kernel" };
            std::iter::once(entry("weight", kernel, Layout::Hwio)).chain(bias).collect()
        }
        Layer::Linear(_) => {
            let layout = Layout::InOut(flattened(graph, node));
            std::iter::once(entry("weight", "kernel", layout)).chain(bias).collect()
        }
        Layer::BatchNorm(_) => ["weight", "bias", "running_mean", "running_var"]
            .into_iter()
            .zip(KERAS_NORM)
            .map(|(ours, theirs)| entry(ours, theirs, Layout::Same))
            .collect(),
        _ => Vec::new(),
    }
}

/// Keras' names of a normalisation's scale, shift, running mean and running variance.
pub const KERAS_NORM: [&str; 4] = ["gamma", "beta", "moving_mean", "moving_variance"];

fn is_depthwise(conv: &Conv2d) -> bool {
    conv.channels == Channels::Depthwise
}

fn follows_depthwise(graph: &Graph, id: NodeId) -> bool {
    let before = graph.nodes[id].inputs.first().map(|&i| &graph.nodes[i].layer);
    matches!((&graph.nodes[id].layer, before), (Layer::Conv2d(_), Some(Layer::Conv2d(c))) if is_depthwise(c))
}

/// The maps that a linear layer takes flattened, looked for behind activations and dropout.
pub fn flattened(graph: &Graph, node: &Node) -> Option<[usize; 3]> {
    let mut at = &graph.nodes[*node.inputs.first()?];
    while matches!(at.layer, Layer::Activate(_) | Layer::Dropout(_)) {
        at = &graph.nodes[*at.inputs.first()?];
    }
    match (&at.layer, graph.nodes[*at.inputs.first()?].shape) {
        (Layer::Flatten(_), Shape::Map { channels, height, width }) => Some([channels, height, width]),
        _ => None,
    }
}
