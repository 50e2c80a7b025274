//! Tensor operations, each with the bodies that can compute it.
//!
//! One file per operation. The `burn` body runs on every device with Burn's standard operations, in evaluation and,
//! through its autodiff, in training. A [`Compute`] goes with every call and says which body is wanted.
//!
//! Operations take the activation that follows them, so that a fused body can apply it as it stores. Parameters arrive
//! flat (`Tensor<1>`), as they are stored; each operation knows its own layout.
//!
//! Shapes are the caller's duty: a graph (`ferrotype_model::Graph`) has checked them before anything computes.

use std::fmt;

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use ferrotype_kernels::pool::Pool2d;
use ferrotype_kernels::{Activation, Isa};

mod add;
mod apply;
mod attention;
mod avg_pool;
mod batch_norm;
mod conv2d;
mod conv_lstm;
mod cross_entropy;
mod dropout;
mod gates;
mod gelu;
mod in_place;
mod layer_norm;
mod linear;
mod lstm;
mod max_pool;
mod native;
pub mod profile;
mod tokens;

use native::NativeOps;

pub use add::add;
pub use apply::apply;
pub use attention::attention;
pub use avg_pool::{avg_pool, global_avg_pool};
pub use batch_norm::{Normalised, batch_norm, batch_norm_train};
pub use conv_lstm::conv_lstm;
pub use conv2d::conv2d;
pub use cross_entropy::cross_entropy;
pub use dropout::{dropout, mask};
pub use gates::{drop_path, scale_channels};
pub use gelu::gelu;
pub use in_place::{host, in_place, sum_squares};
pub use layer_norm::layer_norm;
pub use linear::linear;
pub use lstm::{RecurrentWeights, lstm};
pub use max_pool::max_pool;
pub use tokens::{add_to_each, class_token, to_map, to_tokens};

/// Whose code computes. An operation without a native body computes with Burn's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compute {
    /// Burn's standard operations.
    #[default]
    Burn,
    /// Ferrotype's CPU kernels with this instruction set, on the `flex` device.
    Native(Isa),
}

impl fmt::Display for Compute {
    /// As checkpoints name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Burn => f.write_str("burn"),
            Self::Native(isa) => write!(f, "native {isa}"),
        }
    }
}

/// The size, step and border of a pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Border; its pixels never win a maximum.
    pub padding: ferrotype_kernels::Padding,
}

impl Window {
    /// Padding in Burn's order: `[(top, bottom), (left, right)]`.
    fn burn_padding(&self) -> [(usize, usize); 2] {
        burn_padding(&self.padding)
    }

    /// The shape of a pooling of `x`, as the native kernels take it.
    fn native(&self, x: &Tensor<4>) -> Pool2d {
        let [batch, channels, height, width] = x.dims();
        let Self { kernel, stride, padding } = *self;
        Pool2d { batch, channels, height, width, kernel, stride, padding }
    }
}

fn burn_padding(p: &ferrotype_kernels::Padding) -> [(usize, usize); 2] {
    [(p.top, p.bottom), (p.left, p.right)]
}

/// Applies an activation by itself.
pub fn activate<const D: usize>(compute: Compute, x: Tensor<D>, activation: Activation) -> Tensor<D> {
    if activation == Activation::None {
        return x;
    }
    let x = match native::split(compute, x) {
        Ok((x, isa)) => return Tensor::from_dispatch(Dispatch::native_activate(x, activation, isa)),
        Err(x) => x,
    };
    match activation {
        Activation::None => x,
        Activation::Relu => burn::tensor::activation::relu(x),
        // Not one clamp: its derivative at 0 is 1 in Burn, and 0 in PyTorch and the native kernels. Channels that are dead
        // in the layer before are exactly 0.
        Activation::Relu6 => burn::tensor::activation::relu(x).clamp_max(6.0),
    }
}
