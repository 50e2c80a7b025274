//! The file system itself.

use std::any::Any;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Appending, FileSystem};

/// The operating system's file systems.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Appending for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)?;
        self.sync_data()
    }
}

impl FileSystem for Disk {
    fn create_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    #[cfg(unix)]
    fn links(&self, path: &Path) -> io::Result<Option<u64>> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).map(|m| Some(m.nlink()))
    }

    #[cfg(not(unix))]
    fn links(&self, path: &Path) -> io::Result<Option<u64>> {
        fs::metadata(path).map(|_| None)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Appending>> {
        Ok(Box::new(OpenOptions::new().create(true).append(true).open(path)?))
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        // Opened, not only looked up: NFS answers the latter from a cache.
        Ok(File::open(path)?.metadata()?.len())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Any>>> {
        let file = OpenOptions::new().write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// The kind of file system that a folder is on, `ext4` or `fuse.s3fs`; none where the system does not tell.
pub fn kind(folder: &Path) -> Option<String> {
    kind_in(&fs::read_to_string("/proc/self/mounts").ok()?, &fs::canonicalize(folder).ok()?)
}

fn kind_in(mounts: &str, folder: &Path) -> Option<String> {
    let mount = |line: &str| {
        let mut words = line.split(' ');
        let (_, place, kind) = (words.next()?, words.next()?, words.next()?);
        // Blanks are written in octal.
        Some((PathBuf::from(place.replace("\\040", " ")), kind.to_owned()))
    };
    let above = mounts.lines().filter_map(mount).filter(|(place, _)| folder.starts_with(place));
    // Of two at one place the later one is on top.
    above.max_by_key(|(place, _)| place.components().count()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_says_the_kind() {
        let mounts =
            "/dev/sda / ext4 rw 0 0\ns3fs /my\\040data fuse.s3fs rw 0 0\nserver:/x /my\\040data/nfs nfs4 rw 0 0\n";
        let kind = |path: &str| kind_in(mounts, Path::new(path)).unwrap();
        assert_eq!([kind("/home"), kind("/my data/a"), kind("/my data/nfs/b")], ["ext4", "fuse.s3fs", "nfs4"]);
        assert_eq!(kind("/my data2"), "ext4");
    }
}
