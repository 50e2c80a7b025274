//! A video in; faces, expressions, action units, valence and arousal out, frame by frame and face by face.
//!
//! The way of the data: [`Parts`] are the networks that an analysis is made of, each optional but the detector; `look` makes
//! faces of a frame; `identity` tells them apart over time; [`video::analyse`] writes a line for each frame into a journal, and
//! `output` makes the files of it. Memory does not grow with the length of the video, but for about a hundred bytes a face.

pub mod identity;
mod look;
pub mod mesh;
pub mod options;
pub mod output;
mod parts;
pub mod record;
pub mod video;

pub use look::Found;
pub use options::AnalysisOptions;
pub use output::RESULTS_SCHEMA;
pub use output::crops::join as join_crops;
pub use parts::{Head, PartFacts, Parts};
