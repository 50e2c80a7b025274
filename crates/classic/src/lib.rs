//! Classical methods, without Burn: everything here is f64 on slices, deterministic, and does not depend on the number of
//! threads.
//!
//! Signals: [`filter`], [`dynamics`]. Vectors: [`matrix`], [`standardise`], [`components`], [`bilinear`]. Classifiers of
//! two classes: [`svm`], [`logistic`], [`boosting`], [`pairs`]. Files: [`model`], and `svm::libsvm`.

pub mod bilinear;
pub mod boosting;
pub mod components;
pub mod dynamics;
mod eigen;
mod fft;
pub mod filter;
pub mod logistic;
pub mod matrix;
pub mod model;
pub mod pairs;
pub mod standardise;
pub mod svm;
