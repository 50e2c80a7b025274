//! The process' memory in MiB, where the system tells it.

use ferrotype_run::process::{peak_memory, resident_memory};

pub use ferrotype_run::process::reset_peak;

/// The most memory that was resident at any moment since the start or [`reset_peak`], in MiB.
pub fn peak_mib() -> Option<f64> {
    peak_memory().map(mib)
}

/// The memory that is resident now, in MiB.
pub fn resident_mib() -> Option<f64> {
    resident_memory().map(mib)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
