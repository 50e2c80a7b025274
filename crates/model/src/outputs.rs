//! Which value of a pass belongs to a layer's name.

use anyhow::{Result, bail};

use super::graph::{Graph, NodeId};
use super::layers::{Layer, Shape};

impl Graph {
    /// The node whose value a pass computes for the layer `name`. A layer and the activation that follows it are
    /// computed as one, so either name means the value after the activation.
    ///
    /// # Errors
    /// When there is no such layer, or its output has no feature maps; the layers to choose from are named.
    pub fn maps_of(&self, name: &str) -> Result<NodeId> {
        let named = self.plan.iter().find(|s| self.nodes[s.node].name == name || self.nodes[s.output].name == name);
        let choice = || self.map_layers().iter().map(|&id| self.nodes[id].name.as_str()).collect::<Vec<_>>().join(", ");
        match named {
            None => bail!("{} has no layer `{name}`; its layers with feature maps are {}", self.name, choice()),
            Some(step) => match self.nodes[step.output].shape {
                Shape::Map { .. } => Ok(step.output),
                Shape::Sequence { .. } | Shape::Vector(_) => {
                    let shape = self.nodes[step.output].shape;
                    bail!("{}'s layer `{name}` gives {shape}, not feature maps; choose one of {}", self.name, choice())
                }
            },
        }
    }

    /// The last layer whose feature maps have more than one pixel: where Grad-CAM looks by default. `None` where no
    /// layer has such maps.
    pub fn last_maps(&self) -> Option<NodeId> {
        self.map_layers().pop()
    }

    /// The layers whose output is feature maps of more than one pixel, in order. What changes nothing in
    /// evaluation (dropout, stochastic depth) is left out.
    fn map_layers(&self) -> Vec<NodeId> {
        let wide =
            |id: &NodeId| matches!(self.nodes[*id].shape, Shape::Map { height, width, .. } if height * width > 1);
        let vanishes = |layer: &Layer| matches!(layer, Layer::Dropout(_) | Layer::DropPath(_));
        let steps = self.plan.iter().filter(|s| !vanishes(&self.nodes[s.node].layer));
        steps.map(|s| s.output).filter(wide).collect()
    }
}
