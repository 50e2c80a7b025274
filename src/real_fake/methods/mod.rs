//! One file per method.

mod files;
pub mod length;
pub mod lstm;
pub mod parametric_bias;
pub mod relaxed;
mod sequence;
pub mod temporal_convolution;
mod training;
