//! What a prepared file was made from: the options of its source and a list of the source's files. A prepared file whose
//! source has changed since is not what an experiment asks for, and must not pass for it.
//!
//! Tables, files of labels, and every file that an option names, are known by their sha256; pictures and videos below a
//! folder by path and size: reading 43 GB of pictures again at the start of every training would be too dear.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ferrotype_base::digest::sha256_file;
use rayon::prelude::*;
use serde_json::Value;

use super::listing;
use super::options::SourceOptions;
use super::sources;

#[cfg(test)]
mod tests;

/// Keys of source options that name a file or folder; wherever they stand.
const PATH_KEYS: [&str; 14] = [
    "csv",
    "images",
    "votes",
    "root",
    "videos",
    "labels",
    "annotations",
    "list",
    "openface",
    "detector",
    "landmarks",
    "sheet",
    "frames",
    "files",
];

/// So many differences are named in a message.
const NAMED: usize = 3;

/// What a prepared file was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRecord {
    /// The source's options as JSON, as under `data.source` of the experiment file.
    pub options: String,
    /// A line per file: the option it belongs to, its path below what the option names, and its sha256 or size, with tabs
    /// between.
    pub files: Vec<String>,
}

impl SourceRecord {
    /// Records a source; `known` has sha256 of files that were read already. The prepared file `out` may lie in the source's
    /// own folder: it, and what is written beside it under its name, does not belong to the source.
    ///
    /// # Errors
    /// When a file or folder of the source cannot be read.
    pub fn take(source: &SourceOptions, out: &Path, known: &[(String, String)]) -> Result<Self> {
        let options = serde_json::to_string(source)?;
        let mut files = Vec::new();
        for (key, path) in paths(source)? {
            list(&key, &path, out, known, &mut files)?;
        }
        files.sort();
        Ok(Self { options, files })
    }

    /// Adds pictures that a table names, by their paths relative to the table's folder.
    pub fn add_listed(&mut self, folder: &Path, names: &[String]) {
        self.files.extend(names.iter().filter_map(|name| listed_line(folder, name)));
    }

    /// The options as they were.
    fn source(&self) -> Result<SourceOptions> {
        serde_json::from_str(&self.options).context("the source's options in the prepared file cannot be read")
    }

    /// What differs between the recorded options and those wanted, paths aside: a phrase for each.
    fn different_options(&self, wanted: &SourceOptions) -> Result<Vec<String>> {
        let (mut had, mut want) = (BTreeMap::new(), BTreeMap::new());
        // Read and written again: an option that the file's maker did not know yet has its default.
        let source = self.source()?;
        let (made, name) = (sources::name(&source), sources::name(wanted));
        if made != name {
            return Ok(vec![format!("data.source is {name}, and the file was made from {made}")]);
        }
        flatten("data.source", &json(&source)?, &mut had);
        flatten("data.source", &json(wanted)?, &mut want);
        let shown = |value: Option<&String>| value.map_or_else(|| "not given".to_owned(), Clone::clone);
        let keys: std::collections::BTreeSet<&String> = had.keys().chain(want.keys()).collect();
        let different = keys.into_iter().filter(|key| had.get(*key) != want.get(*key));
        Ok(different
            .map(|key| format!("{key} is {}, and the file was made with {}", shown(want.get(key)), shown(had.get(key))))
            .collect())
    }

    /// What differs between the recorded files and those that the source has now, a phrase for each option; and what could
    /// not be compared because it is not there any more.
    fn different_files(&self, wanted: &SourceOptions, out: &Path) -> Result<(Vec<String>, Vec<String>)> {
        let (recorded, mut different, mut absent) = (paths(&self.source()?)?, Vec::new(), Vec::new());
        for (key, path) in paths(wanted)? {
            let had = recorded.iter().find(|(k, _)| *k == key).map(|(_, p)| p);
            if path.exists() {
                let mut now = Vec::new();
                list(&key, &path, out, &[], &mut now)?;
                different.extend(difference(&key, &path, &self.of(&key), &now));
            } else if had.and_then(|p| p.file_name()) == path.file_name() {
                absent.push(format!("{key} ({})", path.display()));
            } else {
                let had = had.map_or_else(|| "without it".into(), |p| format!("from {}", p.display()));
                different
                    .push(format!("{key} names {}, which is not there, and the file was made {had}", path.display()));
            }
        }
        if let SourceOptions::Manifest(o) = wanted {
            let folder = o.csv.parent().unwrap_or(Path::new(""));
            let had = self.of(LISTED);
            let names = had.iter().filter_map(|line| line.split('\t').nth(1));
            let now: Vec<String> = names.filter_map(|name| listed_line(folder, name)).collect();
            different.extend(difference("the table's pictures", folder, &had, &now));
        }
        Ok((different, absent))
    }

    fn of(&self, key: &str) -> Vec<String> {
        self.files.iter().filter(|line| line.split('\t').next() == Some(key)).cloned().collect()
    }
}

/// The key of pictures that a table names.
const LISTED: &str = "listed";

fn listed_line(folder: &Path, name: &str) -> Option<String> {
    let size = fs::metadata(folder.join(name)).ok()?.len();
    Some(format!("{LISTED}\t{name}\t{size}"))
}

/// Refuses a prepared file that was made with other options than the experiment's. A file from before sources were
/// recorded cannot be compared: the note says so.
///
/// # Errors
/// Names each option that differs, and what to do.
pub fn check_options(record: Option<&SourceRecord>, wanted: &SourceOptions, file: &Path) -> Result<Option<String>> {
    let Some(record) = record else {
        return Ok(Some(format!(
            "{} does not say which options it was made with, so nobody knows whether they are those of data.source: \
             make it again with --rebuild to be sure",
            file.display()
        )));
    };
    refuse(&record.different_options(wanted)?, file)?;
    Ok(None)
}

/// Refuses a prepared file whose source has other files now than it was made from, or names other ones.
///
/// # Errors
/// Names the first that differ, and what to do.
pub fn check_files(record: Option<&SourceRecord>, wanted: &SourceOptions, file: &Path) -> Result<Option<String>> {
    let Some(record) = record else { return Ok(None) };
    let (different, absent) = record.different_files(wanted, file)?;
    refuse(&different, file)?;
    Ok((!absent.is_empty()).then(|| {
        format!(
            "{} is used as it was made, from {}; what the experiment names is not there to be compared: {}",
            file.display(),
            record.options,
            absent.join(", ")
        )
    }))
}

fn refuse(different: &[String], file: &Path) -> Result<()> {
    if different.is_empty() {
        return Ok(());
    }
    let more = different.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    bail!(
        "{} was not made from what data.source says: {}{more}. Make it again with `ferrotype train --rebuild` (it is \
         replaced), name another file with data.path, or use it as it is with --set data.source=null",
        file.display(),
        different[..different.len().min(NAMED)].join("; ")
    )
}

/// Files and folders that the options name, with their keys.
fn paths(source: &SourceOptions) -> Result<Vec<(String, PathBuf)>> {
    fn walk(key: &str, is_path: bool, value: &Value, found: &mut Vec<(String, PathBuf)>) {
        match value {
            Value::String(text) if is_path => found.push((key.to_owned(), PathBuf::from(text))),
            Value::Object(map) => {
                map.iter().for_each(|(k, v)| walk(&format!("{key}.{k}"), PATH_KEYS.contains(&k.as_str()), v, found));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, v)| walk(&format!("{key}[{i}]"), is_path, v, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk("data.source", false, &json(source)?, &mut found);
    Ok(found)
}

/// Options as a reader of JSON sees them: through text, in which an `f32` has its own digits.
fn json(source: &SourceOptions) -> Result<Value> {
    Ok(serde_json::from_str(&serde_json::to_string(source)?)?)
}

/// Values by dotted keys, without those that are paths.
fn flatten(key: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            let others = map.iter().filter(|(k, _)| !PATH_KEYS.contains(&k.as_str()));
            others.for_each(|(k, v)| flatten(&format!("{key}.{k}"), v, found));
        }
        Value::Null => {}
        other => {
            found.insert(key.to_owned(), other.to_string());
        }
    }
}

/// Lines for a file, or for all files below a folder.
fn list(key: &str, path: &Path, out: &Path, known: &[(String, String)], lines: &mut Vec<String>) -> Result<()> {
    if path.is_dir() {
        return below(key, path, out, lines);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let shown = path.display().to_string();
    let digest = match known.iter().find(|(file, _)| *file == shown) {
        Some((_, digest)) => digest.clone(),
        None => sha256(path)?,
    };
    lines.push(format!("{key}\t{name}\t{digest}"));
    Ok(())
}

fn below(key: &str, root: &Path, out: &Path, lines: &mut Vec<String>) -> Result<()> {
    let files = listing::below(root)?;
    let line = |path: &PathBuf| -> Option<Result<String>> {
        // What cannot be looked at is the matter of whoever reads the source.
        let size = fs::metadata(path).ok()?.len();
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        let value = if holds_labels(path) { sha256(path) } else { Ok(size.to_string()) };
        Some(value.map(|value| format!("{key}\t{name}\t{value}")))
    };
    let own = files.par_iter().filter(|path| !path.to_string_lossy().starts_with(&*out.to_string_lossy()));
    // AffectNet has a file of labels for each of its 290,000 pictures: several are read at a time.
    lines.extend(own.filter_map(line).collect::<Result<Vec<String>>>()?);
    Ok(())
}

/// Whether a file below a folder is a table, or one of AffectNet's labels: it may change without its size.
fn holds_labels(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    ["csv", "tsv", "txt", "xlsx", "json"].iter().any(|ending| name.ends_with(&format!(".{ending}")))
        || name.ends_with("_exp.npy")
}

fn sha256(path: &Path) -> Result<String> {
    sha256_file(path).with_context(|| format!("cannot read {}", path.display()))
}

/// What was added, removed and changed, as one phrase.
fn difference(key: &str, path: &Path, had: &[String], now: &[String]) -> Option<String> {
    let split = |lines: &[String]| -> BTreeMap<String, String> {
        let pair = |line: &String| {
            let mut cells = line.split('\t').skip(1).map(str::to_owned);
            Some((cells.next()?, cells.next()?))
        };
        lines.iter().filter_map(pair).collect()
    };
    let (had, now) = (split(had), split(now));
    let added: Vec<&String> = now.keys().filter(|name| !had.contains_key(*name)).collect();
    let gone: Vec<&String> = had.keys().filter(|name| !now.contains_key(*name)).collect();
    let changed: Vec<&String> =
        had.iter().filter(|(n, v)| now.get(*n).is_some_and(|w| w != *v)).map(|(n, _)| n).collect();
    let phrase = |names: &[&String], what: &str| {
        let first = names.first()?;
        Some(match names.len() {
            1 => format!("{what}: {first}"),
            n => format!("{what}: {n} files, the first {first}"),
        })
    };
    let phrases: Vec<String> =
        [phrase(&added, "new"), phrase(&gone, "missing"), phrase(&changed, "changed")].into_iter().flatten().collect();
    (!phrases.is_empty()).then(|| format!("{key} ({}): {}", path.display(), phrases.join(", ")))
}
