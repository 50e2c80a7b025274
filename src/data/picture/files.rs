//! Which files of a folder are meant.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::format::{self, ENDINGS, HEAD};

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
/// So many files are named in a note.
const NAMED: usize = 5;

/// Whether a file or folder of this name is nobody's data: hidden, or left behind by a system or program. It is passed over
/// in every search, without a word.
pub fn is_junk(name: &str) -> bool {
    name.starts_with('.') || JUNK.contains(&name.to_lowercase().as_str())
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

/// Files sorted into pictures and others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Pictures, in the order given.
    pub pictures: Vec<PathBuf>,
    /// What is none, in the order given.
    pub others: Vec<PathBuf>,
}

impl Sorted {
    /// A sentence on the files that were passed over, if there are any.
    pub fn note(&self) -> Option<String> {
        let named: Vec<String> = self.others.iter().take(NAMED).map(|p| p.display().to_string()).collect();
        let more = self.others.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let count = self.others.len();
        (count > 0).then(|| format!("passed over {count} files that are no pictures: {}{more}", named.join(", ")))
    }
}

/// Which of these files are pictures: those whose content is one, whatever their name; and those with the ending of a
/// picture, so that a damaged one is named where it is opened instead of missing without a word.
pub fn sort(files: Vec<PathBuf>) -> Sorted {
    let (pictures, others) = files.into_iter().partition(|path| has_picture_ending(path) || has_picture_content(path));
    Sorted { pictures, others }
}

fn has_picture_ending(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

fn has_picture_content(path: &Path) -> bool {
    let mut head = Vec::new();
    // Whatever cannot be read is no picture; pipes and sockets are not touched.
    let is_file = path.metadata().is_ok_and(|m| m.is_file());
    let read = is_file.then(|| File::open(path).and_then(|f| f.take(HEAD as u64).read_to_end(&mut head)));
    matches!(read, Some(Ok(_))) && format::of(&head).is_some()
}
