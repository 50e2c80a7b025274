//! Which files are pictures.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::format::{self, ENDINGS, HEAD};

/// So many files are named in a note.
const NAMED: usize = 5;

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
