//! CK+ (Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010): 593 sequences of 123 people from a neutral
//! face to the peak. By the distribution's `ReadMeCohnKanadeDatabase_website.txt`: pictures
//! `cohn-kanade-images/S005/001/S005_001_00000011.png`; for each sequence one file `FACS/S005/001/S005_001_00000011_facs.txt` on
//! its last frame, with a line `action unit, intensity` for each unit that is there (`9.0000000e+00 4.0000000e+00`); for 327 of
//! them `Emotion/S005/001/S005_001_00000011_emotion.txt` with one number from 0 to 7; and `Landmarks/S005/001/..._landmarks.txt`
//! with 68 points for every picture.
//!
//! An intensity of 0 means that the unit is there and was not graded: its occurrence is 1, its intensity missing. A unit that is
//! not listed is not there: both are 0.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use super::annotated::Annotated;
use super::facial::{box_of, chosen, column, folders, intensity, nothing, occurrence, pictures_in};
use super::label_files::{LabelFiles, lines};
use super::names::owned;
use super::pictures::{self, Picture, Reading, Want, file_name};
use crate::listing::{entries, first_folder};
use crate::options::CkPlusOptions;
use crate::{FaceSet, NO_LABEL, Split};

/// The action units of the paper's table of results.
const UNITS: [u32; 17] = [1, 2, 4, 5, 6, 7, 9, 11, 12, 15, 17, 20, 23, 24, 25, 26, 27];
/// The emotions in the order of their numbers.
const EMOTIONS: [&str; 8] = ["neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"];
const IMAGES: [&str; 2] = ["cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images"];
const FACS: [&str; 3] = ["FACS", "FACS_labels/FACS", "FACS_labels"];
const EMOTION: [&str; 3] = ["Emotion", "Emotion_labels/Emotion", "Emotion_labels"];
const LANDMARKS: [&str; 2] = ["Landmarks", "Landmarks/Landmarks"];

/// The folders of the dataset.
struct Folders {
    images: PathBuf,
    facs: PathBuf,
    emotion: Option<PathBuf>,
    landmarks: Option<PathBuf>,
}

/// A sequence: its folder `S005/001`, and the action units of its last frame with their intensities.
struct Sequence {
    subject: String,
    number: String,
    /// `S005_001_00000011`.
    peak: String,
    units: BTreeMap<u32, Option<f32>>,
    emotion: i16,
}

/// Reads the codes and the coded pictures.
pub(super) fn load(options: &CkPlusOptions, reading: &Reading) -> Result<FaceSet> {
    let units = chosen(&options.units, &UNITS, |unit| (1..=99).contains(&unit), "CK+")?;
    let place = find(options)?;
    let mut files = LabelFiles::default();
    let sequences = sequences(&place, &mut files)?;
    let groups = std::iter::once(occurrence(&units)).chain(intensity(&units)).collect();
    let mut made = Made { set: Annotated::new(groups), without: Vec::new(), neutral: 0, emotions: 0 };
    for sequence in &sequences {
        made.add(sequence, &place, options.neutral, &units, &mut files)?;
    }
    let record = files.finish()?;
    ensure!(made.set.len() > 0, "none of the coded pictures is in {}", place.images.display());
    let want = Want {
        margin: options.margin,
        ..Want::whole(options.size, options.colour, options.skip_bad, options.max_pixels).with(reading)
    };
    let mut notes = made.notes(sequences.len());
    notes.extend(not_stored(&sequences, &units));
    let mut faces = made.set.read(owned(&EMOTIONS), &want)?;
    pictures::drop_empty_classes(&mut faces);
    faces.provenance.files.insert(0, record);
    faces.provenance.notes.splice(0..0, notes);
    Ok(faces)
}

fn find(options: &CkPlusOptions) -> Result<Folders> {
    let root = &options.root;
    let (Some(images), Some(facs)) = (first_folder(root, &IMAGES), first_folder(root, &FACS)) else {
        return nothing(root, "CK+", "the folders cohn-kanade-images and FACS");
    };
    let landmarks = options.crop.then(|| first_folder(root, &LANDMARKS));
    ensure!(landmarks != Some(None), "{} has no folder Landmarks, by which `crop` would cut out faces", root.display());
    Ok(Folders { images, facs, emotion: first_folder(root, &EMOTION), landmarks: landmarks.flatten() })
}

/// All sequences that have codes.
fn sequences(place: &Folders, files: &mut LabelFiles) -> Result<Vec<Sequence>> {
    let mut all = Vec::new();
    for (subject, folder) in folders(&place.facs)? {
        for (number, folder) in folders(&folder)? {
            let Some((path, peak)) = only(&folder, "_facs.txt")? else { continue };
            let units = files.take(&path, |text| facs(&path, text));
            let emotion = emotion(place, &subject, &number, files)?;
            all.extend(units.map(|units| Sequence { subject: subject.clone(), number, peak, units, emotion }));
        }
    }
    Ok(all)
}

/// The file in a folder whose name ends so, with what stands before the ending.
fn only(folder: &Path, ending: &str) -> Result<Option<(PathBuf, String)>> {
    let named = |path: PathBuf| {
        let stem = file_name(&path).strip_suffix(ending)?.to_owned();
        Some((path, stem))
    };
    let mut found: Vec<(PathBuf, String)> = entries(folder)?.into_iter().filter_map(named).collect();
    ensure!(found.len() < 2, "{} has {} files *{ending}; one is expected", folder.display(), found.len());
    Ok(found.pop())
}

/// The units of a file with their intensities, missing where they were not graded.
fn facs(path: &Path, text: &str) -> Result<BTreeMap<u32, Option<f32>>> {
    let mut units = BTreeMap::new();
    for line in lines(path, text) {
        let cells: Vec<&str> = line.text.split_whitespace().collect();
        let [unit, strength] = cells[..] else {
            bail!("{}: \"{}\"; an action unit and its intensity are expected", line.place(), line.text);
        };
        let unit = line.whole(unit, "the action unit", 1..=99)? as u32;
        let strength = line.whole(strength, "the intensity", 0..=5)?;
        let graded = (strength > 0).then_some(strength as f32);
        ensure!(units.insert(unit, graded).is_none(), "{}: action unit {unit} stands there twice", line.place());
    }
    Ok(units)
}

fn emotion(place: &Folders, subject: &str, number: &str, files: &mut LabelFiles) -> Result<i16> {
    let folder =
        place.emotion.as_ref().map(|emotion| emotion.join(subject).join(number)).filter(|folder| folder.is_dir());
    let Some((path, _)) = folder.map(|folder| only(&folder, "_emotion.txt")).transpose()?.flatten() else {
        return Ok(NO_LABEL);
    };
    let read = |text: &str| {
        let line = lines(&path, text).next().with_context(|| format!("{} is empty", path.display()))?;
        line.whole(line.text, "the emotion", 0..=EMOTIONS.len() as i64 - 1)
    };
    Ok(files.take(&path, read).map_or(NO_LABEL, |n| n as i16))
}

/// What is stored, and what is not.
struct Made {
    set: Annotated,
    /// Sequences whose coded picture is not there.
    without: Vec<String>,
    neutral: usize,
    emotions: usize,
}

impl Made {
    fn add(
        &mut self,
        sequence: &Sequence,
        place: &Folders,
        neutral: bool,
        units: &[u32],
        files: &mut LabelFiles,
    ) -> Result<()> {
        let Sequence { subject, number, peak, .. } = sequence;
        let path = place.images.join(subject).join(number).join(format!("{peak}.png"));
        if !path.is_file() {
            self.without.push(peak.clone());
            return Ok(());
        }
        let pictures = pictures_in(path.parent().unwrap_or(&place.images))?;
        let first = pictures.into_values().next().filter(|first| neutral && *first != path);
        let there = units.iter().map(|unit| Some(f32::from(sequence.units.contains_key(unit))));
        let strength = units.iter().map(|unit| sequence.units.get(unit).copied().unwrap_or(Some(0.0)));
        let mut push = |path: PathBuf, label: i16, targets: Vec<Option<f32>>| -> Result<()> {
            let mut picture = Picture::new(path, label, Split::Unassigned, 0);
            picture.name = format!("{subject}/{number}/{}", file_name(&picture.path));
            picture.subject.clone_from(subject);
            picture.face = face(&picture.path, subject, number, place, files);
            self.set.push(picture, targets)
        };
        if let Some(first) = first {
            push(first, 0, vec![Some(0.0); 2 * units.len()])?;
            self.neutral += 1;
        }
        push(path, sequence.emotion, there.chain(strength).collect())?;
        self.emotions += usize::from(sequence.emotion != NO_LABEL);
        Ok(())
    }

    fn notes(&self, sequences: usize) -> Vec<String> {
        let mut notes = vec![format!(
            "{sequences} sequences with FACS codes, {} of them with an emotion; the coded picture is the peak",
            self.emotions
        )];
        if self.neutral > 0 {
            notes.push(format!(
                "{} first pictures of sequences are stored as neutral faces without any action unit",
                self.neutral
            ));
        }
        if !self.without.is_empty() {
            notes.push(format!(
                "left out: {} coded pictures are not there: {}",
                self.without.len(),
                listed(&self.without, 5)
            ));
        }
        notes
    }
}

/// The face's box by the landmarks of a picture, where faces are cut out.
fn face(picture: &Path, subject: &str, number: &str, place: &Folders, files: &mut LabelFiles) -> Option<[f32; 4]> {
    let stem = picture.file_stem()?.to_string_lossy().into_owned();
    let path = place.landmarks.as_ref()?.join(subject).join(number).join(format!("{stem}_landmarks.txt"));
    files.take(&path, |text| {
        let mut points = Vec::new();
        for line in lines(&path, text) {
            let cells: Vec<&str> = line.text.split_whitespace().collect();
            let [x, y] = cells[..] else {
                bail!("{}: \"{}\"; the two coordinates of a point are expected", line.place(), line.text);
            };
            points.push([line.number(x, "a coordinate")? as f32, line.number(y, "a coordinate")? as f32]);
        }
        box_of(&points).with_context(|| format!("{} has no points", path.display()))
    })
}

/// Units that are coded and not stored, with how often.
fn not_stored(sequences: &[Sequence], units: &[u32]) -> Option<String> {
    let mut others: BTreeMap<u32, usize> = BTreeMap::new();
    let coded = sequences.iter().flat_map(|sequence| sequence.units.keys()).filter(|unit| !units.contains(unit));
    coded.for_each(|unit| *others.entry(*unit).or_default() += 1);
    let others: Vec<String> = others.iter().map(|(unit, n)| format!("{} ({n})", column(*unit))).collect();
    (!others.is_empty()).then(|| format!("coded action units that are not stored: {}", listed(&others, 40)))
}

#[cfg(test)]
mod tests;
