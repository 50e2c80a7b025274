//! Speed and memory: training steps, inference (our network, and its ONNX file), the loader and the reading of prepared
//! files, measured on fixed random data.
//!
//! `ferrotype bench` measures in rounds; with `--serve` it takes its orders from standard input, so that
//! `scripts/bench.py` can let several programs take turns. See `docs/benchmarks.md`.

mod hdf5;
mod loader;
mod memory;
mod onnx;
pub mod parity;
mod profile;
mod recurrent;
mod subject;
mod worker;

use anyhow::{Context, Result};
use ferrotype_base::statistics::median;
use serde::Serialize;

use ferrotype_model::ModelOptions;

pub use hdf5::{Reads, read_times};
pub use loader::{Loading, loader_ms};
pub use memory::{peak_mib, reset_peak, resident_mib};
pub use onnx::OnnxSubject;
pub use profile::breakdown;
pub use recurrent::Recurrent;
pub use subject::{Optimizer, Subject};
pub use worker::{Order, Worker};

/// The networks that are measured when none are named, with the batch that each is trained with.
pub const CASES: [(&str, usize); 6] = [
    ("vgg13", 32),
    ("emopy_cnn", 32),
    ("mini_xception", 64),
    ("resnet18", 64),
    ("depthwise_separable", 64),
    ("micro_exp_net", 64),
];

/// The batch sizes that inference is measured with.
pub const INFERENCE: [usize; 2] = [1, 64];

/// The network of this name, with its default options.
///
/// # Errors
/// When the zoo has none of that name.
pub fn model(name: &str) -> Result<ModelOptions> {
    let all = ModelOptions::all();
    let names: Vec<&str> = all.iter().map(ModelOptions::name).collect();
    let unknown = || format!("there is no network `{name}`: the zoo has {}", names.join(", "));
    all.iter().find(|m| m.name() == name).cloned().with_context(unknown)
}

/// The batch that a network is measured with when none is given.
pub fn default_batch(name: &str) -> usize {
    CASES.iter().find(|(n, _)| *n == name).map_or(64, |&(_, batch)| batch)
}

/// Middle and least of some times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Times {
    /// The median.
    pub median_ms: f64,
    /// The least.
    pub min_ms: f64,
    /// How many were measured.
    pub count: usize,
}

impl Times {
    /// The summary of at least one time.
    pub fn of(ms: &[f64]) -> Self {
        let min = ms.iter().copied().min_by(f64::total_cmp);
        Self { median_ms: median(ms).unwrap_or(f64::NAN), min_ms: min.unwrap_or(f64::NAN), count: ms.len() }
    }

    /// Pictures per second at the median, with so many per batch.
    pub fn images_per_second(&self, batch: usize) -> f64 {
        batch as f64 * 1e3 / self.median_ms
    }
}

#[cfg(test)]
mod tests;
