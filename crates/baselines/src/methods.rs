//! One file per method.

pub mod most_common;
pub mod nearest;
pub mod svm;
