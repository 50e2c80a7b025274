//! Pointers of Git LFS: small texts that stand in a large file's place until `git lfs pull` fetches it. Whoever reads a
//! binary file asks here first, so that all say the same of one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Result, ensure};

/// How a pointer begins (git-lfs, docs/spec.md; `hawser` was the program's first name).
const BEGINNINGS: [&[u8]; 2] =
    [b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/"];
/// A pointer is shorter than this (docs/spec.md).
const LONGEST: usize = 1024;

/// Whether these bytes are a pointer.
pub fn is_pointer(bytes: &[u8]) -> bool {
    bytes.len() < LONGEST && BEGINNINGS.iter().any(|b| bytes.starts_with(b))
}

/// Refuses the content of a file that is a pointer.
///
/// # Errors
/// When it is one, with how to fetch the file.
pub fn refuse(bytes: &[u8]) -> Result<()> {
    ensure!(
        !is_pointer(bytes),
        "it is a Git LFS pointer, not the file itself{}: run `git lfs install` and `git lfs pull` in its repository, or \
         download the file from its page",
        length(bytes).map_or_else(String::new, |n| format!(" (which has {n} bytes)"))
    );
    Ok(())
}

/// Refuses a file that is a pointer. A file that cannot be read is left to its reader.
///
/// # Errors
/// When it is one, with its path and how to fetch the file.
pub fn refuse_file(path: &Path) -> Result<()> {
    let mut head = Vec::new();
    let file = if path.is_file() { File::open(path) } else { return Ok(()) };
    if file.and_then(|f| f.take(LONGEST as u64).read_to_end(&mut head)).is_ok() {
        refuse(&head).map_err(|e| e.context(format!("cannot read {}", path.display())))?;
    }
    Ok(())
}

/// The length of the file that a pointer stands for.
fn length(pointer: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(pointer).ok()?;
    text.lines().find_map(|line| line.strip_prefix("size ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid \
        sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

    #[test]
    fn a_pointer_is_called_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.h5");
        std::fs::write(&path, POINTER).unwrap();
        let text = format!("{:#}", refuse_file(&path).unwrap_err());
        for part in ["weights.h5", "Git LFS pointer", "12345 bytes", "git lfs pull"] {
            assert!(text.contains(part), "{text}");
        }
        std::fs::write(&path, "version 2 of the list").unwrap();
        refuse_file(&path).unwrap();
        refuse_file(&folder.path().join("gone")).unwrap();
        refuse_file(folder.path()).unwrap();
        // A long file may begin so: it is a text about pointers.
        assert!(!is_pointer(POINTER.repeat(20).as_bytes()));
    }
}
