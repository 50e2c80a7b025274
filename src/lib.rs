//! Ferrotype trains and benchmarks facial-expression models from one YAML file.
//!
//! This crate is the command line ([`commands`]) and one name for each part: the parts are crates of their own, which
//! `docs/architecture.md` draws. The way of the data: [`config`] -> [`data`] -> [`model`] -> [`objective`] -> [`training`] ->
//! [`evaluation`] -> [`export`] -> [`report`].

pub mod bench;
pub mod commands;
pub mod config;
pub mod reproduction;
pub mod runner;
pub mod systems;

pub use ferrotype_anomaly as anomaly;
pub use ferrotype_base::random;
pub use ferrotype_data as data;
pub use ferrotype_evaluation as evaluation;
pub use ferrotype_interop::{export, import};
pub use ferrotype_model as model;
pub use ferrotype_model::{device, objective, saliency};
pub use ferrotype_ops as ops;
pub use ferrotype_real_fake as real_fake;
pub use ferrotype_report as report;
pub use ferrotype_run as run;
pub use ferrotype_training as training;
pub use ferrotype_training::attack;
pub use ferrotype_vision::{clips, faces, video};
