//! What the system tells of this process, and of the machine that it runs on (Linux; elsewhere nothing).

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
    kib_in("/proc/self/status", "VmHWM:")
}

/// The memory that is resident now, in bytes.
pub fn resident_memory() -> Option<u64> {
    kib_in("/proc/self/status", "VmRSS:")
}

/// The memory of the machine that programs may still take, in bytes.
pub fn available_memory() -> Option<u64> {
    kib_in("/proc/meminfo", "MemAvailable:")
}

/// Programs of the machine that ran or wanted to, averaged over a minute.
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Lets the peak begin anew; does nothing where the system cannot.
pub fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The name of this machine.
pub fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "host".into())
}

/// Whether a process is stopped by a signal.
pub fn is_stopped(pid: u32) -> bool {
    fields(pid).is_some_and(|fields| fields.first().is_some_and(|state| state == "T"))
}

/// The processes of the session that a process leads.
pub fn in_session(leader: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| fields(pid).and_then(|f| f.get(3)?.parse::<u32>().ok()) == Some(leader)).collect()
}

/// What the system tells of a process, from its state on. Its name, in brackets, may hold anything.
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// The bytes that a line of a file of the system gives in KiB.
fn kib_in(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}
