//! Which files are meant.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// File name extensions of pictures that folders are searched for.
const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];

/// The pictures among files and folders (folders searched to the bottom, in order of name), and what is wrong with the
/// others.
pub(in crate::commands) fn find(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<String>) {
    let (mut files, mut bad) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let (before, wrong) = (files.len(), bad.len());
            search(path, &mut files, &mut bad);
            if files.len() == before && bad.len() == wrong {
                bad.push(format!("the folder {} holds no pictures ({})", path.display(), EXTENSIONS.join(", ")));
            }
        } else if path.exists() {
            files.push(path.clone());
        } else {
            bad.push(format!("there is no file or folder {}", path.display()));
        }
    }
    (files, bad)
}

fn search(folder: &Path, files: &mut Vec<PathBuf>, bad: &mut Vec<String>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) => return bad.push(format!("cannot list the folder {}: {e}", folder.display())),
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        // A link to a folder may lead back to where it stands: only true folders are searched.
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            search(&path, files, bad);
        } else if EXTENSIONS.contains(&extension.as_str()) && !path.is_dir() {
            files.push(path);
        }
    }
}

/// So many problems are listed.
const LISTED: usize = 50;

/// The error that names what could not be used, if anything.
pub(in crate::commands) fn refuse(bad: &[String]) -> Result<()> {
    if bad.is_empty() {
        return Ok(());
    }
    let more = bad.len().saturating_sub(LISTED);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let listed = &bad[..bad.len().min(LISTED)];
    bail!("{} could not be used, everything else was:\n  {}{more}", bad.len(), listed.join("\n  "))
}
