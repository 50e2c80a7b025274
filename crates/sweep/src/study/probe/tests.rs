use super::*;
use std::any::Any;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

/// What a file system lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Without {
    Nothing,
    Exclusive,
    Listing,
    Replacing,
    AtomicRename,
    Links,
    ExclusiveLinks,
    LinkCounts,
    Appending,
    Growth,
    Locks,
    ExclusiveLocks,
}

/// The disk, but for one property.
struct Lame(Without);

/// A file of an object store: it appears when it is closed.
struct Upload {
    path: PathBuf,
    kept: Mutex<Vec<u8>>,
}

impl Appending for Upload {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.kept.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        fs::write(&self.path, &*self.kept.lock().unwrap()).unwrap();
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::from(ErrorKind::Unsupported))
}

impl FileSystem for Lame {
    fn create_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.0 == Without::Exclusive { fs::write(path, bytes) } else { Disk.create_new(path, bytes) }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Disk.read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.0 {
            Without::Replacing if to.exists() => Err(io::Error::from(ErrorKind::AlreadyExists)),
            Without::AtomicRename => {
                // As object stores do: copied, then removed.
                let bytes = fs::read(from)?;
                fs::write(to, &bytes[..1])?;
                std::thread::sleep(Duration::from_millis(3));
                fs::write(to, bytes)?;
                fs::remove_file(from)
            }
            _ => Disk.rename(from, to),
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.0 {
            Without::Links => unsupported(),
            Without::ExclusiveLinks => {
                let _ = fs::remove_file(to);
                Disk.link(from, to)
            }
            Without::LinkCounts => Disk.create_new(to, &fs::read(from)?),
            _ => Disk.link(from, to),
        }
    }

    fn links(&self, path: &Path) -> io::Result<Option<u64>> {
        Disk.links(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Appending>> {
        match self.0 {
            Without::Appending => unsupported(),
            Without::Growth => {
                fs::write(path, b"")?;
                Ok(Box::new(Upload { path: path.to_path_buf(), kept: Mutex::default() }))
            }
            _ => Disk.append(path),
        }
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        Disk.length(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        if self.0 == Without::Listing { Ok(Vec::new()) } else { Disk.list(folder) }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Any>>> {
        match self.0 {
            Without::Locks => unsupported(),
            Without::ExclusiveLocks => Ok(Some(Box::new(()))),
            _ => Disk.lock(path),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
}

#[test]
fn whatever_is_missing_is_named_with_what_it_is_needed_for() {
    for (without, what, why) in [
        (Without::Exclusive, "made a second time", "write into one file"),
        (Without::Listing, "not listed", "which trials are taken"),
        (Without::Replacing, "does not replace", "half written"),
        (Without::AtomicRename, "half written", "half written"),
        (Without::Links, "no hard links", "take up the same trial"),
        (Without::ExclusiveLinks, "replaces a file", "take up the same trial"),
        (Without::Appending, "cannot be appended", "for dead"),
        (Without::Growth, "until it is closed", "for dead"),
        (Without::Locks, "cannot be locked", "train in one run folder"),
        (Without::ExclusiveLocks, "locked again", "train in one run folder"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let message = check_with(&Lame(without), folder.path(), Shared::Study).unwrap_err().to_string();
        assert!(message.contains(what) && message.contains(why), "{without:?}: {message}");
        assert!(message.contains("NFS") && message.contains(&folder.path().display().to_string()), "{message}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{without:?} leaves files");
    }
}

#[cfg(unix)]
#[test]
fn links_that_are_not_counted_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let message = check_with(&Lame(Without::LinkCounts), folder.path(), Shared::Study).unwrap_err().to_string();
    assert!(message.contains("count"), "{message}");
}

#[test]
fn a_disk_has_all_that_is_needed_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), Shared::Study).unwrap();
    check_with(&Lame(Without::Nothing), folder.path(), Shared::Study).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let message = check(&folder.path().join("no"), Shared::Study).unwrap_err().to_string();
    assert!(message.contains("does not exist"), "{message}");
}

#[test]
fn runs_need_neither_links_nor_signs_of_life() {
    let folder = tempfile::tempdir().unwrap();
    for without in [Without::Links, Without::Growth] {
        check_with(&Lame(without), folder.path(), Shared::Runs).unwrap();
    }
    assert!(check_with(&Lame(Without::Locks), folder.path(), Shared::Runs).is_err());
}
