//! Video files as pictures with their times, through the programs ffmpeg and ffprobe.
//!
//! [`probe`] says what a file's header claims, [`Decoder`] hands out its frames one by one with their presentation times,
//! [`Sampler`] keeps some of them by time, [`Encoder`] writes H.264. Frames are streamed over pipes: memory holds one of
//! them, however long the video is, and dropping a decoder ends its process.

mod chunk;
mod decode;
mod encode;
mod log;
mod probe;
mod program;
mod sample;
#[cfg(test)]
mod tests;

pub use decode::{Decoder, Frame};
pub use encode::Encoder;
pub use log::{Line, Log, understand};
pub use probe::{Header, probe};
pub use program::{available, version};
pub use sample::Sampler;
