//! One file per method.

mod inputs;
pub mod length;
pub mod logistic;
pub mod rank_svm;
pub mod svm;
