//! What a command reads, so that nothing it writes takes its place.

#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::systems::loaded::any_experiment_of;
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;

/// File name endings that say what a file is. An output may only replace a file of its own kind.
const KINDS: [&str; 32] = [
    "csv",
    "tsv",
    "json",
    "jsonl",
    "yaml",
    "yml",
    "toml",
    "onnx",
    "h5",
    "hdf5",
    "keras",
    "pt",
    "pth",
    "ckpt",
    "pkl",
    "safetensors",
    "npy",
    "npz",
    "zip",
    "xlsx",
    "txt",
    "md",
    "html",
    "png",
    "jpg",
    "jpeg",
    "bmp",
    "gif",
    "webp",
    "mp4",
    "avi",
    "mkv",
];

/// An output: the option that names it, its path where it was given, and the endings that its kind of file has.
pub type Output<'a> = (&'static str, Option<&'a Path>, &'static [&'static str]);

/// Endings of tables.
pub const CSV: &[&str] = &["csv", "tsv", "txt"];
/// Endings of JSON files.
pub const JSON: &[&str] = &["json", "txt"];
/// Endings of ONNX files.
pub const ONNX: &[&str] = &["onnx"];
/// Endings of prepared files.
pub const HDF5: &[&str] = &["h5", "hdf5"];
/// Endings of experiment files.
pub const YAML: &[&str] = &["yaml", "yml"];

/// The files and folders that a command reads.
#[derive(Debug, Default)]
pub struct Inputs {
    named: Vec<Named>,
    /// Every single file, found when the first output turns out to be there already.
    files: OnceCell<HashMap<Identity, usize>>,
}

/// A file, or a folder with the files below it.
#[derive(Debug)]
struct Named {
    /// What it is, in the words of an error.
    what: String,
    path: PathBuf,
    /// The extension of files below it that are not read.
    unread: Option<&'static str>,
}

impl Inputs {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or a folder with everything below it.
    pub fn path(mut self, what: &str, path: &Path) -> Self {
        self.push(what, path, None);
        self
    }

    fn push(&mut self, what: &str, path: &Path, unread: Option<&'static str>) {
        self.named.push(Named { what: what.to_owned(), path: path.to_path_buf(), unread });
    }

    /// Adds several.
    pub fn paths<'a>(self, what: &str, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        paths.into_iter().fold(self, |all, path| all.path(what, path))
    }

    /// Adds the files that make up a run or a group of runs, and those that its experiment names. Of a folder that is no
    /// run nothing: opening it is an error of its own.
    pub fn run(mut self, path: &Path) -> Self {
        let Ok(run) = RunFolder::open(path) else { return self };
        let what = format!("the run {}", path.display());
        run.own_files().iter().for_each(|file| self.push(&what, file, None));
        if let Ok(Some(group)) = Group::open(path) {
            for &value in &group.values {
                let member = RunFolder::open(&group.member(path, value));
                member.into_iter().flat_map(|m| m.own_files()).for_each(|file| self.push(&what, &file, None));
            }
        }
        match any_experiment_of(&run) {
            Ok(experiment) => self.named_in("the run's experiment", &experiment.to_json()),
            Err(_) => self,
        }
    }

    /// Adds the files that options name, and the folders of a dataset's source.
    pub fn named_in(mut self, what: &str, options: &impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(options) {
            collect(&value, false, &mut |path| self.push(what, &path, None));
        }
        self
    }

    /// Adds a dataset's source: every file and folder that it names. Prepared files in such a folder are results.
    pub fn source(mut self, options: &impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(options) {
            collect(&value, true, &mut |path| self.push("the source", &path, Some("h5")));
        }
        self
    }

    /// Refuses outputs that would replace an input, each other, or a file of another kind.
    ///
    /// # Errors
    /// When one would; the error names option, file and what it is.
    pub fn spare(&self, outputs: &[Output]) -> Result<()> {
        for (i, (option, path, kinds)) in outputs.iter().enumerate() {
            let Some(path) = path else { continue };
            self.spare_file(option, path)?;
            of_kind(option, path, kinds)?;
            for (other, also, _) in &outputs[..i] {
                let same = also.is_some_and(|also| place(also) == place(path));
                ensure!(
                    !same,
                    "{option} and {other} both name {}: the one would replace the other; choose two files",
                    path.display()
                );
            }
        }
        Ok(())
    }

    /// Refuses an output that would replace an input, whatever its kind.
    ///
    /// # Errors
    /// When it would.
    pub fn spare_file(&self, option: &str, out: &Path) -> Result<()> {
        let Some(there) = identity(out).filter(|_| out.is_file()) else { return Ok(()) };
        let Some(&input) = self.files.get_or_init(|| self.all_files()).get(&there) else { return Ok(()) };
        let Named { what, path, .. } = &self.named[input];
        bail!(
            "{option} {} would replace a file that this command reads ({what}: {}): choose another file to write",
            out.display(),
            path.display()
        );
    }

    fn all_files(&self) -> HashMap<Identity, usize> {
        let mut files = HashMap::new();
        for (i, named) in self.named.iter().enumerate() {
            add(&named.path, named.unread, &mut |id| {
                files.entry(id).or_insert(i);
            });
        }
        files
    }
}

/// Gives a file, or the files below a folder. Linked folders are not followed: they may lead back to where they stand.
fn add(path: &Path, unread: Option<&str>, found: &mut impl FnMut(Identity)) {
    if !path.is_dir() {
        identity(path).into_iter().for_each(found);
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        let is_unread = unread.is_some() && path.extension().and_then(|e| e.to_str()) == unread;
        if kind.is_ok_and(|k| k.is_dir()) {
            add(&path, unread, found);
        } else if !is_unread && path.is_file() {
            identity(&path).into_iter().for_each(&mut *found);
        }
    }
}

/// Refuses to replace a file whose extension says that it is something else than what is written.
fn of_kind(option: &str, out: &Path, kinds: &[&str]) -> Result<()> {
    let extension = out.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let other = KINDS.contains(&extension.as_str()) && !kinds.contains(&extension.as_str());
    let filled = fs::metadata(out).is_ok_and(|m| m.is_file() && m.len() > 0);
    ensure!(
        !(other && filled),
        "{option} {} is there already and by its name no .{} file: choose another name, or remove it first",
        out.display(),
        kinds.first().unwrap_or(&"")
    );
    Ok(())
}

/// Refuses a folder for a published copy that is a run itself: the run that is published, or another.
///
/// # Errors
/// When it is.
pub fn spare_runs(run: &Path, target: &Path) -> Result<()> {
    let itself = identity(target).is_some_and(|there| identity(run) == Some(there));
    let another = target.join("checkpoints").is_dir() || target.join("method").is_dir();
    ensure!(
        !itself && !another,
        "the copy would be written to {}, which is a run: publish into another folder",
        target.display()
    );
    Ok(())
}

/// What a file is, by whatever name: links lead to it, and a hard link is the same.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = PathBuf;

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::canonicalize(path).ok()
}

/// Where a file stands or will stand.
fn place(path: &Path) -> PathBuf {
    if let Ok(whole) = fs::canonicalize(path) {
        return whole;
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    folder.join(path.file_name().unwrap_or_default())
}

/// The texts among a value that name a file, and within `source` those that name a folder.
fn collect(value: &Value, in_source: bool, found: &mut impl FnMut(PathBuf)) {
    match value {
        Value::String(text) if !text.is_empty() => {
            let path = PathBuf::from(text);
            if path.is_file() || (in_source && path.is_dir()) {
                found(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, in_source, found)),
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| collect(field, in_source || key == "source", found));
        }
        _ => {}
    }
}
