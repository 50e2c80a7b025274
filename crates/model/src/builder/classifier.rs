//! The classifier at a network's end.

use super::GraphBuilder;
use crate::layers::{CosineLinear, Layer, Shape};

impl GraphBuilder {
    /// Makes the linear layer at the end one of directions, [`CosineLinear`], under the same name.
    pub fn cosine_classifier(&mut self, scale: f32) -> &mut Self {
        let last = &self.graph.nodes[self.graph.nodes.len() - 1];
        let is_linear = matches!(last.layer, Layer::Linear(_)) && matches!(last.shape, Shape::Vector(_));
        if self.error.is_some() || !is_linear {
            let (name, kind) = (last.name.clone(), last.layer.kind());
            return self.require(is_linear, || {
                format!("ends with `{name}` ({kind}): objective.arc_face needs a network whose last layer is linear")
            });
        }
        let (name, outputs) = (last.name.clone(), last.shape.len());
        let (input, parameters) = (last.inputs[0], last.parameters.start);
        self.graph.nodes.pop();
        self.graph.parameters.truncate(parameters);
        self.names.remove(&name);
        self.tip = input;
        self.push(&name, Layer::CosineLinear(CosineLinear::new(outputs, scale)), &[])
    }
}
