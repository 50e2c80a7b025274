//! Optical flow between two grey pictures, without tensors: TV-L1 ([`tvl1`]) as OpenCV computes it, and the optical strain of a
//! flow ([`mod@strain`]).
//!
//! Everything is f32 on [`Plane`]s, deterministic, and does not depend on the number of threads.

mod plane;
mod resize;
pub mod strain;
pub mod tvl1;

pub use plane::{Flow, Plane};
pub use strain::strain;
pub use tvl1::{Sampling, TvL1};
