//! Finished clips beside the output, so that an interrupted preparation goes on where it was.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use ferrotype_base::digest;

use super::make_folder;
use ferrotype_data::clips::store;

/// A folder with one file per clip: the clip, or the reason why it was skipped. Its name is made of everything that the
/// content depends on (options, files, their sizes and times of change), so a changed one is prepared anew.
pub(super) struct Journal {
    folder: PathBuf,
    options: String,
}

impl Journal {
    /// The journal of an output file, made where it does not exist; `options` say what all clips depend on.
    pub(super) fn open(out: &Path, options: &str) -> Result<Self> {
        let mut name = OsString::from(out.file_name().with_context(|| format!("{} is no file name", out.display()))?);
        name.push(".clips");
        let folder = out.with_file_name(name);
        make_folder(&folder)?;
        Ok(Self { folder, options: format!("{} {options}", env!("CARGO_PKG_VERSION")) })
    }

    /// The file of a clip; `made_of` says what it alone depends on.
    pub(super) fn path(&self, name: &str, made_of: &str) -> PathBuf {
        let key = format!("{} {made_of}", self.options);
        let key = &digest::sha256(key.as_bytes())[..16];
        let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        self.folder.join(format!("{name}-{key}.h5"))
    }

    /// Whether a clip is finished.
    pub(super) fn has(path: &Path) -> bool {
        store::summary(path).is_ok()
    }

    /// Where the clips are kept.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the folder, once the output is written.
    pub(super) fn remove(self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder).with_context(|| format!("cannot remove {}", self.folder.display()))
    }
}

/// A file with its size and its time of change.
pub(super) fn stamp(path: &Path) -> String {
    let meta = path.metadata().ok();
    let changed = meta.as_ref().and_then(|m| m.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let (size, changed) = (meta.map_or(0, |m| m.len()), changed.map_or(0, |d| d.as_nanos()));
    format!("{}:{size}:{changed}", path.display())
}
