//! Faces in pictures: finding them with an ONNX detector, cutting them out.
//!
//! [`Photo`] is a picture as it was stored, [`Detector`] finds [`Detection`]s in it, [`Photo::crop`] cuts a square around
//! one. The detector's file is the user's: this project ships no weights.

mod bounds;
mod crop;
mod detector;
#[cfg(test)]
mod known;
mod letterbox;
mod photo;
#[cfg(test)]
mod tests;
mod ultraface;
mod yunet;

pub use bounds::{Bounds, Detection, suppress};
pub use detector::Detector;
pub use letterbox::Letterbox;
pub use photo::Photo;
