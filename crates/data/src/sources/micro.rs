//! Datasets of micro-expressions as their authors publish them: from the coding sheet and the folders of frames to a list of
//! clips, with everything checked that can be checked without opening a picture.
//!
//! Each dataset is a `Form` in a file of its own. What becomes of the frames (the face, the flow) is the matter of a crate
//! above this one, which has a detector.

mod casme2;
mod casme3;
mod check;
mod classes;
mod folders;
mod samm;
mod sheet;
mod smic;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use crate::options::{MicroOptions, SourceOptions};
use classes::{Classes, Emotion};

pub use folders::frames_in;

/// A clip that can be made into a picture, as far as sheet and folders tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicroClip {
    /// `casme2/sub01/EP02_01f`.
    pub name: String,
    /// Who it shows, spelt in one way: `sub01`.
    pub subject: String,
    /// Class index.
    pub label: i16,
    /// Where it stands: the sheet with the line, or the clip's folder.
    pub place: String,
    /// Row in the sheet, counted from 0 without the header; of SMIC the clip's number.
    pub row: u32,
    /// The frames of its folder from onset to offset, by number; onset, apex and offset are among them.
    pub frames: BTreeMap<u32, PathBuf>,
    /// The frame where the movement begins.
    pub onset: u32,
    /// The frame where it is strongest, if that is known.
    pub apex: Option<u32>,
}

/// What a dataset's sheet and folders say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MicroPlan {
    /// The dataset's name, `casme2`.
    pub dataset: &'static str,
    /// Clips of the wanted classes, in the order of the sheet.
    pub clips: Vec<MicroClip>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The sheet with its sha256.
    pub files: Vec<(String, String)>,
    /// What is to be known, a line each.
    pub notes: Vec<String>,
}

/// How a dataset is published.
struct Form {
    /// `casme2`.
    name: &'static str,
    /// `CASME II`.
    title: &'static str,
    /// How the name of its sheet begins, in lower case; none where folders are the sheet.
    sheet: Option<&'static str>,
    /// Folders of frames below the dataset's folder, the first that is there.
    raw: &'static [&'static str],
    /// Folders of the authors' face crops.
    crops: &'static [&'static str],
    /// A subject in one spelling, of any that is in use.
    subject: fn(&str) -> Option<String>,
    /// Paths below a subject's or the frames' folder that may be the clip's, in lower case: see [`folders`].
    clip_folders: fn(&Coded) -> Vec<String>,
    /// A clip's name below that of its subject.
    clip_name: fn(&Coded) -> String,
    /// Its emotions.
    emotions: &'static [Emotion],
    /// Clips, people and clips per class in MEGC 2019's composite.
    challenge: Option<(usize, usize, [usize; 3])>,
}

/// A row of a coding sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Coded {
    /// Where it stands, for messages.
    place: String,
    row: u32,
    /// In one spelling.
    subject: String,
    clip: String,
    onset: u32,
    apex: Option<u32>,
    offset: u32,
    emotion: String,
}

/// What could not be used, with its place.
#[derive(Debug, Default)]
struct Bad(Vec<String>);

/// So many are named in a message.
const NAMED: usize = 12;

impl Bad {
    fn add(&mut self, place: &str, reason: impl std::fmt::Display) {
        self.0.push(format!("{place}: {reason}"));
    }

    /// Refuses them, or notes that they are left out.
    fn conclude(self, skip: bool, notes: &mut Vec<String>) -> Result<()> {
        if skip {
            notes.extend(self.0.into_iter().map(|bad| format!("warning: left out: {bad}")));
            return Ok(());
        }
        let more = self.0.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        ensure!(
            self.0.is_empty(),
            "{} of the clips cannot be used:\n  {}{more}\nCorrect the sheet, or leave such clips out with --skip-bad (skip_bad: true); an apex \
             outside of its clip can be searched anew with --mend-apex (mend_apex: true)",
            self.0.len(),
            self.0[..self.0.len().min(NAMED)].join("\n  ")
        );
        Ok(())
    }
}

/// The dataset and its options, if a source is one of micro-expressions in frames.
fn form(source: &SourceOptions) -> Option<(&'static Form, &MicroOptions)> {
    Some(match source {
        SourceOptions::Casme2(o) => (&casme2::FORM, o),
        SourceOptions::Smic(o) => (&smic::FORM, o),
        SourceOptions::Samm(o) => (&samm::FORM, o),
        SourceOptions::Casme3(o) => (&casme3::FORM, o),
        _ => return None,
    })
}

/// Whether a source is one of micro-expressions in frames, and its options.
pub fn options(source: &SourceOptions) -> Option<&MicroOptions> {
    form(source).map(|(_, options)| options)
}

/// Reads the sheet and the folders of a source of micro-expressions.
///
/// # Errors
/// When sheet or frames are not found, a column is missing, two folders are of one person, or a clip cannot be used and
/// `skip_bad` is not set: each with its line and file. With it, when no clip is left.
pub fn plan(source: &SourceOptions) -> Result<MicroPlan> {
    let Some((form, options)) = form(source) else {
        bail!("{} is no source of micro-expressions in frames", super::name(source))
    };
    let root = &options.root;
    ensure!(root.is_dir(), "{} is not a folder: the folder of {} is expected", root.display(), form.title);
    let frames = folders::root_of_frames(form, options)?;
    let subjects = folders::Subjects::find(form, &frames)?;
    let mut bad = Bad::default();
    let mut plan = MicroPlan { dataset: form.name, ..MicroPlan::default() };
    let rows = match form.sheet {
        Some(beginning) => {
            let path = sheet::locate(root, options.sheet.as_deref(), beginning, form.title)?;
            let sheet = sheet::read(form, &path)?;
            plan.files.push(sheet.file);
            plan.notes.extend(sheet.notes);
            bad.0.extend(sheet.bad);
            sheet.rows
        }
        None => {
            ensure!(
                options.sheet.is_none(),
                "{} has no sheet: its folders say what is in it; leave `sheet` out",
                form.title
            );
            ensure!(!options.mend_apex, "{} names no apex that could be mended; leave `mend_apex` out", form.title);
            smic::rows(&subjects, &mut bad)?
        }
    };
    let classes = Classes::of(form.emotions, options.task);
    plan.classes = classes.names();
    check::rows(form, options, rows, &subjects, &classes, &mut plan, &mut bad);
    bad.conclude(options.skip_bad, &mut plan.notes)?;
    ensure!(
        !plan.clips.is_empty(),
        "no clip of {} in {} can be used{}",
        form.title,
        root.display(),
        plan.notes.iter().map(|note| format!("\n  {note}")).collect::<String>()
    );
    plan.notes.extend(check::counts(form, options, &plan));
    Ok(plan)
}

/// Letters before and digits behind, if that is all: the form of most subjects' names.
fn numbered<'a>(text: &'a str, prefixes: &[&str]) -> Option<(&'a str, u32)> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, number) = text.split_at(digits);
    let known = prefixes.iter().any(|p| p.eq_ignore_ascii_case(before));
    Some((before, number.parse().ok()?)).filter(|_| known)
}

/// The file's name for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
