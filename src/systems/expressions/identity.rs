//! What a result depends on.

use crate::config::{self, Experiment};

/// The digest of what a result depends on. Threads may differ between the parts of an interrupted run; kernels are
/// compared by the name of what really computes.
pub fn result_digest(experiment: &Experiment) -> String {
    let mut e = experiment.clone();
    (e.threads, e.data.workers, e.kernels) = Default::default();
    config::digest(&e)
}
