//! AFEW-VA (Kossaifi et al., "AFEW-VA database for valence and arousal estimation in-the-wild", Image and Vision Computing
//! 2017): 600 clips of films, each a folder `001` with the frames `00000.png` and so on, and `001.json` with `video_id`, perhaps
//! `actor`, and `frames: {"00000": {landmarks: 68 points, valence, arousal}}`, both from -10 to 10. They are stored divided by
//! 10. The archives unpack into folders of fifty clips (`01/001`), which is read, too.
//!
//! That form as public code reads it: the preparation of EmotionLinMult (`valence_arousal / 10`), EMOCA's `AfewVaDataModule`.
//! Who plays is a subject; a clip without an actor is a subject of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;
use serde::Deserialize;
use serde_json::Value;

use super::annotated::{Frame, Video, Videos};
use super::facial::{box_of, folders, nothing, pictures_in, valence_arousal};
use super::label_files::{LabelFiles, MOST_FRAMES};
use super::pictures::{Reading, Want};
use crate::options::AfewVaOptions;
use crate::{FaceSet, NO_LABEL, Split};

/// The largest valence and arousal, which become 1.
const MOST: f64 = 10.0;

/// A clip's file.
#[derive(Deserialize)]
struct Clip {
    #[serde(default)]
    actor: Option<String>,
    frames: BTreeMap<String, Annotation>,
}

/// What is said of a frame.
#[derive(Deserialize)]
struct Annotation {
    valence: Option<f64>,
    arousal: Option<f64>,
    #[serde(default)]
    landmarks: Value,
}

/// Reads the clips.
pub(super) fn load(options: &AfewVaOptions, reading: &Reading) -> Result<FaceSet> {
    ensure!(options.root.is_dir(), "{} is not a folder: AFEW-VA's is expected", options.root.display());
    let clips = clips(&options.root)?;
    if clips.is_empty() {
        return nothing(&options.root, "AFEW-VA", "folders of clips, 001 with 001.json and frames and so on");
    }
    let (mut files, mut read, mut alone) = (LabelFiles::default(), Vec::new(), Vec::new());
    for (name, folder) in clips {
        let path = folder.join(format!("{name}.json"));
        let clip = files.take(&path, |text| annotations(&path, text, options.crop));
        read.extend(clip.map(|(actor, frames)| (name, folder, actor, frames)));
    }
    let record = files.finish()?;
    let mut videos = Videos::new(vec![valence_arousal()], options.every)?;
    for (name, folder, actor, frames) in read {
        if actor.is_none() {
            alone.push(name.clone());
        }
        let subject = actor.unwrap_or_else(|| format!("clip {name}"));
        videos.add(Video { name, subject, split: Split::Unassigned, frames, pictures: pictures_in(&folder)? })?;
    }
    let want = Want {
        margin: options.margin,
        ..Want::whole(options.size, options.colour, options.skip_bad, options.max_pixels).with(reading)
    };
    let mut faces = videos.read(Vec::new(), &want)?;
    faces.provenance.files.insert(0, record);
    faces.provenance.notes.push("valence and arousal are divided by 10".into());
    if !alone.is_empty() {
        faces.provenance.notes.push(format!(
            "{} clips name no actor and are a subject each, so one person may stand in several folds: {}",
            alone.len(),
            listed(&alone, 5)
        ));
    }
    Ok(faces)
}

/// The clips' folders below a folder, by name: those that have a JSON file of their own name.
fn clips(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (name, folder) in folders(root)? {
        let is_clip = |(name, folder): &(String, PathBuf)| folder.join(format!("{name}.json")).is_file();
        let own = (name, folder);
        let clips = if is_clip(&own) { vec![own] } else { folders(&own.1)?.into_iter().filter(is_clip).collect() };
        for (name, folder) in clips {
            if let Some(other) = found.insert(name.clone(), folder.clone()) {
                bail!("{} and {} are both clip {name}: keep one", other.display(), folder.display());
            }
        }
    }
    Ok(found)
}

/// Who plays in a clip, and what is said of each frame.
fn annotations(path: &Path, text: &str, crop: bool) -> Result<(Option<String>, BTreeMap<u32, Frame>)> {
    let shown = path.display();
    let clip: Clip = serde_json::from_str(text).with_context(|| format!("{shown} is not what AFEW-VA's files are"))?;
    let mut frames = BTreeMap::new();
    for (key, annotation) in &clip.frames {
        let at = || format!("{shown}, frame \"{key}\"");
        let number = key.parse::<u32>().ok().filter(|n| i64::from(*n) <= MOST_FRAMES);
        let number = number.with_context(|| format!("{}: the number of a frame is expected", at()))?;
        let value = |what: &str, value: Option<f64>| -> Result<Option<f32>> {
            let Some(value) = value else { return Ok(None) };
            ensure!((-MOST..=MOST).contains(&value), "{}: {what} is {value}; -10 to 10 is expected", at());
            Ok(Some((value / MOST) as f32))
        };
        let targets = vec![value("valence", annotation.valence)?, value("arousal", annotation.arousal)?];
        let face = if crop { Some(face(&annotation.landmarks).with_context(at)?) } else { None };
        let frame = Frame { label: NO_LABEL, targets, face };
        ensure!(frames.insert(number, frame).is_none(), "{}: frame {number} stands there twice", at());
    }
    ensure!(!frames.is_empty(), "{shown} has no frames");
    let actor = clip.actor.map(|actor| actor.trim().to_owned()).filter(|actor| !actor.is_empty());
    Ok((actor, frames))
}

fn face(landmarks: &Value) -> Result<[f32; 4]> {
    let points: Vec<[f32; 2]> = Vec::deserialize(landmarks)
        .map_err(|e| anyhow::anyhow!("its landmarks, by which faces are cut out, are no points [x, y]: {e}"))?;
    ensure!(points.iter().flatten().all(|v| v.is_finite()), "its landmarks are no finite numbers");
    box_of(&points).context("it has no landmarks by which the face could be cut out")
}

#[cfg(test)]
mod tests;
