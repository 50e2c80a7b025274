//! CPU kernels for training small convolutional networks.
//!
//! Plain functions over `f32` slices in NCHW order; nothing here knows of tensors, graphs or Burn. Every kernel
//! exists for each [`Isa`] and gives bit-identical results for any number of rayon threads: work units are fixed by
//! the shape alone and reductions run in a fixed order. Bits may differ between instruction sets.
//!
//! All of Ferrotype's `unsafe` code lives in this crate.

pub mod activation;
mod attention;
pub mod batch_norm;
pub mod conv;
pub mod dropout;
pub mod gates;
pub mod gemm;
pub mod isa;
mod lanes;
mod layer_norm;
pub mod loss;
pub mod optim;
pub mod owned;
mod parallel;
pub mod pool;
pub mod recurrent;
pub mod reduce;
mod scratch;
mod simd;
mod tokens;
mod units;

pub use attention::Attention;
pub use batch_norm::{BatchNorm, Channels};
pub use conv::{Activation, Conv2d, Padding};
pub use gemm::Gemm;
pub use isa::Isa;
pub use layer_norm::{LayerNorm, LayerNormGradients};
pub use tokens::{Tokens, add_to_each};
