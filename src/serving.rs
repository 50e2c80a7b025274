//! What `ferrotype serve` shows: models and runs, as `ferrotype_serve` asks for them.

mod models;
mod runs;
mod sweeps;
#[cfg(test)]
mod tests;

pub use models::{Chosen, ServedModels};
pub use runs::ServedRuns;
