//! A network with its preprocessing, as an attacker sees it.

use anyhow::{Context, Result, ensure};
use burn::tensor::{Tensor, TensorData};

use ferrotype_data::preprocess::{Pipeline, Views};
use ferrotype_model::{Network, flip_averaged};
use ferrotype_ops as ops;

/// What turns pixels into logits. The network computes in evaluation mode: running statistics, no dropout.
pub struct AttackTarget<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its preprocessing; resizing and colour are done already.
    pub pipeline: &'a Pipeline,
    /// The views of a picture by which the run is scored. Of ten squares only the one in the middle is attacked.
    pub views: Views,
}

impl AttackTarget<'_> {
    /// Whether gradients go through the whole preprocessing. FER+'s chain equalises the histogram, which has no useful
    /// derivative: there, the pass forwards is the true one and the pass back takes the chain for the identity (the
    /// straight-through estimate; BPDA, Athalye et al., arXiv:1802.00420).
    pub fn is_differentiable(&self) -> bool {
        self.pipeline.slopes().is_some()
    }

    /// Whether the logits are those of the picture and its mirror image, averaged.
    pub fn is_flip_averaged(&self) -> bool {
        self.views == Views::Mirrored
    }

    /// Pictures `[n, channels, size, size]` in 0..255 as the network takes them.
    pub fn input(&self, pixels: &[f32]) -> Tensor<4> {
        let [c, h, w] = self.pipeline.shape();
        let mut values = pixels.to_vec();
        values.chunks_exact_mut(c * h * w).for_each(|image| self.pipeline.scale(image));
        let n = values.len() / (c * h * w);
        Tensor::from_data(TensorData::new(values, [n, c, h, w]), self.network.device())
    }

    /// The logits of pictures `[n, channels, size, size]` in 0..255, row-major.
    ///
    /// # Errors
    /// When they do not fit the network.
    pub fn logits(&self, pixels: &[f32]) -> Result<Vec<f32>> {
        let z = flip_averaged(self.is_flip_averaged(), self.input(pixels), |x| self.network.forward(x))?;
        let [rows, classes] = z.dims();
        ops::host(z.reshape([rows * classes])).context("cannot read the logits from the device")
    }

    /// The gradient of each row's loss with respect to its pixels, per grey level.
    ///
    /// # Errors
    /// When the pictures do not fit the network, or the gradient is not finite.
    pub fn gradient(&self, pixels: &[f32], losses: &dyn Fn(Tensor<2>) -> Tensor<1>) -> Result<Vec<f32>> {
        let x = self.input(pixels).autodiff().require_grad();
        let logits = flip_averaged(self.is_flip_averaged(), x.clone(), |x| self.network.tracked(x))?;
        let gradients = losses(logits).sum().backward();
        let gradient = x.grad(&gradients).context("the loss does not depend on the pictures")?;
        let mut gradient = ops::host(gradient.reshape([pixels.len()]))?;
        ensure!(
            gradient.iter().all(|g| g.is_finite()),
            "the gradient of the loss with respect to the pictures is not finite: the network's weights are broken"
        );
        if let Some(slopes) = self.pipeline.slopes() {
            let plane = self.pipeline.size() * self.pipeline.size();
            for (i, values) in gradient.chunks_exact_mut(plane).enumerate() {
                let slope = slopes[i % slopes.len()];
                values.iter_mut().for_each(|g| *g *= slope);
            }
        }
        Ok(gradient)
    }
}
