//! Metrics by the names that experiment files have for them.

use ferrotype_base::problems::{Problems, nearest};

/// The names of the metrics that an experiment file may ask for. `loss` is `log_loss` by its short name.
pub const METRICS: [&str; 10] =
    ["accuracy", "uar", "macro_f1", "uf1", "kappa", "top2_accuracy", "log_loss", "loss", "ece", "kl_votes"];

/// A problem where a key does not name a metric.
pub fn check(p: &mut Problems, path: &str, found: &str) {
    if METRICS.contains(&found) {
        return;
    }
    let meant = nearest(found, METRICS).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    p.add(path, format!("unknown metric {found:?}{meant} (known: {})", METRICS.join(", ")));
}
