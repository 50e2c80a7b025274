//! Files that appear whole or not at all.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a part.
///
/// # Errors
/// When the folder is missing or read-only, the disk is full, or the path cannot be replaced; nothing is left behind.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| Ok(file.write_all(bytes)?))
}

/// As [`write_atomic`], for content that is written piece by piece.
///
/// # Errors
/// As [`write_atomic`], and whatever `fill` returns; nothing is left behind.
pub fn write_atomic_with(path: impl AsRef<Path>, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let path = path.as_ref();
    let temporary = temporary_beside(path)?;
    let written = fill_and_rename(&temporary, path, fill);
    if written.is_err() {
        // The first error is the one to report; a temporary file that was never made cannot be removed either.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn fill_and_rename(temporary: &Path, path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(temporary).map_err(|e| explain(path, &e))?;
    let mut writer = BufWriter::new(file);
    fill(&mut writer).map_err(|e| match e.downcast::<io::Error>() {
        Ok(cause) => explain(path, &cause),
        Err(other) => other.context(format!("cannot write {}", path.display())),
    })?;
    let file = writer.into_inner().map_err(|e| explain(path, e.error()))?;
    file.sync_all().map_err(|e| explain(path, &e))?;
    drop(file);
    fs::rename(temporary, path).map_err(|e| explain(path, &e))?;
    sync_folder(path);
    Ok(())
}

/// Makes the rename itself survive a power failure, where the file system lets folders be synchronised.
fn sync_folder(path: &Path) {
    if let Some(folder) = File::open(folder_of(path)).ok().filter(|_| cfg!(unix)) {
        let _ = folder.sync_all();
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A hidden name in the same folder (a rename does not cross file systems), unique among threads, processes and machines.
fn temporary_beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().with_context(|| format!("{} does not name a file", path.display()))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".tmp-{:016x}", unique()));
    Ok(path.with_file_name(hidden))
}

/// A number that is drawn nowhere else: for names that must differ among threads, processes and machines, never for what a
/// result depends on. Numbers of processes would not do: in containers each begins at 1.
pub fn unique() -> u64 {
    // Its keys are the operating system's random numbers, others for each call.
    RandomState::new().build_hasher().finish()
}

/// An error of the file system in words: which path, why, and what mends it.
pub fn explain(path: &Path, cause: &io::Error) -> anyhow::Error {
    let folder = folder_of(path).display();
    let hint = match cause.kind() {
        ErrorKind::StorageFull => {
            format!("the disk that holds {folder} is full: free some space, or choose a folder on another disk")
        }
        ErrorKind::QuotaExceeded => {
            format!("your quota on the disk that holds {folder} is used up: free some space, or choose another folder")
        }
        ErrorKind::ReadOnlyFilesystem => format!("{folder} is on a read-only file system: choose another folder"),
        ErrorKind::PermissionDenied => {
            format!("{folder} or the file in it does not allow it: change its permissions, or choose another folder")
        }
        ErrorKind::NotFound => format!("the folder {folder} does not exist: create it first"),
        ErrorKind::IsADirectory => "a folder of that name is in the way: move it, or choose another name".into(),
        ErrorKind::NotADirectory => format!("{folder} is not a folder"),
        _ => return anyhow!("cannot write {}: {cause}", path.display()),
    };
    anyhow!("cannot write {}: {cause}; {hint}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut all: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        all.sort();
        all
    }

    #[test]
    fn replaces_whole_files_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |w| {
            w.write_all(b"half")?;
            Err(io::Error::from(ErrorKind::StorageFull).into())
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("a.txt") && message.contains("full"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn says_what_is_wrong_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let missing = write_atomic(folder.path().join("no/such/a.txt"), b"").unwrap_err().to_string();
        assert!(missing.contains("does not exist"), "{missing}");
        fs::create_dir(folder.path().join("taken")).unwrap();
        let taken = write_atomic(folder.path().join("taken"), b"").unwrap_err().to_string();
        assert!(taken.contains("cannot write"), "{taken}");
        assert_eq!(names(folder.path()), ["taken"]);
        assert!(write_atomic("..", b"").is_err());
    }

    #[test]
    fn names_of_temporary_files_differ_among_threads() {
        let draw = || (0..500).map(|_| unique()).collect::<Vec<u64>>();
        let mut all: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_a_full_device() {
        // /dev/full refuses every write, as a full disk does.
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let cause = full.write_all(b"x").unwrap_err();
        assert!(explain(Path::new("runs/a/report.html"), &cause).to_string().contains("is full"));
    }
}
