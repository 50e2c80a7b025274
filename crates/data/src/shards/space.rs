//! Whether the disk has room.

use std::path::Path;

use anyhow::{Result, ensure};

/// What makes pictures take less.
pub(super) const LESS_FOR_PICTURES: &str = "a smaller --size or --store jpeg";

/// Bytes that a process may still write to the disk of a folder, where the system tells it.
#[cfg(unix)]
pub fn available(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that a process may still write to the disk of a folder: not asked of this system.
#[cfg(not(unix))]
pub fn available(_: &Path) -> Option<u64> {
    None
}

/// Refuses to store so many more bytes where the disk of a folder has no room for them; `less` are options that make it fewer.
///
/// # Errors
/// Says what is needed, what there is, and what to do.
pub fn check_room(needed: u64, folder: &Path, less: &str) -> Result<()> {
    check(needed, available(folder), folder, less)
}

/// Refuses what a disk with so many bytes free has no room for.
pub(super) fn check(needed: u64, available: Option<u64>, folder: &Path, less: &str) -> Result<()> {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let free = available.unwrap_or(u64::MAX);
    ensure!(
        needed <= free,
        "the disk that holds {} has {:.1} GiB free, and the pictures still to be stored take about {:.1} GiB: free some space, \
         choose a folder on another disk (--out), or {less}",
        folder.display(),
        gib(free),
        gib(needed)
    );
    Ok(())
}
