//! Whether a folder can be shared: what workers need of its file system is tried out before any of them trusts it.
//!
//! | tried | needed because |
//! |---|---|
//! | a file is made only if there is none of its name (`O_EXCL`) | temporary names must not be taken twice |
//! | renaming replaces a file in one step | a reader sees the old file or the new one, never a part or none |
//! | a hard link is refused where its name exists, and counted | of many workers one gets each trial |
//! | a file that grows is seen to grow while its writer has it open | signs of life |
//! | a new file is listed at once | claims are found by listing |
//! | a lock on a file keeps others out | one trainer per run folder |
//!
//! Local disks do all this, NFS and the file systems of clusters by their documentation; object stores that are mounted as
//! folders do not.
//! What only a second machine could see, a cache that is older than it may be, shows nowhere here.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};
use ferrotype_base::files::{explain, unique};

mod disk;

pub use disk::Disk;

/// The operations that sharing a folder is made of.
pub trait FileSystem: Sync {
    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    /// `AlreadyExists` where it does.
    fn create_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// The whole content.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Renames, in place of what has the new name.
    ///
    /// # Errors
    /// When it cannot.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, which must not exist yet.
    ///
    /// # Errors
    /// `AlreadyExists` where it does.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// How many names a file has; none where the system does not tell.
    ///
    /// # Errors
    /// When there is no such file.
    fn links(&self, path: &Path) -> io::Result<Option<u64>>;

    /// Opens a file at its end, and keeps it open.
    ///
    /// # Errors
    /// When it cannot.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Appending>>;

    /// The length as somebody else sees it.
    ///
    /// # Errors
    /// When there is no such file.
    fn length(&self, path: &Path) -> io::Result<u64>;

    /// The names in a folder.
    ///
    /// # Errors
    /// When it cannot be listed.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Locks a file that exists until what is given back is dropped; none where somebody else has it.
    ///
    /// # Errors
    /// When it cannot be locked at all.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn std::any::Any>>>;

    /// Removes a file.
    ///
    /// # Errors
    /// When it cannot.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// A file that is open at its end.
pub trait Appending {
    /// Appends, and hands it to the file system.
    ///
    /// # Errors
    /// When it cannot be written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// What is to be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// A study, whose trials are claimed: all that is tried.
    Study,
    /// A group of runs, each of which is one process's from the beginning: neither links nor signs of life.
    Runs,
}

/// Refuses a folder that cannot be shared.
///
/// # Errors
/// What it lacks and what that is needed for; or that it cannot be written at all.
pub fn check(folder: &Path, shared: Shared) -> Result<()> {
    check_with(&Disk, folder, shared)
}

/// As [`check`], on any file system.
///
/// # Errors
/// As [`check`].
pub fn check_with(files: &dyn FileSystem, folder: &Path, shared: Shared) -> Result<()> {
    let probe = Probe { files, folder, shared, name: format!(".probe-{:016x}", unique()) };
    let tried = probe.all();
    probe.clear();
    tried.map_err(|lack| lack.told(folder))
}

/// Why a folder cannot be shared.
enum Lack {
    /// It cannot be written in the first place.
    Unwritable(PathBuf, io::Error),
    /// A property is missing.
    Property { what: &'static str, why: &'static str, cause: Option<io::Error> },
}

impl Lack {
    fn told(self, folder: &Path) -> anyhow::Error {
        let (what, why, cause) = match self {
            Self::Unwritable(path, e) => return explain(&path, &e),
            // Says nothing of the kind of file system.
            Self::Property { cause: Some(e), .. }
                if matches!(e.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                return explain(&folder.join("claims"), &e);
            }
            Self::Property { what, why, cause } => (what, why, cause),
        };
        let cause = cause.map_or_else(String::new, |e| format!(" ({e})"));
        let kind = disk::kind(folder).map_or_else(String::new, |kind| format!(", a file system of the kind `{kind}`"));
        anyhow!(
            "workers cannot share {}{kind}: {what}{cause}, and without that {why}. Choose a folder on a local disk or on a \
             network file system like NFS; object stores that are mounted as folders will not do",
            folder.display()
        )
    }
}

fn lack(what: &'static str, why: &'static str, cause: Option<io::Error>) -> Lack {
    Lack::Property { what, why, cause }
}

/// How often a file is replaced under the eyes of a reader.
const REPLACEMENTS: usize = 25;

struct Probe<'a> {
    files: &'a dyn FileSystem,
    folder: &'a Path,
    shared: Shared,
    name: String,
}

impl Probe<'_> {
    fn path(&self, tail: &str) -> PathBuf {
        self.folder.join(format!("{}{tail}", self.name))
    }

    fn all(&self) -> Result<(), Lack> {
        self.exclusive()?;
        self.listing()?;
        self.rename()?;
        self.lock()?;
        if self.shared == Shared::Study {
            self.link()?;
            self.growth()?;
        }
        Ok(())
    }

    fn clear(&self) {
        for tail in ["", "-new", "-link", "-beat"] {
            // Most are gone already.
            let _ = self.files.remove(&self.path(tail));
        }
    }

    fn exclusive(&self) -> Result<(), Lack> {
        const WHY: &str = "two workers could write into one file";
        let path = self.path("");
        self.files.create_new(&path, b"old").map_err(|e| Lack::Unwritable(path.clone(), e))?;
        match self.files.create_new(&path, b"second") {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(lack("exclusive creation of files fails", WHY, Some(e))),
            Ok(()) => Err(lack("a file that exists can be made a second time", WHY, None)),
        }
    }

    fn listing(&self) -> Result<(), Lack> {
        const WHY: &str = "workers do not see which trials are taken";
        match self.files.list(self.folder) {
            Ok(names) if names.contains(&self.name) => Ok(()),
            Ok(_) => Err(lack("a new file is not listed at once", WHY, None)),
            Err(e) => Err(lack("it cannot be listed", WHY, Some(e))),
        }
    }

    /// Replaces a file again and again while another thread reads it.
    fn rename(&self) -> Result<(), Lack> {
        const WHY: &str = "a checkpoint or a table can be read half written";
        let (path, new) = (self.path(""), self.path("-new"));
        let contents: [&[u8]; 2] = [b"old", b"a longer one"];
        let is_over = AtomicBool::new(false);
        let watch = || -> Option<Lack> {
            while !is_over.load(Ordering::SeqCst) {
                match self.files.read(&path) {
                    Ok(seen) if contents.contains(&seen.as_slice()) => {}
                    Ok(_) => return Some(lack("a file that is replaced is seen half written", WHY, None)),
                    Err(e) => return Some(lack("a file is missing while it is replaced", WHY, Some(e))),
                }
            }
            None
        };
        let replace = || -> Result<(), Lack> {
            for turn in 0..REPLACEMENTS {
                self.files.create_new(&new, contents[(turn + 1) % 2]).map_err(|e| Lack::Unwritable(new.clone(), e))?;
                let renamed = self.files.rename(&new, &path);
                renamed.map_err(|e| lack("renaming does not replace a file", WHY, Some(e)))?;
                if self.files.read(&path).ok().as_deref() != Some(contents[(turn + 1) % 2]) {
                    return Err(lack("a renamed file does not have its content", WHY, None));
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let watcher = scope.spawn(watch);
            let replaced = replace();
            is_over.store(true, Ordering::SeqCst);
            replaced.and(match watcher.join() {
                Ok(seen) => seen.map_or(Ok(()), Err),
                Err(_) => Err(lack("reading a file that is replaced breaks down", WHY, None)),
            })
        })
    }

    fn link(&self) -> Result<(), Lack> {
        const WHY: &str = "two workers could take up the same trial";
        let (path, second) = (self.path(""), self.path("-link"));
        let linked = self.files.link(&path, &second);
        linked.map_err(|e| lack("it has no hard links", WHY, Some(e)))?;
        match self.files.link(&path, &second) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(lack("a second hard link of one name fails in an unknown way", WHY, Some(e))),
            Ok(()) => return Err(lack("a hard link replaces a file of its name", WHY, None)),
        }
        match self.files.links(&path) {
            Ok(None | Some(2)) => Ok(()),
            Ok(_) => Err(lack("it does not count hard links", WHY, None)),
            Err(e) => Err(lack("it does not count hard links", WHY, Some(e))),
        }
    }

    fn growth(&self) -> Result<(), Lack> {
        const WHAT: &str = "a file that grows is not seen to grow until it is closed";
        const WHY: &str = "the others take a worker that lives for dead";
        let path = self.path("-beat");
        let mut beat = self.files.append(&path).map_err(|e| lack("files cannot be appended to", WHY, Some(e)))?;
        for length in 1..=3 {
            beat.append(b".").map_err(|e| lack("files cannot be appended to", WHY, Some(e)))?;
            match self.files.length(&path) {
                Ok(seen) if seen == length => {}
                Ok(_) => return Err(lack(WHAT, WHY, None)),
                Err(e) => return Err(lack(WHAT, WHY, Some(e))),
            }
        }
        Ok(())
    }

    fn lock(&self) -> Result<(), Lack> {
        const WHY: &str = "two processes could train in one run folder";
        let path = self.path("");
        let first = self.files.lock(&path).map_err(|e| lack("files cannot be locked", WHY, Some(e)))?;
        if first.is_none() {
            return Err(lack("a file that nobody uses is locked", WHY, None));
        }
        match self.files.lock(&path) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(lack("a locked file can be locked again", WHY, None)),
            Err(e) => Err(lack("files cannot be locked", WHY, Some(e))),
        }
    }
}

#[cfg(test)]
mod tests;
