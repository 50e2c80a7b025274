//! Faces in pictures: finding them with an ONNX detector, cutting them out; their landmarks, tracks and components.
//!
//! [`Photo`] is a picture as it was stored, [`Detector`] finds [`Detection`]s in it, [`Bounds::crop`] cuts a square around
//! one. The detector's file is the user's: this project ships no weights.

mod align;
mod bounds;
mod columns;
mod components;
mod crop;
mod detector;
mod embedder;
#[cfg(test)]
mod golden_tests;
mod landmarks;
mod letterbox;
mod openface;
#[cfg(test)]
mod tests;
mod tracking;
mod ultraface;
mod yunet;

pub use align::{EYES, align, align_eyes, similarity};
pub use bounds::{Bounds, Detection, suppress};
pub use columns::{FaceColumns, FaceRow};
pub use components::{component_bounds, cut_component, whole_frame};
pub use detector::Detector;
pub use embedder::{Embedder, TEMPLATE};
pub use ferrotype_data::picture::Photo;
pub use landmarks::{Landmarker, Landmarks, bounds_of, eye_centres, normalised_error};
pub use letterbox::Letterbox;
pub use openface::{OpenFaceRow, OpenFaceTable};
pub use tracking::Tracker;
