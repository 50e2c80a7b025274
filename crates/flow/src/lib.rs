//! Optical flow between two grey pictures, without tensors: TV-L1 ([`tvl1`]) as OpenCV computes it.
//!
//! Everything is f32 on [`Plane`]s, deterministic, and does not depend on the number of threads.

mod plane;
mod resize;
pub mod tvl1;

pub use plane::{Flow, Plane};
pub use tvl1::{Sampling, TvL1};
