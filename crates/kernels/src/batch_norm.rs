//! Batch normalisation fused with the activation that follows it, and with a residual that is added in between.
//!
//! One unit of work is one channel over all images: its statistics and its normalisation run back to back while it is
//! still in cache.

mod backward;
mod forward;
mod gradient;
mod planes;
mod residual;

use crate::conv::Activation;

/// The shape of a batch norm over `x [batch, channels, spatial]` and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Pixels per channel and image.
    pub spatial: usize,
    /// Added to the variance.
    pub eps: f32,
    /// Applied last.
    pub act: Activation,
}

/// What normalises each channel, all `[channels]`: `(x - mean) / sqrt(var + eps) * gamma + beta`.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a> {
    /// Mean: of the batch in training, the running one when frozen.
    pub mean: &'a [f32],
    /// Biased variance of the batch in training, the running variance when frozen.
    pub var: &'a [f32],
    /// Scale.
    pub gamma: &'a [f32],
    /// Shift.
    pub beta: &'a [f32],
}

impl BatchNorm {
    fn len(&self) -> usize {
        self.batch * self.channels * self.spatial
    }

    fn check_tensor(&self, name: &str, len: usize) {
        assert_eq!(len, self.len(), "length of {name}");
    }

    fn check_channels(&self, name: &str, len: usize) {
        assert_eq!(len, self.channels, "length of {name}");
    }

    fn check(&self, p: &Channels<'_>) {
        self.check_channels("mean", p.mean.len());
        self.check_channels("var", p.var.len());
        self.check_channels("gamma", p.gamma.len());
        self.check_channels("beta", p.beta.len());
    }

    fn norm(&self, p: &Channels<'_>, channel: usize) -> Norm {
        Norm::new(p.mean[channel], p.var[channel], p.gamma[channel], p.beta[channel], self.eps)
    }
}

/// One channel's normalisation. Forward and backward evaluate it by the same operations, so that the backward pass
/// recovers from `x` exactly which outputs the activation cut.
#[derive(Clone, Copy)]
struct Norm {
    mean: f32,
    rstd: f32,
    scale: f32,
    beta: f32,
}

impl Norm {
    fn new(mean: f32, var: f32, gamma: f32, beta: f32, eps: f32) -> Self {
        let rstd = (1.0 / (f64::from(var) + f64::from(eps)).sqrt()) as f32;
        Self { mean, rstd, scale: gamma * rstd, beta }
    }

    /// Subtracting the mean first keeps the precision where it is large beside the deviation.
    #[inline(always)]
    fn apply(self, x: f32) -> f32 {
        (x - self.mean) * self.scale + self.beta
    }
}
