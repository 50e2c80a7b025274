//! Pictures and videos of requests, kept where the user said so.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use ferrotype_base::files::write_atomic;

use crate::kinds;

/// A folder into which files go under names of the server's own.
pub struct Keep {
    folder: PathBuf,
    count: AtomicU64,
}

impl Keep {
    pub fn new(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).map_err(|e| ferrotype_base::files::explain(&folder.join("picture"), &e))?;
        Ok(Self { folder, count: AtomicU64::new(0) })
    }

    /// Time and number make the name: nothing of the request does.
    fn path(&self, head: &[u8]) -> PathBuf {
        let time = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S");
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{time}-{}-{number:06}.{}", std::process::id(), kinds::ending(head)))
    }

    pub fn bytes(&self, bytes: &[u8]) -> Result<()> {
        write_atomic(self.path(bytes), bytes)
    }

    pub fn file(&self, path: &Path, head: &[u8]) -> Result<()> {
        std::fs::copy(path, self.path(head))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_servers_and_endings_follow_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep::new(folder.path().join("kept")).unwrap();
        for bytes in [&b"\x89PNG..."[..], b"RIFF....WEBP", b"", b"\0\0\0\x18ftypmp42"] {
            keep.bytes(bytes).unwrap();
        }
        let mut endings: Vec<String> = std::fs::read_dir(folder.path().join("kept"))
            .unwrap()
            .map(|e| e.unwrap().path().extension().unwrap().to_string_lossy().into_owned())
            .collect();
        endings.sort();
        assert_eq!(endings, ["bin", "mp4", "png", "webp"]);
    }
}
