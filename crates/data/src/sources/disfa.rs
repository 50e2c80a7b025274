//! DISFA (Mavadati et al., "DISFA: A Spontaneous Facial Action Intensity Database", IEEE Transactions on Affective Computing
//! 2013): `ActionUnit_Labels/SN001/SN001_au1.txt` with a line `frame,intensity` for each frame of the video, counted from 1,
//! for twelve action units of 27 people; videos `Videos_LeftCamera/LeftVideoSN001_comp.avi`, read here as folders of frames.
//!
//! That form as public code reads it: OpenFace's `matlab_runners` (`%s/%s/%s_au%d.txt`, comma-separated, the twelve units) and
//! the preparation of ME-GraphAU (`tool/DISFA_...`: an action unit is there from intensity 2 on; a unit without a file counts
//! as not coded). Videos have 4,845 frames, some 4,844 labels: what has no partner is left out and counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::annotated::{Frame, Video, Videos};
use super::facial::{chosen, folders, frames_folder, intensity, nothing, occurrence, pictures_in};
use super::label_files::{LabelFiles, intensities};
use super::pictures::{Reading, Want};
use crate::options::DisfaOptions;
use crate::{FaceSet, Split};

/// The action units that are coded.
const UNITS: [u32; 12] = [1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26];
/// Where folders of frames are, below the dataset's folder.
const FRAMES: [&str; 6] = ["frames", "Frames", "Videos_LeftCamera", "Video_LeftCamera", "Images/Left", "images"];

/// Reads the labels and the frames.
pub(super) fn load(options: &DisfaOptions, reading: &Reading) -> Result<FaceSet> {
    let DisfaOptions { root, threshold, .. } = options;
    ensure!((1..=5).contains(threshold), "threshold is {threshold}; an intensity from 1 to 5 is expected");
    let units = chosen(&options.units, &UNITS, |unit| UNITS.contains(&unit), "DISFA")?;
    let labels = root.join("ActionUnit_Labels");
    if !labels.is_dir() {
        return nothing(root, "DISFA", "the folder ActionUnit_Labels");
    }
    let frames = frames_root(options)?;
    let (mut files, mut notes, mut people) = (LabelFiles::default(), Vec::new(), Vec::new());
    for (subject, folder) in folders(&labels)?.into_iter().filter(|(name, _)| name.starts_with("SN")) {
        let labelled = labels_of(&subject, &folder, &units, *threshold, &mut files, &mut notes);
        people.push((pictures_of(&subject, &frames)?, subject, labelled));
    }
    let record = files.finish()?;
    ensure!(!people.is_empty(), "{} has no folders of subjects (SN001 and so on)", labels.display());
    let groups = std::iter::once(occurrence(&units)).chain(intensity(&units)).collect();
    let mut videos = Videos::new(groups, options.every)?;
    // Programs number frames from 0 or from 1; the labels from 1.
    let from_zero = people.iter().any(|(pictures, ..)| pictures.contains_key(&0));
    for (pictures, subject, frames) in people {
        let pictures = pictures.into_iter().map(|(n, path)| (n + u32::from(from_zero), path)).collect();
        videos.add(Video { name: subject.clone(), subject, split: Split::Unassigned, frames, pictures })?;
    }
    if from_zero {
        notes.push("pictures are numbered from 0: picture n is frame n + 1 of the labels".into());
    }
    notes.push(format!("an action unit is there from intensity {threshold} on"));
    let want = Want {
        margin: options.margin,
        ..Want::whole(options.size, options.colour, options.skip_bad, options.max_pixels).with(reading)
    };
    let mut faces = videos.read(Vec::new(), &want)?;
    faces.provenance.files.insert(0, record);
    faces.provenance.notes.extend(notes);
    Ok(faces)
}

/// What the files of a subject say of each frame: occurrence and intensity of the units.
fn labels_of(
    subject: &str,
    folder: &Path,
    units: &[u32],
    threshold: u8,
    files: &mut LabelFiles,
    notes: &mut Vec<String>,
) -> BTreeMap<u32, Frame> {
    let mut rows: BTreeMap<u32, Vec<Option<f32>>> = BTreeMap::new();
    let mut absent = Vec::new();
    for (i, unit) in units.iter().enumerate() {
        let path = folder.join(format!("{subject}_au{unit}.txt"));
        if !path.is_file() {
            absent.push(unit.to_string());
            continue;
        }
        for (frame, value) in files.take(&path, |text| intensities(&path, text, None)).unwrap_or_default() {
            let row = rows.entry(frame).or_insert_with(|| vec![None; 2 * units.len()]);
            row[i] = value.map(|v| f32::from(v >= f32::from(threshold)));
            row[units.len() + i] = value;
        }
    }
    if !absent.is_empty() {
        notes
            .push(format!("{subject} has no file of the action units {}: their values are missing", absent.join(", ")));
    }
    rows.into_iter().map(|(frame, row)| (frame, Frame::of(row))).collect()
}

/// The folder with the subjects' folders of frames.
fn frames_root(options: &DisfaOptions) -> Result<PathBuf> {
    let found = frames_folder(options.frames.as_deref(), &options.root, &FRAMES);
    let Some(folder) = found else { return Err(without_frames(options)) };
    if folders(&folder)?.iter().any(|(name, _)| name.to_uppercase().contains("SN0")) {
        return Ok(folder);
    }
    Err(without_frames(options))
}

fn without_frames(options: &DisfaOptions) -> anyhow::Error {
    let place = options.frames.clone().unwrap_or_else(|| options.root.join("frames"));
    anyhow::anyhow!(
        "{0} has no folders of frames of the subjects. Make them of the videos, for each subject:\n  mkdir -p {0}/SN001 && ffmpeg -i \
         LeftVideoSN001_comp.avi -fps_mode passthrough -qscale:v 2 {0}/SN001/%05d.jpg\nor name the folder with --frames (frames: FOLDER)",
        place.display()
    )
}

/// The pictures of a subject: those in the only folder whose name has the subject's in it.
fn pictures_of(subject: &str, frames: &Path) -> Result<BTreeMap<u32, PathBuf>> {
    let all: Vec<PathBuf> =
        folders(frames)?.into_iter().filter(|(name, _)| name.contains(subject)).map(|f| f.1).collect();
    match all.as_slice() {
        [] => Ok(BTreeMap::new()),
        [one] => pictures_in(one),
        [one, two, ..] => bail!(
            "{} and {} are both frames of {subject}: keep those of one camera in the folder",
            one.display(),
            two.display()
        ),
    }
}

#[cfg(test)]
mod tests;
