//! How a model is trained: loop, optimizers, schedules, checkpoints.

pub mod optimizer;
pub mod options;
pub mod schedule;
