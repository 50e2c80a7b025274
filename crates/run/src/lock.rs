//! One trainer per run folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use anyhow::{Result, bail};

use super::files::explain;

/// An operating-system lock on a run folder. It goes with the process, however that ends, so nothing is left to clear.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Whether another process works in `folder`.
    pub fn is_held(folder: &Path) -> bool {
        let file = OpenOptions::new().write(true).open(folder.join(".lock"));
        file.is_ok_and(|f| matches!(f.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Takes the lock of `folder`.
    ///
    /// # Errors
    /// When another process holds it, or the lock file cannot be made.
    pub fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join(".lock");
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|e| explain(&path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another process works in {}: wait for it or stop it first (the lock goes when that process ends)",
                folder.display()
            ),
            Err(TryLockError::Error(e)) => Err(explain(&path, &e)),
        }
    }
}
