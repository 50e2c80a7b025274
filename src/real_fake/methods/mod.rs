//! One file per method.

pub mod length;
