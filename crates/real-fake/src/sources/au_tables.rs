//! A folder of tables of action units, frame by frame.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{emotion_word, part_word, place_of, truth_word};
use crate::clip::{Clip, ClipSet, Part};
use crate::frame_table::{self, Counts, FrameTable, TableKind, TableOptions};
use ferrotype_data::foreign::Names;
use ferrotype_data::listing;
use ferrotype_data::text_table;

/// A folder of tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuTablesOptions {
    /// The folder. Every `.csv` file below it whose header is that of such a table is a clip, named by its path.
    pub root: PathBuf,
    /// Who wrote the tables.
    #[serde(default)]
    pub kind: TableKind,
    /// Frames per second of tables that number their frames and do not time them (py-feat's).
    #[serde(default = "fps")]
    pub fps: f64,
    /// Faces whose score (py-feat) or confidence (OpenFace) is lower count as none.
    #[serde(default)]
    pub min_score: f64,
    /// A table with the columns `name` (the path below the folder, without `.csv`, or the end of it that no other file has)
    /// and `truth` (real or fake), and as far as they are known `subject`, `emotion` and `part` (training, validation, test). Without
    /// it, folders named `true` or `fake`, `training` or `validation`, and after an emotion say so.
    #[serde(default)]
    pub labels: Option<PathBuf>,
}

fn fps() -> f64 {
    30.0
}

impl AuTablesOptions {
    /// Impossible options.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        self.table(0.0).problems(&self.root)
    }

    /// How a table is read.
    pub fn table(&self, max_gap: f64) -> TableOptions {
        TableOptions { kind: self.kind, rate: self.fps, min_score: self.min_score, max_gap }
    }
}

/// What is known of a clip beside its measurements.
#[derive(Clone, Debug, Default)]
pub(super) struct Label {
    pub(super) real: Option<bool>,
    subject: Option<String>,
    emotion: Option<String>,
    pub(super) part: Option<Part>,
}

/// Reads the clips.
pub(super) fn read(options: &AuTablesOptions, max_gap: f64) -> Result<ClipSet> {
    let (files, strange) = tables(options)?;
    let labels = options.labels.as_deref().map(read_labels).transpose()?;
    let read = read_tables(&options.root, files, &options.table(max_gap))?;
    let names: Vec<String> = read.iter().map(|(name, _)| name.clone()).collect();
    let said: Vec<Label> = match &labels {
        Some(labels) => labels.assign(&names)?,
        None => names.iter().map(|name| by_folders(name)).collect(),
    };
    let mut set = ClipSet::default();
    if !strange.is_empty() {
        set.notes.push(format!("left out, as no table of frames: {}", listed(&strange, 4)));
    }
    let (mut counts, mut faceless) = (Counts::default(), Vec::new());
    for ((name, found), label) in read.into_iter().zip(said) {
        counts.add(&found.counts);
        if found.intensities.is_empty() {
            faceless.push(name);
            continue;
        }
        let context = format!("{}.csv", options.root.join(&name).display());
        add(&mut set, name, found, label).context(context)?;
    }
    if !faceless.is_empty() {
        set.notes.push(format!(
            "{} left out, with no face in any frame: {}",
            are(faceless.len(), "clip"),
            listed(&faceless, 4)
        ));
    }
    set.notes.extend(notes(&counts, max_gap));
    let known = set.clips.iter().filter(|c| c.real.is_some()).count();
    ensure!(
        known > 0,
        "none of the {} tables below {} is labelled: put them into folders named `true` and `fake`, or give \
         data.source.au_tables.labels",
        set.clips.len(),
        options.root.display()
    );
    Ok(set)
}

/// The clips of the tables by their paths below the root: one per table, or, of a table of several videos, one per video.
fn read_tables(root: &Path, files: Vec<PathBuf>, options: &TableOptions) -> Result<Vec<(String, FrameTable)>> {
    let read: Vec<Vec<(String, FrameTable)>> = files
        .into_par_iter()
        .map(|path| {
            let name = name_of(root, &path);
            let clips = frame_table::read_videos(&path, options)?;
            Ok(clips
                .into_iter()
                .map(|(video, table)| (video.map_or(name.clone(), |v| format!("{name}/{v}")), table))
                .collect())
        })
        .collect::<Result<_>>()?;
    Ok(read.into_iter().flatten().collect())
}

/// The set to which a clip is to be added has the units and landmarks that it has.
fn add(set: &mut ClipSet, name: String, table: FrameTable, label: Label) -> Result<()> {
    if set.clips.is_empty() {
        set.units = table.units.clone();
    }
    let with_landmarks = set.clips.first().is_none_or(|c| c.landmarks.is_some() == table.landmarks.is_some());
    ensure!(
        set.units == table.units,
        "its action units are {}, and those of {} are {}: one folder holds tables of one kind",
        table.units.join(" "),
        set.clips.first().map_or("the others", |c| c.name.as_str()),
        set.units.join(" ")
    );
    ensure!(with_landmarks, "some tables of this folder have 68 landmarks and others do not");
    let emotion = label.emotion.map(|e| place_of(&mut set.emotions, &e));
    set.clips.push(Clip {
        name,
        subject: label.subject,
        emotion,
        real: label.real,
        part: label.part.unwrap_or(if label.real.is_some() { Part::Training } else { Part::Test }),
        seconds: table.seconds,
        units: Some(table.intensities),
        landmarks: table.landmarks,
        descriptor: None,
        video: None,
    });
    Ok(())
}

/// What was cleaned, one sentence each.
pub(super) fn notes(counts: &Counts, max_gap: f64) -> Vec<String> {
    let mut notes = Vec::new();
    if counts.extra > 0 {
        notes
            .push(format!("{} a last row without values, beyond the last frame: dropped", have(counts.extra, "table")));
    }
    if counts.crowded > 0 {
        notes.push(format!(
            "{} more than one face: the face with the most sure track (or, without tracks, the highest score) was taken",
            have(counts.crowded, "frame")
        ));
    }
    if counts.blank > 0 {
        notes.push(format!(
            "{} no face or a blank: {} filled in between neighbours at most {max_gap} s apart, {} left out",
            have(counts.blank, "frame"),
            counts.interpolated,
            counts.left_out
        ));
    }
    notes
}

fn are(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what} is") } else { format!("{n} {what}s are") }
}

fn have(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what} has") } else { format!("{n} {what}s have") }
}

/// The tables below the root, in order, and the names of other `.csv` files.
fn tables(options: &AuTablesOptions) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let root = &options.root;
    ensure!(root.is_dir(), "data.source.au_tables.root: there is no folder {}", root.display());
    let labels = options.labels.as_deref().and_then(|p| std::fs::canonicalize(p).ok());
    let mut files = Vec::new();
    files_below(root, "csv", &mut files)?;
    files.retain(|path| labels.is_none() || std::fs::canonicalize(path).ok() != labels);
    ensure!(!files.is_empty(), "there are no .csv files below {}", root.display());
    if options.kind != TableKind::Auto {
        return Ok((files, Vec::new()));
    }
    let (mut found, mut strange) = (Vec::new(), Vec::new());
    for path in files {
        if frame_table::is_frame_table(&path)? {
            found.push(path);
        } else {
            strange.push(name_of(root, &path) + ".csv");
        }
    }
    ensure!(
        !found.is_empty(),
        "none of the {} .csv files below {} is a table of action units of py-feat, OpenFace or LibreFace ({})",
        strange.len(),
        root.display(),
        listed(&strange, 4)
    );
    Ok((found, strange))
}

/// Files with an extension below a folder, in order of their names.
///
/// # Errors
/// When a folder cannot be listed.
pub fn files_below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    let of_this_kind = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
    found.extend(listing::below(folder)?.into_iter().filter(of_this_kind));
    Ok(())
}

/// `training/csv/fake/pleasure/a` of a file below the root.
pub fn name_of(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let parts: Vec<String> = below.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

/// What the folders of a clip's name say.
fn by_folders(name: &str) -> Label {
    let mut label = Label::default();
    let Some((folders, _)) = name.rsplit_once('/') else { return label };
    for word in folders.split('/') {
        label.part = label.part.or(part_word(word));
        // A folder named 0 or 1 is a number, no truth.
        let is_number = word.bytes().all(|b| b.is_ascii_digit());
        label.real = label.real.or(truth_word(word).filter(|_| !is_number));
        label.emotion = label.emotion.or(emotion_word(word).map(str::to_owned));
    }
    label
}

/// Labels by name.
pub(super) struct Labels {
    path: PathBuf,
    by_name: BTreeMap<String, Label>,
}

impl Labels {
    /// The label of each table by its path below the folder. A name may be the end of that path where only one table's path
    /// ends so.
    ///
    /// # Errors
    /// When a name fits several tables or none (a name that is misspelt would lose its truth in silence), or two names fit one
    /// table.
    pub(super) fn assign(&self, tables: &[String]) -> Result<Vec<Label>> {
        let shown = self.path.display();
        // With an ending, so that a dot in a table's name begins none.
        let names = Names::new(tables.iter().map(|name| format!("{name}.csv")).collect());
        let mut labels = vec![(Label::default(), None); tables.len()];
        let mut lost = Vec::new();
        for (name, label) in &self.by_name {
            let Some(place) = names.find(&format!("{name}.csv")).with_context(|| shown.to_string())? else {
                lost.push(name);
                continue;
            };
            let before: Option<&String> = labels[place].1.replace(name);
            ensure!(
                before.is_none(),
                "{shown}: {} and {name} both name the table {}",
                before.map_or("", String::as_str),
                tables[place]
            );
            labels[place].0 = label.clone();
        }
        ensure!(lost.is_empty(), "{shown}: {} no table: {}", have(lost.len(), "name"), listed(&lost, 4));
        Ok(labels.into_iter().map(|(label, _)| label).collect())
    }
}

pub(super) fn read_labels(path: &Path) -> Result<Labels> {
    let shown = path.display();
    let mut reader = text_table::open(path)?;
    let header = reader.headers().with_context(|| format!("{shown} is not a table"))?.clone();
    let find = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let (Some(name), Some(truth)) = (find("name"), find("truth")) else {
        bail!("{shown} needs the columns `name` and `truth`; it has {}", header.iter().collect::<Vec<_>>().join(", "));
    };
    let (subject, emotion, part) = (find("subject"), find("emotion"), find("part"));
    let mut by_name = BTreeMap::new();
    for (i, record) in reader.records().enumerate() {
        let line = i + 2;
        let record = record.with_context(|| format!("{shown}, line {line}"))?;
        let cell = |column: Option<usize>| column.and_then(|c| record.get(c)).filter(|text| !text.is_empty());
        let word = cell(Some(truth));
        let real = word
            .map(|w| truth_word(w).with_context(|| format!("{shown}, line {line}: truth is `{w}`, not real or fake")));
        let part = cell(part).map(|w| {
            part_word(w)
                .with_context(|| format!("{shown}, line {line}: part is `{w}`, not training, validation or test"))
        });
        let label = Label {
            real: real.transpose()?,
            subject: cell(subject).map(str::to_owned),
            emotion: cell(emotion).map(|w| emotion_word(w).map_or_else(|| w.to_owned(), str::to_owned)),
            part: part.transpose()?,
        };
        let key = cell(Some(name)).with_context(|| format!("{shown}, line {line}: the name is missing"))?;
        let key = key.replace('\\', "/");
        let key = key.strip_suffix(".csv").unwrap_or(&key).trim_start_matches("./").to_owned();
        ensure!(by_name.insert(key.clone(), label).is_none(), "{shown}, line {line}: {key} stands there twice");
    }
    Ok(Labels { path: path.to_owned(), by_name })
}

#[cfg(test)]
mod tests;
