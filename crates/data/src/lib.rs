//! Faces and their labels: sources, the prepared file, label rules, splits, audit, preprocessing, augmentation and the
//! loader. Knows nothing of tensors: it hands out [`Batch`]es of plain `f32`.

pub mod audit;
pub mod augment;
mod blocks;
pub mod classes;
pub mod clips;
pub mod example;
mod face_set;
pub mod fingerprint;
pub mod foreign;
#[cfg(test)]
mod golden_tests;
pub mod info;
pub mod labels;
pub mod listing;
pub mod loader;
pub mod motion;
pub mod options;
pub mod picture;
pub mod preprocess;
pub mod progress;
#[doc(hidden)]
pub mod real_data;
pub mod sampler;
pub mod shards;
pub mod source_record;
pub mod sources;
pub mod split;
pub mod store;
pub mod stored_form;
pub mod synthetic;
pub mod targets;
pub mod task;
pub mod template;
pub mod text_table;
pub mod validate;

pub use face_set::{Batch, FaceSet, Images, Labelled, NO_LABEL, NO_PICTURE, Provenance, Segments, Split, Votes};
