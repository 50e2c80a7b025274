//! How a model is trained: loop, optimizers, schedules, checkpoints.

pub mod options;
