//! Video files in folders, by their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::data::picture::files;

/// Endings of files that may be videos.
const VIDEOS: [&str; 10] = ["mp4", "avi", "mov", "mkv", "m4v", "webm", "mpg", "mpeg", "wmv", "flv"];

/// Video files below a folder by their names without ending, in lower case; and the same by path.
pub(super) struct VideoFiles {
    by_stem: BTreeMap<String, PathBuf>,
    root: PathBuf,
}

impl VideoFiles {
    /// Searches a folder with its sub-folders. Of files of one name the first by path counts.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn find(root: &Path) -> Result<Self> {
        ensure!(root.is_dir(), "{} is not a folder of video files", root.display());
        let mut found = Vec::new();
        for path in files::below(root)? {
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if VIDEOS.contains(&ending.as_str()) {
                found.push(path);
            }
        }
        let mut by_stem = BTreeMap::new();
        for path in found {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
            by_stem.entry(stem).or_insert(path);
        }
        Ok(Self { by_stem, root: root.to_path_buf() })
    }

    /// The file of a clip: a path below the folder, or a name with or without ending, in any case.
    pub(super) fn get(&self, clip: &str) -> Option<PathBuf> {
        let direct = self.root.join(clip);
        if direct.is_file() {
            return Some(direct);
        }
        let name = Path::new(clip).file_name()?.to_string_lossy().to_lowercase();
        let stem = Path::new(&name).file_stem()?.to_string_lossy().into_owned();
        self.by_stem.get(&name).or_else(|| self.by_stem.get(&stem)).cloned()
    }

    /// Names of files that none of these clips names.
    pub(super) fn unnamed<'a>(&self, clips: impl Iterator<Item = &'a Path>) -> Vec<String> {
        let named: std::collections::BTreeSet<&Path> = clips.collect();
        let left = self.by_stem.values().filter(|p| !named.contains(p.as_path()));
        left.map(|p| p.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect()
    }
}
