//! Logits times a number, by the values that make them.

use anyhow::{Result, bail};

use super::Network;
use crate::layers::Layer;

impl Network {
    /// What cosines are multiplied by, of a classifier of directions.
    pub fn set_cosine_scale(&mut self, scale: f32) {
        let graph = self.graph.clone();
        for node in graph.nodes.iter().filter(|node| matches!(node.layer, Layer::CosineLinear(_))) {
            for buffer in &mut self.buffers[node.buffers.clone()] {
                buffer.tensor = buffer.tensor.zeros_like() + scale;
            }
        }
    }

    /// Multiplies all logits by a number: the values of the last layer that has some are multiplied, since everything behind it is
    /// linear. The network stays what it is otherwise, wherever it goes (predictions, ONNX, another training).
    ///
    /// # Errors
    /// When what makes the logits is not linear in the values of one layer.
    pub fn scale_logits(&mut self, factor: f32) -> Result<()> {
        let graph = self.graph.clone();
        let mut at = graph.output();
        loop {
            let node = &graph.nodes[at];
            match &node.layer {
                Layer::Linear(_) | Layer::Conv2d(_) | Layer::BatchNorm(_) if !node.parameters.is_empty() => {
                    for parameter in &mut self.parameters[node.parameters.clone()] {
                        parameter.tensor = parameter.tensor.clone() * factor;
                    }
                    return Ok(());
                }
                Layer::CosineLinear(_) => {
                    for buffer in &mut self.buffers[node.buffers.clone()] {
                        buffer.tensor = buffer.tensor.clone() * factor;
                    }
                    return Ok(());
                }
                Layer::GlobalAvgPool(_)
                | Layer::AvgPool(_)
                | Layer::Flatten(_)
                | Layer::Dropout(_)
                | Layer::DropPath(_)
                | Layer::ToSequence(_)
                | Layer::LastStep(_)
                | Layer::MeanSteps(_)
                | Layer::TakeToken(_) => at = node.inputs[0],
                other => bail!(
                    "the logits of {} come out of `{}` ({}), not of a linear layer: they cannot be scaled",
                    graph.name,
                    node.name,
                    other.kind()
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::{Tensor, TensorData};

    use crate::{ModelOptions, Network};

    #[test]
    fn logits_of_every_network_are_scaled() {
        for options in ModelOptions::all() {
            let graph = Arc::new(options.build(options.default_input(), 4).unwrap());
            let [channels, height, width] = graph.input;
            // The largest take seconds here and differ in size alone.
            if graph.macs() > 200_000_000 {
                continue;
            }
            let network = Network::new(graph, 3, &crate::device::tested());
            let count = channels * height * width;
            let values: Vec<f32> = (0..count).map(|i| ((i * 37) % 255) as f32 / 127.0 - 1.0).collect();
            let x =
                Tensor::<4>::from_data(TensorData::new(values, [1, channels, height, width]), &crate::device::tested());
            let logits = |network: &Network| -> Vec<f32> {
                network.forward(x.clone()).unwrap().into_data().try_into_vec().unwrap()
            };
            let mut scaled = network.clone();
            scaled.scale_logits(0.25).unwrap();
            let (before, after) = (logits(&network), logits(&scaled));
            let largest = before.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            for (a, b) in before.iter().zip(&after) {
                assert!((0.25 * a - b).abs() <= 1e-5 * largest, "{}: {a} {b}", options.name());
            }
        }
    }
}
