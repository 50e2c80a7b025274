//! Ferrotype trains and benchmarks facial-expression models from one YAML file.
//!
//! The way of the data through the rooms:
//! [`config`] -> [`data`] -> [`model`] -> [`objective`] -> [`training`] -> [`evaluation`] -> [`export`] -> [`report`].
//! `docs/architecture.md` says what each may know of the others.

pub mod anomaly;
pub mod attack;
pub mod bench;
pub mod clips;
pub mod commands;
pub mod config;
pub mod data;
pub mod device;
pub mod evaluation;
pub mod export;
pub mod faces;
pub mod import;
pub mod model;
pub mod objective;
pub mod ops;
pub mod real_fake;
pub mod report;
pub mod reproduction;
pub mod run;
pub mod saliency;
pub mod training;
pub mod video;

pub use ferrotype_base::random;
