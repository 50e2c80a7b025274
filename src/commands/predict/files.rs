//! Which files are meant.

use std::path::PathBuf;

use anyhow::{Result, bail};

use ferrotype_data::listing;
use ferrotype_data::picture::ENDINGS;
use ferrotype_data::picture::files::{self, Sorted};

/// What files and folders hold.
pub(in crate::commands) struct InputFiles {
    /// The pictures; of files that were named, all.
    pub(in crate::commands) files: Vec<PathBuf>,
    /// What is wrong with the others.
    pub(in crate::commands) bad: Vec<String>,
    /// What was passed over in folders.
    pub(in crate::commands) note: Option<String>,
}

/// The pictures among files and folders (folders searched to the bottom, in order of name).
pub(in crate::commands) fn find(paths: &[PathBuf]) -> InputFiles {
    let (mut found, mut bad, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            match listing::below(path).map(files::sort) {
                Ok(sorted) => {
                    if sorted.pictures.is_empty() {
                        bad.push(format!("the folder {} holds no pictures ({})", path.display(), ENDINGS.join(", ")));
                    }
                    found.extend(sorted.pictures);
                    others.extend(sorted.others);
                }
                Err(e) => bad.push(format!("{e:#}")),
            }
        } else if path.exists() {
            found.push(path.clone());
        } else {
            bad.push(format!("there is no file or folder {}", path.display()));
        }
    }
    InputFiles { files: found, bad, note: Sorted { pictures: Vec::new(), others }.note() }
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
