//! One process at a time makes a file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{ATTEMPTS, PAUSE};
use crate::files::explain;
use crate::process::host;
use crate::program::command_line;
use crate::provenance::now;

/// Who waits for a lock looks for it so often.
const LOOK: Duration = Duration::from_millis(500);

/// An operating-system lock on a file that is being made and on what belongs to it: `.faces.h5.lock` beside `faces.h5`, in
/// which stands who holds it. It goes with the process, however that ends; a lock file that is left behind locks nothing. Where
/// the file system knows no locks, nothing is locked.
#[derive(Debug)]
pub struct OutLock {
    path: PathBuf,
    // Closed, which frees the lock, after `drop` has removed the file.
    _file: File,
}

impl OutLock {
    /// Takes the lock of the file `out`, whose folder is there.
    ///
    /// # Errors
    /// When another process holds it: says who. When the lock file cannot be made.
    pub fn acquire(out: &Path) -> Result<Self> {
        let path = path_of(out)?;
        for _ in 0..ATTEMPTS {
            if let Some(lock) = Self::attempt(&path)? {
                return Ok(lock);
            }
            std::thread::sleep(PAUSE);
        }
        bail!(
            "{} is being made by {}: wait for it or stop it first (the lock goes when that process ends), or choose another \
             file",
            out.display(),
            holder(&path)
        )
    }

    /// Takes the lock of the file `out` as soon as it is free; `waiting` is told who holds it, if somebody does. Says
    /// whether there was something to wait for.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn wait(out: &Path, waiting: impl FnOnce(&str)) -> Result<(Self, bool)> {
        let path = path_of(out)?;
        if let Some(lock) = Self::attempt(&path)? {
            return Ok((lock, false));
        }
        waiting(&holder(&path));
        loop {
            std::thread::sleep(LOOK);
            if let Some(lock) = Self::attempt(&path)? {
                return Ok((lock, true));
            }
        }
    }

    fn attempt(path: &Path) -> Result<Option<Self>> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(|e| explain(path, &e))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            // Its holder removed it between opening and locking: the next attempt makes a new one.
            Ok(()) if !is_at(&file, path) => return Ok(None),
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        // For others to read; the lock does not depend on it.
        let who = format!("process {} on {} ({}, since {})", std::process::id(), host(), command_line(), now());
        let _ = file.set_len(0).and_then(|()| file.write_all(who.as_bytes()));
        Ok(Some(Self { path: path.into(), _file: file }))
    }
}

impl Drop for OutLock {
    fn drop(&mut self) {
        // Still locked: whoever opened it meanwhile finds that it is not there any more. If it stays, it locks nothing.
        let _ = fs::remove_file(&self.path);
    }
}

fn path_of(out: &Path) -> Result<PathBuf> {
    let name = out.file_name().with_context(|| format!("{} does not name a file", out.display()))?;
    Ok(out.with_file_name(format!(".{}.lock", name.to_string_lossy())))
}

/// Who holds a lock, as far as can be read.
fn holder(path: &Path) -> String {
    let who = fs::read_to_string(path).unwrap_or_default();
    if who.is_empty() { "another process".into() } else { who }
}

/// Whether an open file is the one of this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    file.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(|(a, b)| same(a, b))
}

/// Whether an open file is the one of this name: a file that was removed has none until it is closed.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("faces.h5");
        let lock = OutLock::acquire(&out).unwrap();
        let said = OutLock::acquire(&out).unwrap_err().to_string();
        let who = format!("faces.h5 is being made by process {} on ", std::process::id());
        assert!(said.contains(&who) && said.contains("since 2") && said.contains("wait for it"), "{said}");
        assert!(OutLock::acquire(&folder.path().join("other.h5")).is_ok());
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // What a killed process left behind locks nothing.
        fs::write(path_of(&out).unwrap(), "process 1 on a machine (ferrotype, since yesterday), and more").unwrap();
        let (lock, waited) = OutLock::wait(&out, |_| ()).unwrap();
        assert!(!waited && holder(&lock.path).ends_with(')'));
    }

    #[test]
    fn who_waits_comes_next() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("faces.h5");
        let lock = OutLock::acquire(&out).unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let one = || OutLock::wait(&out, |who| told.send(who.to_owned()).unwrap()).unwrap();
        std::thread::scope(|scope| {
            let waiting = [scope.spawn(|| one().1), scope.spawn(|| one().1)];
            for _ in 0..2 {
                assert!(heard.recv().unwrap().starts_with("process "));
            }
            drop(lock);
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
