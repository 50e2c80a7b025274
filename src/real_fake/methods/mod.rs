//! One file per method.

mod files;
pub mod length;
pub mod lstm;
mod sequence;
pub mod temporal_convolution;
mod training;
