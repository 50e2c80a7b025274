//! Faces and their labels: sources, the prepared file, label rules, splits, audit, preprocessing, augmentation and the
//! loader. Knows nothing of tensors: it hands out [`Batch`]es of plain `f32`.

pub mod augment;
mod face_set;
pub mod loader;
pub mod options;
pub mod preprocess;
pub mod sampler;
pub mod synthetic;

pub use face_set::{Batch, FaceSet, Images, Labelled, NO_LABEL, Provenance, Split, Votes};
