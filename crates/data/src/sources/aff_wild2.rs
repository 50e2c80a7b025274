//! Aff-Wild2 (Kollias and Zafeiriou, arXiv:1811.07770) as the ABAW challenges hand it out: for each challenge a folder with
//! `Train_Set` and `Validation_Set`, in them a text file for each video: a header, then a line for each frame of the video.
//! `VA_Estimation_Challenge`: `valence,arousal` and two numbers from -1 to 1, -5 where there are none. `AU_Detection_Challenge`:
//! twelve action units, 0 or 1 each, -1 unknown. `EXPR_Classification_Challenge` (`EXPR_Recognition_Challenge` in some years):
//! the names of classes and the number of one, -1 unknown. Faces are in `cropped_aligned/VIDEO/00001.jpg`; picture n belongs to
//! the n-th line after the header, and frames without a face have no picture.
//!
//! Described at <https://ibug.doc.ic.ac.uk/resources/aff-wild2/> and in the challenges' papers (arXiv:2402.19344); public loaders
//! pair pictures and lines in this way. A name with `_left` or `_right` is one of the persons of a video. Nobody says who is in
//! which video: the video is the subject, with all its persons, so that none of its frames stand in two sets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use super::annotated::{Frame, Video, Videos};
use super::facial::{column, folders, frames_folder, nothing, occurrence, pictures_in, valence_arousal};
use super::label_files::{LabelFiles, Line, lines};
use super::pictures::{Reading, Want, drop_empty_classes, file_name};
use crate::listing::entries;
use crate::options::{AffWild2Options, AffWild2Task};
use crate::{FaceSet, NO_LABEL, Split};

/// What stands for valence and arousal that are not known.
const NO_VALUE: f64 = -5.0;
const FRAMES: [&str; 2] = ["cropped_aligned", "cropped_aligned_images"];
const VALIDATION: [&str; 2] = ["validation_set", "val_set"];
const TRAINING: [&str; 2] = ["train_set", "training_set"];

/// The action units, in the order of the columns.
const UNITS: [u32; 12] = [1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26];

impl AffWild2Task {
    const ALL: [Self; 3] = [Self::Va, Self::Au, Self::Expr];

    /// How its folder's name begins, in lower case.
    fn prefix(self) -> &'static str {
        match self {
            Self::Va => "va_",
            Self::Au => "au_",
            Self::Expr => "expr_",
        }
    }
}

/// What a line of one of the challenges' files says.
type Labels = BTreeMap<u32, (i16, Vec<Option<f32>>)>;

/// A video with the labels of every challenge that has some.
#[derive(Default)]
struct Labelled {
    parts: BTreeSet<Split>,
    labels: BTreeMap<AffWild2Task, Labels>,
}

/// Reads the text files and the faces.
pub(super) fn load(options: &AffWild2Options, reading: &Reading) -> Result<FaceSet> {
    let root = &options.root;
    let frames = frames_folder(options.frames.as_deref(), root, &FRAMES);
    let Some(frames) = frames else {
        return nothing(root, "Aff-Wild2", "the folder cropped_aligned, or one named with --frames");
    };
    let challenges = challenges(options)?;
    let tasks: Vec<AffWild2Task> = challenges.keys().copied().collect();
    let (mut files, mut classes, mut videos) = (LabelFiles::default(), None, BTreeMap::<String, Labelled>::new());
    for (task, folder) in &challenges {
        for (split, path) in texts(folder)? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let video = videos.entry(name).or_default();
            video.parts.insert(split);
            let read = files.take(&path, |text| read(*task, &path, text, &mut classes));
            video.labels.extend(read.map(|labels| (*task, labels)));
        }
    }
    let record = files.finish()?;
    let mut set = Videos::new(groups(&tasks), options.every)?;
    let mut both = Vec::new();
    for (name, video) in videos {
        // Whoever is tested on a video for one challenge must not be trained on it for another.
        let split = if video.parts.contains(&Split::Test) { Split::Test } else { Split::Train };
        if video.parts.len() > 1 {
            both.push(name.clone());
        }
        let pictures = pictures_in(&frames.join(&name))?;
        let subject = name.trim_end_matches("_left").trim_end_matches("_right").to_owned();
        set.add(Video { subject, split, frames: merged(&tasks, video.labels), pictures, name })?;
    }
    let want = Want::whole(options.size, None, options.skip_bad, options.max_pixels).with(reading);
    let mut faces = set.read(classes.unwrap_or_default(), &want)?;
    drop_empty_classes(&mut faces);
    faces.provenance.files.insert(0, record);
    let notes = &mut faces.provenance.notes;
    notes.push("the challenges' validation videos are the test set here; the subject is the video".into());
    if !both.is_empty() {
        notes.push(format!(
            "{} videos are of the training set of one challenge and of the validation set of another, and are test videos of all: \
             {}",
            both.len(),
            listed(&both, 5)
        ));
    }
    Ok(faces)
}

/// The folder of each challenge that is asked for, or of all that are there.
fn challenges(options: &AffWild2Options) -> Result<BTreeMap<AffWild2Task, PathBuf>> {
    let root = options.annotations.as_ref().unwrap_or(&options.root);
    ensure!(root.is_dir(), "{} is not a folder: that of Aff-Wild2's annotations is expected", root.display());
    let mut all = folders(root)?;
    // The archives unpack into a folder such as `6th ABAW Annotations`.
    let begins = |name: &str| AffWild2Task::ALL.iter().any(|task| name.to_lowercase().starts_with(task.prefix()));
    if !all.iter().any(|(name, _)| begins(name)) {
        let within: Vec<Result<Vec<(String, PathBuf)>>> = all
            .iter()
            .filter(|(name, _)| name.to_lowercase().contains("annotation"))
            .map(|(_, folder)| folders(folder))
            .collect();
        all = within.into_iter().collect::<Result<Vec<_>>>()?.concat();
    }
    let mut found = BTreeMap::new();
    for task in AffWild2Task::ALL {
        let own = all.iter().filter(|(name, _)| name.to_lowercase().starts_with(task.prefix()));
        match own.collect::<Vec<_>>().as_slice() {
            [] => {}
            [(_, folder)] => {
                found.insert(task, folder.clone());
            }
            [(_, one), (_, two), ..] => bail!(
                "{} and {} are both of the same challenge: name the folder of the one that is meant with --annotations \
                 (annotations: FOLDER)",
                one.display(),
                two.display()
            ),
        }
    }
    let absent = options.tasks.iter().find(|task| !found.contains_key(task));
    if let Some(task) = absent {
        bail!("{} has no folder {}*, which tasks asks for", root.display(), task.prefix().to_uppercase());
    }
    found.retain(|task, _| options.tasks.is_empty() || options.tasks.contains(task));
    if found.is_empty() {
        return nothing(
            root,
            "Aff-Wild2",
            "a folder such as VA_Estimation_Challenge, with Train_Set and Validation_Set",
        );
    }
    Ok(found)
}

/// The text files of a challenge.
fn texts(folder: &Path) -> Result<Vec<(Split, PathBuf)>> {
    let mut all = Vec::new();
    for (name, part) in folders(folder)? {
        let name = name.to_lowercase();
        let split = if TRAINING.contains(&name.as_str()) {
            Split::Train
        } else if VALIDATION.contains(&name.as_str()) {
            Split::Test
        } else {
            continue;
        };
        let is_text = |path: &PathBuf| file_name(path).to_lowercase().ends_with(".txt");
        all.extend(entries(&part)?.into_iter().filter(is_text).map(|path| (split, path)));
    }
    ensure!(!all.is_empty(), "{} has no text files in Train_Set or Validation_Set", folder.display());
    Ok(all)
}

fn groups(tasks: &[AffWild2Task]) -> Vec<crate::targets::TargetGroup> {
    let group = |task: &AffWild2Task| match task {
        AffWild2Task::Va => Some(valence_arousal()),
        AffWild2Task::Au => Some(occurrence(&UNITS)),
        AffWild2Task::Expr => None,
    };
    tasks.iter().filter_map(group).collect()
}

/// Columns of targets that a challenge has.
fn width(task: AffWild2Task) -> usize {
    match task {
        AffWild2Task::Va => 2,
        AffWild2Task::Au => UNITS.len(),
        AffWild2Task::Expr => 0,
    }
}

/// The labels of all challenges, side by side in the order of `tasks`.
fn merged(tasks: &[AffWild2Task], labels: BTreeMap<AffWild2Task, Labels>) -> BTreeMap<u32, Frame> {
    let all = tasks.iter().map(|task| width(*task)).sum();
    let mut frames: BTreeMap<u32, Frame> = BTreeMap::new();
    for (task, labels) in labels {
        let start = tasks.iter().take_while(|t| **t != task).map(|t| width(*t)).sum::<usize>();
        for (number, (label, targets)) in labels {
            let frame = frames.entry(number).or_insert_with(|| Frame::of(vec![None; all]));
            frame.targets[start..start + targets.len()].copy_from_slice(&targets);
            if label != NO_LABEL {
                frame.label = label;
            }
        }
    }
    frames
}

/// The lines of a file; the frame of a line is its place after the header, blank lines counted.
fn read(task: AffWild2Task, path: &Path, text: &str, classes: &mut Option<Vec<String>>) -> Result<Labels> {
    let mut lines = lines(path, text);
    let header = lines.next().with_context(|| format!("{} is empty", path.display()))?;
    ensure!(header.number == 1, "{}: the header is expected in the first line", header.place());
    check_header(task, &header, classes)?;
    let count = classes.as_ref().map_or(0, Vec::len) as i64;
    let of = |line: &Line| -> Result<(i16, Vec<Option<f32>>)> {
        let cells = line.cells();
        match task {
            AffWild2Task::Va => Ok((NO_LABEL, values(line, &cells)?)),
            AffWild2Task::Au => Ok((NO_LABEL, units(line, &cells)?)),
            AffWild2Task::Expr => Ok((line.whole(line.text, "the expression", -1..=count - 1)? as i16, Vec::new())),
        }
    };
    lines.map(|line| Ok(((line.number - 1) as u32, of(&line)?))).collect()
}

/// Compares a header with what is known; that of expressions names the classes.
fn check_header(task: AffWild2Task, header: &Line, classes: &mut Option<Vec<String>>) -> Result<()> {
    let cells: Vec<String> = header.cells().iter().map(|cell| cell.to_lowercase()).collect();
    let wanted: Vec<String> = match task {
        AffWild2Task::Va => vec!["valence".into(), "arousal".into()],
        AffWild2Task::Au => UNITS.iter().map(|unit| format!("au{unit}")).collect(),
        AffWild2Task::Expr => {
            let numbers = cells.iter().any(|cell| cell.is_empty() || cell.parse::<f64>().is_ok());
            ensure!(
                !numbers && cells.len() > 1,
                "{}: \"{}\"; names of classes are expected",
                header.place(),
                header.text
            );
            classes.get_or_insert_with(|| cells.clone()).clone()
        }
    };
    ensure!(cells == wanted, "{}: \"{}\"; \"{}\" is expected", header.place(), header.text, wanted.join(","));
    Ok(())
}

fn values(line: &Line, cells: &[&str]) -> Result<Vec<Option<f32>>> {
    ensure!(cells.len() == 2, "{}: \"{}\"; valence and arousal are expected", line.place(), line.text);
    let value = |(cell, what): (&&str, &str)| -> Result<Option<f32>> {
        let value = line.number(cell, what)?;
        if value == NO_VALUE {
            return Ok(None);
        }
        ensure!(
            (-1.0..=1.0).contains(&value),
            "{}: {what} is {cell}; -1 to 1 is expected, or -5 for none",
            line.place()
        );
        Ok(Some(value as f32))
    };
    cells.iter().zip(["valence", "arousal"]).map(value).collect()
}

fn units(line: &Line, cells: &[&str]) -> Result<Vec<Option<f32>>> {
    ensure!(cells.len() == UNITS.len(), "{}: {} cells, and {} are expected", line.place(), cells.len(), UNITS.len());
    let unit = |(cell, unit): (&&str, &u32)| match line.whole(cell, &column(*unit), -1..=1)? {
        -1 => Ok(None),
        there => Ok(Some(there as f32)),
    };
    cells.iter().zip(&UNITS).map(unit).collect()
}

#[cfg(test)]
mod tests;
