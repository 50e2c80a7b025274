//! What the system tells of this process (Linux; elsewhere nothing).

use std::fs;

/// Processor time so far, all threads together, in seconds. Linux counts it in hundredths of a second, on every processor
/// it runs on.
pub fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, in brackets, may hold blanks; what follows begins with the third field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some((ticks(14)? + ticks(15)?) / 100.0)
}

/// The most memory that was resident at any moment since the start or [`reset_peak`], in bytes.
pub fn peak_memory() -> Option<u64> {
    status("VmHWM:")
}

/// The memory that is resident now, in bytes.
pub fn resident_memory() -> Option<u64> {
    status("VmRSS:")
}

/// Lets the peak begin anew; does nothing where the system cannot.
pub fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}
