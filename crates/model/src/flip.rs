//! Test-time averaging over mirror images.

use anyhow::Result;
use burn::tensor::Tensor;

/// The logits `[batch, classes]` that `forward` gives for `x [batch, channels, height, width]`; with `average` the mean
/// of those of the pictures and of their mirror images.
///
/// # Errors
/// Those of `forward`.
pub fn flip_averaged(
    average: bool,
    x: Tensor<4>,
    forward: impl Fn(Tensor<4>) -> Result<Tensor<2>>,
) -> Result<Tensor<2>> {
    if !average {
        return forward(x);
    }
    let straight = forward(x.clone())?;
    Ok((straight + forward(x.flip([3]))?).div_scalar(2.0))
}
