//! Threads of a command.

use anyhow::{Context, Result};
use rayon::ThreadPoolBuilder;

/// The machine's cores, as far as this process may use them.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Does the work in a pool of so many threads (0 means one per core), and tells it their number. It is a pool of our own:
/// kernels and Burn's CPU backend both obey it, and nothing global is set.
///
/// # Errors
/// When the threads cannot be started, and those of the work.
pub fn in_pool<T: Send>(wanted: usize, work: impl FnOnce(usize) -> Result<T> + Send) -> Result<T> {
    let threads = match wanted {
        0 => cores(),
        n => n,
    };
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
    pool.install(|| work(threads))
}
