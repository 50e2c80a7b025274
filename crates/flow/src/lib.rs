//! Optical flow between two grey pictures of a face, without tensors: TV-L1 ([`tvl1`]) as OpenCV computes it, the optical strain
//! of a flow ([`mod@strain`]), and small pictures of both ([`picture`]), from which micro-expressions are recognised.
//!
//! Everything is f32 on [`Plane`]s, deterministic, and does not depend on the number of threads.

pub mod picture;
mod plane;
mod resize;
pub mod strain;
pub mod tvl1;

pub use picture::{FlowPicture, Horizontal, Input, Shrink, Signed, Stretched, mirror_flow};
pub use plane::{Flow, Plane};
pub use strain::strain;
pub use tvl1::{Sampling, TvL1};
