//! What stands in a folder of data: one listing for every search, in the order of names and without what systems and programs
//! leave there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

/// What systems and programs leave in people's folders, in lower case. Names with a dot in front are junk anyway.
const JUNK: [&str; 11] = [
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "icon\r",
    "__macosx",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
];

/// Whether a file or folder of this name is nobody's data: hidden, or left behind by a system or program (by this one: a
/// prepared file's shards, and the finished clips of one that is being made). It is passed over in every search, without a
/// word.
pub fn is_junk(name: &str) -> bool {
    name.starts_with('.')
        || [".h5.shards", ".h5.clips"].iter().any(|own| name.ends_with(own))
        || JUNK.contains(&name.to_lowercase().as_str())
}

/// Files and folders in a folder, in the order of their names, without junk.
///
/// # Errors
/// When the folder cannot be listed.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let problem = |e| anyhow!("cannot read the folder {}: {e}", folder.display());
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if !is_junk(&path.file_name().unwrap_or_default().to_string_lossy()) {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

/// Folders in a folder, in the order of their names, without junk.
///
/// # Errors
/// When the folder cannot be listed.
pub fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// The first of these folders below `root` that is there.
pub fn first_folder(root: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| root.join(name)).find(|path| path.is_dir())
}

/// All files below a folder, in the order of their paths, without junk. Links are followed, but not one that leads to a
/// folder that it lies in.
///
/// # Errors
/// When a folder cannot be listed.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    search(folder, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn search(folder: &Path, within: &mut Vec<PathBuf>, found: &mut Vec<PathBuf>) -> Result<()> {
    let real = folder.canonicalize().map_err(|e| anyhow!("cannot read the folder {}: {e}", folder.display()))?;
    if within.contains(&real) {
        return Ok(());
    }
    within.push(real);
    for path in entries(folder)? {
        if path.is_dir() {
            search(&path, within, found)?;
        } else {
            found.push(path);
        }
    }
    within.pop();
    Ok(())
}
