//! The zoo: one file per network, each written like its paper's table of layers.

use anyhow::Result;
use serde::Serialize;

use super::published::Origin;
use super::{GraphBuilder, ModelOptions};

pub mod big_xception;
pub mod depthwise_separable;
pub mod efficientnet_b0;
pub mod emopy_cnn;
pub mod ferronet;
pub mod htnet;
pub mod micro_exp_net;
pub mod microx;
pub mod microx_gap;
pub mod mini_xception;
pub mod mobilenet_v2;
pub mod mobilenet_v3;
pub mod off_apexnet;
pub mod resemotenet;
pub mod resnet18;
pub mod ststnet;
pub mod tiny_xception;
pub mod vgg13;
pub mod vgg19;
pub mod vit;

/// What a network of the zoo says of itself.
pub trait Architecture {
    /// Its name, as the experiment file writes it.
    fn name(&self) -> &'static str;

    /// Channels, height and width that the original takes.
    fn default_input(&self) -> [usize; 3];

    /// Classes of the original.
    fn default_classes(&self) -> usize;

    /// Paper and code that it follows.
    fn source(&self) -> &'static str;

    /// What the names of the classifier's parameters begin with: those that other classes need anew.
    fn classifier(&self) -> &'static str;

    /// The forms in which weights of it were published, the most usual first.
    fn origins(&self) -> Vec<Origin> {
        Vec::new()
    }

    /// Adds its layers; the last gives the logits.
    fn layers(&self, g: &mut GraphBuilder, classes: usize);
}

/// One row of the table of networks, at the original's input size and number of classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// The network's name.
    pub name: &'static str,
    /// Channels, height and width.
    pub input: [usize; 3],
    /// Classes.
    pub classes: usize,
    /// Trained values.
    pub parameters: usize,
    /// Stored values: trained ones and running statistics.
    pub values: usize,
    /// Multiply-accumulate operations of convolutions and linear layers, per picture.
    pub macs: u64,
    /// Paper and code.
    pub source: &'static str,
}

/// All networks with their default options.
pub fn list() -> Result<Vec<Listing>> {
    ModelOptions::all()
        .iter()
        .map(|options| {
            let architecture = options.architecture();
            let (input, classes) = (architecture.default_input(), architecture.default_classes());
            let graph = options.build(input, classes)?;
            Ok(Listing {
                name: architecture.name(),
                input,
                classes,
                parameters: graph.parameter_count(),
                values: graph.value_count(),
                macs: graph.macs(),
                source: architecture.source(),
            })
        })
        .collect()
}

mod divisible;
mod small;
#[cfg(test)]
mod tests;
mod torchvision;
mod transformer;
