//! Between maps and tokens; what is learnt for each place.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use ferrotype_kernels::Tokens;

use super::Compute;
use super::native::{self, TokenOps};

/// Maps `x [batch, channels, height, width]` as tokens `[batch, height * width, channels]`: block by block, and within a
/// block row by row. A block as large as the map gives the map's own order.
pub fn to_tokens(compute: Compute, x: Tensor<4>, block: [usize; 2]) -> Tensor<3> {
    let [batch, channels, height, width] = x.dims();
    let shape = Tokens { batch, channels, height, width, block };
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_to_tokens(x, shape, isa)),
        Err(x) => x,
    };
    let [rows, columns] = block;
    x.reshape([batch, channels, height / rows, rows, width / columns, columns]).permute([0, 2, 4, 3, 5, 1]).reshape([
        batch,
        height * width,
        channels,
    ])
}

/// The map `[batch, channels, height, width]` that tokens `x [batch, height * width, channels]` in the order of
/// [`to_tokens`] came from; `size` is its height and width.
pub fn to_map(compute: Compute, x: Tensor<3>, [height, width]: [usize; 2], block: [usize; 2]) -> Tensor<4> {
    let [batch, _, channels] = x.dims();
    let shape = Tokens { batch, channels, height, width, block };
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_to_map(x, shape, isa)),
        Err(x) => x,
    };
    let [rows, columns] = block;
    x.reshape([batch, height / rows, width / columns, rows, columns, channels])
        .permute([0, 5, 1, 3, 2, 4])
        .reshape([batch, channels, height, width])
}

/// The values `row [steps * features]` added to each example of `x [batch, steps, features]`.
pub fn add_to_each(compute: Compute, x: Tensor<3>, row: Tensor<1>) -> Tensor<3> {
    let [_, steps, features] = x.dims();
    match native::split(compute, x) {
        Ok((x, isa)) => Tensor::from_dispatch(Dispatch::native_add_to_each(x, row.into_dispatch(), isa)),
        Err(x) => x + row.reshape([1, steps, features]),
    }
}

/// The tokens `x [batch, tokens, features]` behind one more, `token [features]`.
pub fn class_token(compute: Compute, x: Tensor<3>, token: Tensor<1>) -> Tensor<3> {
    let [batch, _, features] = x.dims();
    let zeros = Tensor::<3>::zeros([batch, 1, features], &x.device().inner()).cast(x.dtype());
    let zeros = if x.is_autodiff() { zeros.autodiff() } else { zeros };
    Tensor::cat(vec![add_to_each(compute, zeros, token), x], 1)
}
