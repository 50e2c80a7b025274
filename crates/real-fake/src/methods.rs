//! One file per method, and what they share: `inputs` takes what a method needs from clips, `files` is the form of fitted
//! files, `groups` are the clips of one emotion, `sequence` and `training` are for methods with networks over time.

mod files;
mod groups;
mod inputs;
pub mod length;
pub mod logistic;
pub mod lstm;
pub mod parametric_bias;
pub mod rank_svm;
pub mod relaxed;
mod sequence;
pub mod svm;
pub mod temporal_convolution;
mod training;
