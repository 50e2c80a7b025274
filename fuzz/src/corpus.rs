//! The examples that mutations start from.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The files of a target, in the order of their names.
///
/// # Errors
/// When there are none.
pub fn read(corpus: &Path, target: &str) -> Result<Vec<Vec<u8>>> {
    let folder = corpus.join(target);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read the corpus {}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let read =
        |path: &std::path::PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let examples = paths.iter().map(read).collect::<Result<Vec<_>>>()?;
    ensure!(!examples.is_empty(), "{} holds no file", folder.display());
    Ok(examples)
}
