//! Test-time averaging over mirror images.

use anyhow::{Context, Result};
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

/// The outputs `[batch, outputs]` that `forward` gives for views of the same pictures, `[batch, channels, height, width]` each,
/// averaged; with `mirrored` also over the mirror image of each view.
///
/// # Errors
/// Those of `forward`, and when there is no view.
pub fn averaged(
    mirrored: bool,
    views: impl IntoIterator<Item = Tensor<4>>,
    forward: impl Fn(Tensor<4>) -> Result<Tensor<2>>,
) -> Result<Tensor<2>> {
    let mut outputs = views.into_iter().map(|x| flip_averaged(mirrored, x, &forward));
    let mut sum = outputs.next().context("a picture without a view")??;
    let mut count = 1;
    for other in outputs {
        sum = sum + other?;
        count += 1;
    }
    Ok(if count == 1 { sum } else { sum.div_scalar(f64::from(count)) })
}
