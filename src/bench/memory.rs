//! The process' memory, where the system tells it (Linux).

use std::fs;

/// The most memory that was resident at any moment since the start or [`reset_peak`], in MiB.
pub fn peak_mib() -> Option<f64> {
    status("VmHWM:")
}

/// The memory that is resident now, in MiB.
pub fn resident_mib() -> Option<f64> {
    status("VmRSS:")
}

/// Lets the peak begin anew; does nothing where the system cannot.
pub fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status(key: &str) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
