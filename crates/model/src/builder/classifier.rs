//! The classifier at a network's end.

use super::GraphBuilder;
use crate::layers::{CosineLinear, Layer};

impl GraphBuilder {
    /// Makes the linear layer at the end one of directions, [`CosineLinear`], under the same name.
    pub fn cosine_classifier(&mut self, scale: f32) -> &mut Self {
        if self.error.is_some() {
            return self;
        }
        if let Err(error) = self.graph.classifier_input() {
            self.error = Some(error.context("objective.arc_face"));
            return self;
        }
        let Some(last) = self.graph.nodes.pop() else { return self };
        self.graph.parameters.truncate(last.parameters.start);
        self.names.remove(&last.name);
        self.tip = last.inputs[0];
        self.push(&last.name, Layer::CosineLinear(CosineLinear::new(last.shape.len(), scale)), &[])
    }
}
