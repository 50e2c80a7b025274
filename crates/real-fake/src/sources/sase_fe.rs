//! SASE-FE as the ICCV'17 challenge gave it out (Ofodile et al., arXiv:1707.04061), with tables of action units beside the
//! videos.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ferrotype_base::digest::sha256;
use ferrotype_base::text::listed;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::au_tables::{Label, Labels, files_below, name_of, notes, read_labels};
use super::{emotion_word, part_word, place_of};
use crate::clip::{Clip, ClipSet, Part};
use crate::frame_table::{self, Counts, FrameTable, TableKind, TableOptions};
use ferrotype_vision::clips::synthesise::MARK;
use ferrotype_vision::video;

/// The data of the challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaseFeOptions {
    /// The folder. Below it `<subject>/<name>.MP4` for training, with names such as N2H (genuine) and S2N2H (posed), and
    /// `<10 digits>_<EMOTION>.mp4` for validation and test in folders named so (`val`, `test`).
    pub root: PathBuf,
    /// The folder of the tables of action units, in the same form; beside the videos, where none is given. Videos may be
    /// missing where there are tables.
    #[serde(default)]
    pub tables: Option<PathBuf>,
    /// Who wrote the tables.
    #[serde(default)]
    pub kind: TableKind,
    /// Frames per second of tables without times.
    #[serde(default = "fps")]
    pub fps: f64,
    /// Faces whose score or confidence is lower count as none.
    #[serde(default)]
    pub min_score: f64,
    /// A table with the columns `name` (the file's, without extension) and `truth` for clips whose names do not say it.
    #[serde(default)]
    pub labels: Option<PathBuf>,
    /// Clips whose files are alike bit by bit.
    #[serde(default)]
    pub duplicates: Duplicates,
}

/// What becomes of clips whose files are alike bit by bit: H2N2A, H2N2C and H2N2D of subject 8 are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// Those that claim different things (another emotion, another truth) are all dropped, as nobody can tell which is
    /// right; of the others the first stays.
    #[default]
    Drop,
    /// All stay.
    Keep,
}

fn fps() -> f64 {
    100.0
}

impl SaseFeOptions {
    /// Impossible options.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        self.table(0.0).problems(&self.root)
    }

    /// How a table is read.
    pub fn table(&self, max_gap: f64) -> TableOptions {
        TableOptions { kind: self.kind, rate: self.fps, min_score: self.min_score, max_gap }
    }
}

/// A clip's files.
#[derive(Clone, Debug, Default)]
struct Files {
    name: String,
    video: Option<PathBuf>,
    table: Option<PathBuf>,
}

/// What a clip's name says.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    subject: Option<String>,
    emotion: &'static str,
    real: Option<bool>,
    part: Option<Part>,
}

/// Reads the clips.
pub(super) fn read(options: &SaseFeOptions, max_gap: f64) -> Result<ClipSet> {
    let found = files(options)?;
    let labels = options.labels.as_deref().map(read_labels).transpose()?;
    let mut set = ClipSet { synthetic: is_drawn(options), ..ClipSet::default() };
    let (clips, strange): (Vec<_>, Vec<_>) = found.into_iter().map(|f| (said(&f.name), f)).partition(|c| c.0.is_some());
    if !strange.is_empty() {
        let names: Vec<String> = strange.into_iter().map(|(_, f)| f.name).collect();
        set.notes.push(format!("{} files of other names were left out: {}", names.len(), listed(&names, 4)));
    }
    let mut clips: Vec<(Said, Files)> = clips.into_iter().filter_map(|(said, f)| Some((said?, f))).collect();
    ensure!(
        !clips.is_empty(),
        "{} holds no clips in SASE-FE's form: <subject>/N2H.MP4 and so on, or <10 digits>_<EMOTION>.mp4, or their tables",
        options.root.display()
    );
    drop_duplicates(&mut clips, options.duplicates, &mut set.notes)?;
    let table = options.table(max_gap);
    let read: Vec<(Said, Files, Option<FrameTable>, f64)> = clips
        .into_par_iter()
        .map(|(said, files)| {
            let found = files.table.as_deref().map(|path| frame_table::read(path, &table)).transpose()?;
            let seconds = match (&found, &files.video) {
                (Some(t), _) => t.seconds,
                (None, Some(path)) => length(path)?,
                (None, None) => 0.0,
            };
            Ok((said, files, found, seconds))
        })
        .collect::<Result<_>>()?;
    assemble(&mut set, read, labels.as_ref(), max_gap)?;
    Ok(set)
}

/// Seconds of a video as its header has it; 0 where it does not say.
fn length(path: &Path) -> Result<f64> {
    let header = video::probe(path)?;
    Ok(header.frames.zip(header.rate).map_or(0.0, |(frames, rate)| frames as f64 / rate))
}

fn assemble(
    set: &mut ClipSet,
    read: Vec<(Said, Files, Option<FrameTable>, f64)>,
    labels: Option<&Labels>,
    max_gap: f64,
) -> Result<()> {
    let (mut counts, mut faceless, mut bare) = (Counts::default(), Vec::new(), Vec::new());
    let names: Vec<String> = read.iter().map(|(_, files, ..)| files.name.clone()).collect();
    let told = labels.map_or_else(|| Ok(vec![Label::default(); names.len()]), |labels| labels.assign(&names))?;
    let with_tables = read.iter().any(|(_, _, table, _)| table.is_some());
    for ((said, files, table, seconds), label) in read.into_iter().zip(told) {
        if let Some(t) = &table {
            counts.add(&t.counts);
            if t.intensities.is_empty() {
                faceless.push(files.name);
                continue;
            }
            ensure!(
                set.units.is_empty() || set.units == t.units,
                "the table of {} has the action units {}, and others {}",
                files.name,
                t.units.join(" "),
                set.units.join(" ")
            );
            set.units.clone_from(&t.units);
        } else if with_tables {
            bare.push(files.name);
            continue;
        }
        let real = said.real.or(label.real);
        let part = said.part.or(label.part);
        let default = if said.subject.is_some() {
            Part::Training
        } else if real.is_some() {
            Part::Validation
        } else {
            Part::Test
        };
        let (units, landmarks) = table.map_or((None, None), |t| (Some(t.intensities), t.landmarks));
        set.clips.push(Clip {
            name: files.name,
            subject: said.subject,
            emotion: Some(place_of(&mut set.emotions, said.emotion)),
            real,
            part: part.unwrap_or(default),
            seconds,
            units,
            landmarks,
            descriptor: None,
            video: files.video,
        });
    }
    for (names, what) in [(faceless, "show no face in any frame"), (bare, "have no table of action units")] {
        if !names.is_empty() {
            set.notes.push(format!("{} clips {what} and were left out: {}", names.len(), listed(&names, 4)));
        }
    }
    set.notes.extend(notes(&counts, max_gap));
    Ok(())
}

/// Videos and tables by their names, which may be written large or small.
fn files(options: &SaseFeOptions) -> Result<Vec<Files>> {
    let mut all = BTreeMap::<String, Files>::new();
    let labels = options.labels.as_deref().and_then(|p| std::fs::canonicalize(p).ok());
    let tables = options.tables.as_ref().unwrap_or(&options.root);
    for (root, extension) in [(&options.root, "mp4"), (tables, "csv")] {
        ensure!(root.is_dir(), "data.source.sase_fe: there is no folder {}", root.display());
        let mut found = Vec::new();
        files_below(root, extension, &mut found)?;
        for path in found {
            if labels.is_some() && std::fs::canonicalize(&path).ok() == labels {
                continue;
            }
            let name = name_of(root, &path);
            let own = all.entry(name.to_lowercase()).or_default();
            if own.name.is_empty() {
                own.name = name;
            }
            let place = if extension == "mp4" { &mut own.video } else { &mut own.table };
            ensure!(place.is_none(), "{} stands there twice, written large and small", own.name);
            *place = Some(path);
        }
    }
    Ok(all.into_values().collect())
}

/// Whether `ferrotype data synthesise` made the clips.
fn is_drawn(options: &SaseFeOptions) -> bool {
    options.root.join(MARK).is_file() || options.tables.as_ref().is_some_and(|t| t.join(MARK).is_file())
}

/// What the name of a clip says; `None` for other names.
fn said(name: &str) -> Option<Said> {
    let mut words = name.rsplit('/');
    let stem = words.next()?.to_uppercase();
    let folders: Vec<&str> = words.collect();
    let part = folders.iter().find_map(|word| part_word(word));
    if let Some((emotion, real)) = code(&stem) {
        let subject = folders.first().filter(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()))?;
        // `08` and `8` are one person.
        let subject = subject.trim_start_matches('0');
        return Some(Said { subject: Some(subject.to_owned()), emotion, real: Some(real), part });
    }
    let (digits, word) = stem.split_once('_')?;
    let plain = digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit());
    let emotion = emotion_word(word).filter(|_| plain)?;
    Some(Said { subject: None, emotion, real: None, part })
}

/// `N2H` shows happiness from neutral; `S2N2H` shows happiness after something sad: shown X, acted Y.
fn code(stem: &str) -> Option<(&'static str, bool)> {
    let (before, acted) = stem.rsplit_once("N2")?;
    let emotion = match acted {
        "H" => "happiness",
        "S" => "sadness",
        "D" => "disgust",
        "A" => "anger",
        "C" => "contempt",
        "SUR" => "surprise",
        _ => return None,
    };
    match before {
        "" => Some((emotion, true)),
        "H2" | "S2" | "D2" => Some((emotion, false)),
        _ => None,
    }
}

/// Finds files that are alike bit by bit, and drops what the options say.
fn drop_duplicates(clips: &mut Vec<(Said, Files)>, rule: Duplicates, notes: &mut Vec<String>) -> Result<()> {
    let mut sizes = BTreeMap::<(bool, u64), Vec<usize>>::new();
    for (i, (_, files)) in clips.iter().enumerate() {
        let Some(path) = files.video.as_ref().or(files.table.as_ref()) else { continue };
        let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
        sizes.entry((files.video.is_some(), size)).or_default().push(i);
    }
    let mut alike = BTreeMap::<String, Vec<usize>>::new();
    for &i in sizes.values().filter(|group| group.len() > 1).flatten() {
        let files = &clips[i].1;
        let path = files.video.as_ref().or(files.table.as_ref()).context("a clip without files")?;
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        alike.entry(sha256(bytes)).or_default().push(i);
    }
    let mut dropped = BTreeSet::<usize>::new();
    for group in alike.values().filter(|group| group.len() > 1) {
        let names: Vec<&str> = group.iter().map(|&i| clips[i].1.name.as_str()).collect();
        let claims = |i: usize| (&clips[i].0.emotion, clips[i].0.real);
        let agree = group.iter().all(|&i| claims(i) == claims(group[0]));
        let fate = match (rule, agree) {
            (Duplicates::Keep, _) => "kept",
            (Duplicates::Drop, true) => "only the first is used",
            (Duplicates::Drop, false) => "none is used, as nobody can tell which claim is right",
        };
        if rule == Duplicates::Drop {
            dropped.extend(group.iter().skip(usize::from(agree)));
        }
        notes.push(format!("{} are alike bit by bit: {fate}", names.join(", ")));
    }
    let mut place = 0;
    clips.retain(|_| {
        place += 1;
        !dropped.contains(&(place - 1))
    });
    Ok(())
}

#[cfg(test)]
mod tests;
