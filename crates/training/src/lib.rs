//! How a model is trained: loop, optimizers, schedules, checkpoints.

pub mod adversarial;
pub mod attack;
pub mod checkpoint;
pub mod ema;
pub mod features;
pub mod freeze;
pub mod head_scoring;
pub mod initial;
pub mod interrupt;
pub mod learner;
pub mod optimizer;
pub mod options;
pub mod parts;
pub mod progress;
#[cfg(test)]
mod saliency_tests;
pub mod schedule;
pub mod scoring;
pub mod selection;
pub mod stored_file;
pub mod swa;
pub mod teacher;
pub mod trainer;
pub mod validate;

#[cfg(test)]
mod determinism;
