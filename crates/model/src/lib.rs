//! Networks: layers, the graph they form, the zoo, and how a network computes.
//!
//! A [`ModelOptions`] value (the `model:` section of the experiment file) builds a [`Graph`]; a [`Network`] gives the
//! graph values and computes it. Parameter counts, shapes, the forward pass, the ONNX file and the import of published
//! weights all come from the graph.

mod builder;
pub mod device;
mod flip;
mod fold;
mod forward;
mod graph;
mod init;
pub mod layers;
mod lengths;
mod network;
pub mod objective;
mod outputs;
mod part;
pub mod patterns;
mod plan;
pub mod published;
pub mod saliency;
pub mod samples;
mod state;
pub mod validate;
pub mod zoo;

pub use builder::GraphBuilder;
pub use flip::{averaged, flip_averaged};
pub use graph::{Graph, Node, NodeId};
pub use init::Initialiser;
pub use layers::{Layer, Role, Shape};
pub use network::{Buffer, InputGradient, LayerGradient, Network, Parameter, ReluRule, TrainPass};
pub use part::Part;
pub use state::StateTensor;
pub use zoo::Architecture;

use anyhow::Result;
use objective::ObjectiveOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares [`ModelOptions`]: one variant per file of the zoo.
macro_rules! registry {
    ($($(#[$doc:meta])* $variant:ident($module:ident::$options:ident),)*) => {
        /// A network of the zoo with its options.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ModelOptions {
            $($(#[$doc])* $variant(zoo::$module::$options),)*
        }

        impl ModelOptions {
            /// Every network of the zoo with its default options.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$variant(Default::default()),)*]
            }

            /// The network behind the variant.
            pub fn architecture(&self) -> &dyn Architecture {
                match self {
                    $(Self::$variant(options) => options,)*
                }
            }
        }
    };
}

registry! {
    /// FER+'s VGG13: ten 3x3 convolutions and three fully connected layers.
    Vgg13(vgg13::Vgg13Options),
    /// VGG-19 with batch normalisation, for small pictures.
    Vgg19(vgg19::Vgg19Options),
    /// The EmoPy-style network of 4x4 convolutions.
    EmopyCnn(emopy_cnn::EmopyCnnOptions),
    /// mini_XCEPTION: four residual modules of separable convolutions.
    MiniXception(mini_xception::MiniXceptionOptions),
    /// big_XCEPTION: two wider modules.
    BigXception(big_xception::BigXceptionOptions),
    /// tiny_XCEPTION: mini_XCEPTION with fewer channels.
    TinyXception(tiny_xception::TinyXceptionOptions),
    /// MicroExpNet: two large-kernel convolutions and two fully connected layers.
    MicroExpNet(micro_exp_net::MicroExpNetOptions),
    /// ResNet-18, by default with a stem for small pictures.
    Resnet18(resnet18::Resnet18Options),
    /// MobileNetV2: inverted residuals of depthwise convolutions, at a width of one's choice.
    MobilenetV2(mobilenet_v2::MobilenetV2Options),
    /// MobileNetV3: inverted residuals with squeeze and excitation and hard swish, small or large.
    MobilenetV3(mobilenet_v3::MobilenetV3Options),
    /// EfficientNet-B0: inverted residuals with squeeze and excitation, SiLU and stochastic depth.
    EfficientnetB0(efficientnet_b0::EfficientnetB0Options),
    /// ResEmoteNet: convolutions, squeeze and excitation, residual blocks and four fully connected layers.
    Resemotenet(resemotenet::ResemotenetOptions),
    /// FerroNet: a small residual network that trains fast on processors.
    Ferronet(ferronet::FerronetOptions),
    /// MicroX: a convolutional LSTM for each part of the face, their probabilities fused.
    Microx(microx::MicroxOptions),
    /// MicroX with global average pooling, its logits fused.
    MicroxGap(microx_gap::MicroxGapOptions),
    /// STSTNet: one wide convolution on pictures of optical flow, for micro-expressions.
    Ststnet(ststnet::StstnetOptions),
    /// A small vision transformer.
    Vit(vit::VitOptions),
    /// HTNet: attention within blocks of a map of patches, on three levels.
    Htnet(htnet::HtnetOptions),
    /// OFF-ApexNet: a small stream for each direction of the optical flow.
    OffApexnet(off_apexnet::OffApexnetOptions),
    /// A depthwise-separable network to measure speed with.
    DepthwiseSeparable(depthwise_separable::DepthwiseSeparableOptions),
}

impl ModelOptions {
    /// The network for pictures of `[channels, height, width]` and so many classes, or why it cannot be built.
    pub fn build(&self, input: [usize; 3], classes: usize) -> Result<Graph> {
        self.build_for(&ObjectiveOptions::default(), input, classes)
    }

    /// As [`build`](Self::build), the network that an objective trains: it may ask for another classifier.
    ///
    /// # Errors
    /// As there, and when the network has none that can be exchanged.
    pub fn build_for(&self, objective: &ObjectiveOptions, input: [usize; 3], classes: usize) -> Result<Graph> {
        let architecture = self.architecture();
        let mut builder = GraphBuilder::new(architecture.name(), input);
        architecture.layers(&mut builder, classes);
        if let Some(scale) = objective.cosine_scale() {
            builder.cosine_classifier(scale);
        }
        builder.build(classes)
    }

    /// The network's name, as the experiment file writes it.
    pub fn name(&self) -> &'static str {
        self.architecture().name()
    }

    /// What a network of clips asks of its data: the names of its streams and the frames of each. What is left out
    /// follows the data.
    pub fn streams_mut(&mut self) -> Option<(&mut Option<Vec<String>>, &mut Option<usize>)> {
        match self {
            Self::Microx(options) => Some((&mut options.parts, &mut options.frames)),
            Self::MicroxGap(options) => Some((&mut options.parts, &mut options.frames)),
            _ => None,
        }
    }

    /// As [`streams_mut`](Self::streams_mut), to read.
    pub fn streams(&self) -> Option<(Option<&[String]>, Option<usize>)> {
        match self {
            Self::Microx(options) => Some((options.parts.as_deref(), options.frames)),
            Self::MicroxGap(options) => Some((options.parts.as_deref(), options.frames)),
            _ => None,
        }
    }

    /// Channels, height and width that the original takes.
    pub fn default_input(&self) -> [usize; 3] {
        self.architecture().default_input()
    }
}

#[doc(hidden)]
pub use lengths::ragged;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod tests;
