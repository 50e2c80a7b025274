//! Finished clips beside the output, so that an interrupted preparation goes on where it was.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use ferrotype_base::digest;

use super::{Job, make_folder};
use ferrotype_data::clips::{ClipSet, store};
use ferrotype_data::options::VideoOptions;

/// A folder with one file per clip: the clip, or the reason why it was skipped. Its name is made of everything that the
/// content depends on (options, files, their sizes and times of change), so a changed one is prepared anew.
pub(super) struct Journal {
    folder: PathBuf,
    options: String,
}

impl Journal {
    /// The journal of an output file, made where it does not exist.
    pub(super) fn open(out: &Path, options: &VideoOptions) -> Result<Self> {
        let mut name = OsString::from(out.file_name().with_context(|| format!("{} is no file name", out.display()))?);
        name.push(".clips");
        let folder = out.with_file_name(name);
        make_folder(&folder)?;
        let networks = [&options.detector, &options.landmarks].into_iter().flatten();
        let stamps: Vec<String> = networks.map(|path| stamp(path)).collect();
        let options_text = serde_json::to_string(options).context("cannot describe the options")?;
        let options_text = format!("{} {options_text} {}", env!("CARGO_PKG_VERSION"), stamps.join(" "));
        Ok(Self { folder, options: options_text })
    }

    /// Whether the clip is finished.
    pub(super) fn has(&self, job: &Job) -> bool {
        store::summary(&self.path(job)).is_ok()
    }

    /// Keeps a finished clip.
    pub(super) fn keep(&self, job: &Job, set: &ClipSet) -> Result<()> {
        store::write(set, &self.path(job))
    }

    /// A finished clip.
    pub(super) fn read(&self, job: &Job) -> Result<ClipSet> {
        store::read(&self.path(job), None)
    }

    /// Removes the folder, once the output is written.
    pub(super) fn remove(self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder).with_context(|| format!("cannot remove {}", self.folder.display()))
    }

    fn path(&self, job: &Job) -> PathBuf {
        let table = job.table.as_deref().map(stamp).unwrap_or_default();
        let key = format!("{} {} {table}", self.options, stamp(&job.file));
        let key = &digest::sha256(key.as_bytes())[..16];
        let name: String = job.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        self.folder.join(format!("{name}-{key}.h5"))
    }
}

/// A file with its size and its time of change.
fn stamp(path: &Path) -> String {
    let meta = path.metadata().ok();
    let changed = meta.as_ref().and_then(|m| m.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let (size, changed) = (meta.map_or(0, |m| m.len()), changed.map_or(0, |d| d.as_nanos()));
    format!("{}:{size}:{changed}", path.display())
}
