//! How a model is trained: loop, optimizers, schedules, checkpoints.

pub mod checkpoint;
pub mod optimizer;
pub mod options;
pub mod schedule;
pub mod selection;
