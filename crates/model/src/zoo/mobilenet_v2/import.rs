//! MobileNetV2's weights by Keras' names, by torchvision's, and as a list of convolutions with folded normalisation.

use super::{MobilenetV2Head, MobilenetV2Norm, MobilenetV2Options, MobilenetV2Padding};
use crate::published::{Entry, KERAS_NORM, Layout, Made, Named, NormNames, Origin};
use crate::zoo::resnet18::imagenet;
use crate::{Graph, Layer, ModelOptions, Node};
use ferrotype_data::options::{Colour, LabelMode, MeanStd, Preprocess, Resize, Scale};

/// The width multipliers that weights were published for.
const WIDTHS: [f64; 6] = [1.0, 0.35, 0.5, 0.75, 1.3, 1.4];
/// What torchvision adds to the variance.
const TORCH_EPS: f64 = 1e-5;
/// What Keras and TensorFlow add.
const KERAS_EPS: f64 = 1e-3;

/// The published forms, in all widths: the file's shapes tell which it is.
pub(super) fn origins() -> Vec<Origin> {
    let mut origins = Vec::new();
    for width_multiplier in WIDTHS {
        let options = MobilenetV2Options { width_multiplier, ..MobilenetV2Options::default() };
        let keras = origin("keras", "Keras applications (Google), trained on ImageNet", options.clone(), keras_names);
        let folded = origin(
            "folded",
            "Google's MobileNetV2 for inference, normalisation folded into 53 convolutions conv00..conv52",
            MobilenetV2Options { batch_norm: MobilenetV2Norm::Folded, ..options.clone() },
            folded_names,
        );
        let torchvision = Origin {
            preprocess: imagenet(224),
            ..origin(
                "torchvision",
                "torchvision mobilenet_v2, trained on ImageNet",
                MobilenetV2Options {
                    padding: MobilenetV2Padding::Symmetric,
                    norm_eps: TORCH_EPS,
                    norm_momentum: 0.9,
                    ..options.clone()
                },
                torchvision_names,
            )
        };
        let emotion_detection_use_case = origin(
            "emotion_detection_use_case",
            "kristof-becode/Emotion-Detection-use-case: Keras' backbone under Dense(128) and a classifier",
            MobilenetV2Options { head: MobilenetV2Head::Dense128, ..options },
            keras_names,
        );
        origins.extend([
            Origin { preprocess: signed(), ..keras },
            Origin { preprocess: centred_on_128(), ..folded },
            torchvision,
            Origin { preprocess: signed(), ..emotion_detection_use_case },
        ]);
    }
    origins
}

fn origin(
    name: &'static str,
    source: &'static str,
    options: MobilenetV2Options,
    names: fn(&Graph) -> Vec<Entry>,
) -> Origin {
    let (model, preprocess) = (ModelOptions::MobilenetV2(options), signed());
    Origin { name, source, model, preprocess, classes: &[], labels: LabelMode::Original, data: "", names }
}

/// `(x - 127.5) / 127.5`: Keras' `preprocess_input`.
fn signed() -> Preprocess {
    Preprocess::new(224, Resize::Bilinear, Colour::Rgb, Scale::Signed)
}

/// `(x - 128) / 128`: the quantised form, whose zero is 128.
fn centred_on_128() -> Preprocess {
    let scale = Scale::MeanStd(MeanStd { mean: vec![128.0 / 255.0], std: vec![128.0 / 255.0] });
    Preprocess { scale, ..signed() }
}

/// A convolution of the backbone with the normalisation behind it: our name without `.conv`, its position.
struct Stage<'a> {
    node: &'a Node,
    name: &'a str,
    index: usize,
}

/// The backbone's convolutions in order.
fn stages(graph: &Graph) -> impl Iterator<Item = Stage<'_>> {
    let convs = graph.nodes.iter().filter(|n| matches!(n.layer, Layer::Conv2d(_)));
    convs.enumerate().map(|(index, node)| Stage { node, name: node.name.trim_end_matches(".conv"), index })
}

impl Stage<'_> {
    /// The entries of convolution and normalisation. Where our network has the normalisation folded and the file has
    /// not, it is folded here.
    fn entries(&self, graph: &Graph, kernel: Named, norm: NormNames) -> Vec<Entry> {
        let (weight, bias) = (format!("{}.weight", self.node.name), format!("{}.bias", self.node.name));
        let kernel = Named { sums_colours: self.index == 0, ..kernel };
        if !graph.nodes.iter().any(|n| n.name == format!("{}.bn", self.name)) {
            return vec![
                Entry { ours: weight, made: Made::FoldedWeight(kernel, norm.clone()) },
                Entry { ours: bias, made: Made::FoldedBias(norm) },
            ];
        }
        let parts = ["weight", "bias", "running_mean", "running_var"].into_iter().zip(norm.parts);
        let norm = parts.map(|(ours, theirs)| Entry::of(format!("{}.bn.{ours}", self.name), theirs));
        std::iter::once(Entry::of(weight, kernel)).chain(norm).collect()
    }

    /// Keras' names of convolution and normalisation.
    fn keras(&self) -> (String, String) {
        match self.name.trim_start_matches("features.").split_once('.') {
            None if self.index == 0 => ("Conv1".into(), "bn_Conv1".into()),
            None => ("Conv_1".into(), "Conv_1_bn".into()),
            Some((block, part)) => {
                let number = block.trim_start_matches("block");
                let block = if number == "0" { "expanded_conv".into() } else { format!("block_{number}") };
                (format!("{block}_{part}"), format!("{block}_{part}_BN"))
            }
        }
    }

    /// torchvision's names of convolution and normalisation.
    fn torchvision(&self) -> (String, String) {
        match self.name.trim_start_matches("features.").split_once('.') {
            None if self.index == 0 => ("features.0.0".into(), "features.0.1".into()),
            None => ("features.18.0".into(), "features.18.1".into()),
            Some((block, part)) => {
                let number: usize = block.trim_start_matches("block").parse().unwrap_or_default();
                // The first block has no expansion, so what follows stands one place earlier.
                let shift = usize::from(number > 0);
                let at = |place: String| format!("features.{}.conv.{place}", number + 1);
                match part {
                    "expand" => (at("0.0".into()), at("0.1".into())),
                    "depthwise" => (at(format!("{shift}.0")), at(format!("{shift}.1"))),
                    _ => (at(format!("{}", shift + 1)), at(format!("{}", shift + 2))),
                }
            }
        }
    }
}

fn keras_names(graph: &Graph) -> Vec<Entry> {
    let mut entries = Vec::new();
    for stage in stages(graph) {
        let (conv, norm) = stage.keras();
        let kernel = match stage.name.ends_with("depthwise") {
            true => Named::new(format!("{conv}/depthwise_kernel"), Layout::Hwc1).or(format!("{conv}/kernel")),
            false => Named::new(format!("{conv}/kernel"), Layout::Hwio),
        };
        let parts = KERAS_NORM.map(|part| Named::new(format!("{norm}/{part}"), Layout::Same));
        entries.extend(stage.entries(graph, kernel, NormNames { parts, eps: KERAS_EPS }));
    }
    let hidden = graph.nodes.iter().any(|n| n.name == "head.fc1");
    // Keras' own classifier was called Logits, then predictions; a new one on top has an automatic name.
    for (ours, part, layout) in [("weight", "kernel", Layout::InOut(None)), ("bias", "bias", Layout::Same)] {
        if hidden {
            entries.push(Entry::of(format!("head.fc1.{ours}"), Named::new(format!("dense#1/{part}"), layout)));
        }
        let logits = match hidden {
            true => Named::new(format!("dense#2/{part}"), layout),
            false => Named::new(format!("predictions/{part}"), layout).or(format!("Logits/{part}")),
        };
        let logits = if hidden { logits } else { logits.or(format!("dense#1/{part}")) };
        entries.push(Entry::of(format!("head.logits.{ours}"), logits));
    }
    entries
}

fn torchvision_names(graph: &Graph) -> Vec<Entry> {
    let mut entries = Vec::new();
    for stage in stages(graph) {
        let (conv, norm) = stage.torchvision();
        let parts = ["weight", "bias", "running_mean", "running_var"];
        let parts = parts.map(|part| Named::new(format!("{norm}.{part}"), Layout::Same));
        let kernel = Named::new(format!("{conv}.weight"), Layout::Same);
        entries.extend(stage.entries(graph, kernel, NormNames { parts, eps: TORCH_EPS }));
    }
    entries.extend(["weight", "bias"].map(|part| {
        Entry::of(format!("head.logits.{part}"), Named::new(format!("classifier.1.{part}"), Layout::Same))
    }));
    entries
}

fn folded_names(graph: &Graph) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut count = 0;
    for Stage { node, index, .. } in stages(graph) {
        let weight = Named::new(format!("conv{index:02}.weight"), Layout::Same);
        let weight = Named { sums_colours: index == 0, ..weight };
        entries.push(Entry::of(format!("{}.weight", node.name), weight));
        entries
            .push(Entry::of(format!("{}.bias", node.name), Named::new(format!("conv{index:02}.bias"), Layout::Same)));
        count = index + 1;
    }
    entries.push(Entry::of("head.logits.weight", Named::new(format!("conv{count}.weight"), Layout::Pointwise)));
    entries.push(Entry::of("head.logits.bias", Named::new(format!("conv{count}.bias"), Layout::Same)));
    entries
}
