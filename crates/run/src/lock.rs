//! One trainer per run folder, and one process that makes a file.

mod out;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::files::explain;

pub use out::OutLock;

/// Who asks whether a folder is free holds it for a moment: that moment is waited for.
const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// An operating-system lock on a run folder. It goes with the process, however that ends, so nothing is left to clear.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Whether another process works in `folder`. Those who ask at the same time do not see each other.
    pub fn is_held(folder: &Path) -> bool {
        let file = OpenOptions::new().write(true).open(folder.join(".lock"));
        file.is_ok_and(|f| matches!(f.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Takes the lock of `folder`.
    ///
    /// # Errors
    /// When another process holds it, or the lock file cannot be made.
    pub fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join(".lock");
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|e| explain(&path, &e))?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(e)) => return Err(explain(&path, &e)),
            }
        }
        bail!(
            "another process works in {}: wait for it or stop it first (the lock goes when that process ends)",
            folder.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_trainer_and_any_number_who_ask() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Lock::is_held(folder.path()));
        let lock = Lock::acquire(folder.path()).unwrap();
        assert!(Lock::is_held(folder.path()));
        assert!(Lock::acquire(folder.path()).is_err());
        drop(lock);
        // Somebody who asks at this moment.
        let asking = File::open(folder.path().join(".lock")).unwrap();
        asking.try_lock_shared().unwrap();
        assert!(!Lock::is_held(folder.path()));
        let waited = std::thread::scope(|scope| {
            let trainer = scope.spawn(|| Lock::acquire(folder.path()).is_ok());
            std::thread::sleep(PAUSE);
            drop(asking);
            trainer.join().unwrap()
        });
        assert!(waited);
    }
}
