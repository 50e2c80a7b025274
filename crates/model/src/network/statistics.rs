//! The statistics that batch normalisation finds in a batch, apart from training.

use std::sync::Arc;

use anyhow::Result;
use burn::tensor::Tensor;

use super::Network;
use crate::forward::Mode;
use crate::layers::Layer;
use crate::lengths::Lengths;
use crate::part::Part;

impl Network {
    /// The same values, with batch normalisation of another momentum (PyTorch's: the share of the new in the running statistics).
    pub fn with_momentum(&self, momentum: f64) -> Self {
        let mut graph = (**self.graph()).clone();
        for node in &mut graph.nodes {
            if let Layer::BatchNorm(layer) = &mut node.layer {
                layer.momentum = momentum;
            }
        }
        self.replaced(Arc::new(graph), self.parameters.clone(), self.buffers.clone())
    }

    /// The values that the buffers take after a pass in training mode, in the graph's order, without autodiff; `x`, `key`,
    /// `part` and `valid` as in [`Network::train_pass_of`]. With a momentum of 1 they are the statistics of the batch alone.
    ///
    /// # Errors
    /// As [`Network::train_pass_of`].
    pub fn batch_statistics(&self, x: Tensor<4>, key: u64, part: &Part, valid: &[u32]) -> Result<Vec<Tensor<1>>> {
        self.check_device(&x)?;
        let parameters: Vec<_> = self.parameters.iter().map(|p| p.tensor.clone()).collect();
        let buffers = self.buffer_tensors();
        let mut pass = self.pass(&parameters, &buffers, Mode::Train(key));
        pass.lengths = Lengths::of(self.graph(), x.dims()[0], valid, self.device())?;
        pass.frozen = &part.frozen;
        Ok(pass.between(part.entry, self.value_at(x, part.entry)?, self.graph().output())?.1)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use ferrotype_base::random::Stream;

    use super::*;
    use crate::GraphBuilder;
    use crate::device::tested;
    use crate::layers::{BatchNorm, Linear};

    #[test]
    fn with_a_momentum_of_one_they_are_those_of_the_batch_alone() {
        let mut g = GraphBuilder::new("small", [2, 3, 3]);
        g.batch_norm("bn", BatchNorm::pytorch()).flatten("flat").linear("fc", Linear::new(3));
        let network = Network::new(Arc::new(g.build(3).unwrap()), 1, &tested());
        let mut stream = Stream::new(4);
        let values: Vec<f32> = (0..4 * 2 * 9).map(|_| stream.normal() as f32 + 2.0).collect();
        let x = Tensor::from_data(TensorData::new(values.clone(), [4, 2, 3, 3]), &tested());
        let seen = network.with_momentum(1.0).batch_statistics(x, 0, &Part::default(), &[]).unwrap();
        for channel in 0..2 {
            let of = |row: usize| &values[(row * 2 + channel) * 9..][..9];
            let all: Vec<f64> = (0..4).flat_map(|row| of(row).iter().map(|&v| f64::from(v))).collect();
            let mean = all.iter().sum::<f64>() / 36.0;
            let variance = all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 35.0;
            for (tensor, expected) in seen.iter().zip([mean, variance]) {
                let value = tensor.clone().into_data().try_into_vec::<f32>().unwrap()[channel];
                assert!((f64::from(value) - expected).abs() < 1e-5, "{value} {expected}");
            }
        }
    }
}
