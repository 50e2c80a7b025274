//! The experiment file: typed sections, inheritance, overrides, and errors that say where.
//!
//! Each room owns the options it reads (`data::options`, `model::options`, ...); this room assembles them into one
//! [`Experiment`], and reads, checks and prints it.

mod experiment;

pub use experiment::{Device, Evaluate, Expect, Experiment, Export, KernelBackend, Kernels, KernelsIsa, SelectOn};
