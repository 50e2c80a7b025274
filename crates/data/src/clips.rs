//! Clips: the prepared form of video files. Pictures of components, frame by frame, with their times, landmarks and tracks;
//! and how they become training examples.

#[doc(hidden)]
pub mod example;
mod info;
mod join;
mod segments;
pub mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::Provenance;
use super::options::Component;
use super::shards::Shards;

pub use info::describe;
pub use join::{LESS, join};
pub use segments::{Segment, cut, face_set};

/// Channels of stored component pictures: RGB.
pub const CHANNELS: usize = 3;

/// Prepared clips. Frames of all clips stand one after another; a clip is a range of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipSet {
    /// Pixels per side of the component pictures.
    pub size: usize,
    /// The component pictures, stream by stream; without pixels where they lie in pieces.
    pub parts: Vec<Part>,
    /// The component pictures of a set that is too large for memory.
    pub pieces: Option<Pieces>,
    /// What is known of each frame.
    pub frames: Frames,
    /// The clips.
    pub clips: Vec<Clip>,
    /// Class names.
    pub classes: Vec<String>,
    /// Numbers per frame beside the pictures.
    pub features: Vec<Features>,
    /// Clips that could not be used, and why.
    pub skipped: Vec<Skipped>,
    /// Where they come from.
    pub provenance: Provenance,
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it shows.
    pub component: Component,
    /// RGB, `[frames, size, size, 3]`.
    pub pixels: Vec<u8>,
}

/// Component pictures that lie in shards beside the prepared file.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    /// The pictures part after part, and those of a part frame after frame.
    pub shards: Arc<Shards>,
    /// The sha256 of the pixels of each part.
    pub digests: Vec<String>,
}

/// What is known of each frame; all columns have one row per frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frames {
    /// Number in its video, in the order of decoding, from 0.
    pub numbers: Vec<u32>,
    /// Presentation time in seconds.
    pub times: Vec<f64>,
    /// The person's track in its clip.
    pub tracks: Vec<u32>,
    /// Whether parts and landmarks are those of the frame before, as no face was found.
    pub copied: Vec<bool>,
    /// 68 points, `[frames, 68, 2]`, x and y in pixels of the frame.
    pub landmarks: Vec<f32>,
    /// How sure their source is of them, 0 to 1.
    pub scores: Vec<f32>,
}

/// A clip.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clip {
    /// Its name: `S001_015`.
    pub name: String,
    /// Who is in it; empty where unknown.
    pub subject: String,
    /// Class index, or [`super::NO_LABEL`].
    pub label: i16,
    /// Its first frame.
    pub first: usize,
    /// Its number of frames.
    pub count: usize,
    /// Frames that were decoded.
    pub decoded: u32,
    /// Of the sampled frames, those with the person's face.
    pub with_face: u32,
    /// Errors that the decoder reported.
    pub errors: u32,
    /// The video file.
    pub file: String,
    /// What a reader should know of it.
    pub note: String,
}

/// A table of numbers per frame: action units, embeddings, emotions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Name: `au`, `embedding`, `emotion`.
    pub name: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// `[frames, columns]`; not a number where a frame has none.
    pub values: Vec<f32>,
}

/// A clip that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name.
    pub clip: String,
    /// Why.
    pub reason: String,
}

impl Frames {
    /// Number of frames.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    fn append(&mut self, mut other: Self) {
        self.numbers.append(&mut other.numbers);
        self.times.append(&mut other.times);
        self.tracks.append(&mut other.tracks);
        self.copied.append(&mut other.copied);
        self.landmarks.append(&mut other.landmarks);
        self.scores.append(&mut other.scores);
    }
}

impl ClipSet {
    /// Bytes of a component picture.
    pub fn stride(&self) -> usize {
        self.size * self.size * CHANNELS
    }

    /// Adds the clips of another set with the same parts, size and classes, after its own; where the parts of one have no
    /// pixels, those of both must have none. A table of features that only one of them has is filled with what is not a number.
    ///
    /// # Errors
    /// When parts, size, classes or the columns of a table differ, or pictures lie in pieces.
    pub fn append(&mut self, other: Self) -> Result<()> {
        ensure!(self.pieces.is_none() && other.pieces.is_none(), "clips whose pictures lie in pieces cannot be joined");
        let before = self.frames.len();
        let components = |set: &Self| set.parts.iter().map(|p| p.component).collect::<Vec<_>>();
        if self.parts.is_empty() && self.clips.is_empty() {
            self.size = other.size;
            self.parts = other.parts.iter().map(|p| Part { component: p.component, pixels: Vec::new() }).collect();
            self.classes.clone_from(&other.classes);
        }
        ensure!(
            other.clips.is_empty() || (components(self) == components(&other) && self.size == other.size),
            "the clips have different parts or sizes"
        );
        ensure!(self.classes == other.classes, "the clips have different classes");
        let added = other.frames.len();
        for (mine, mut others) in self.parts.iter_mut().zip(other.parts) {
            mine.pixels.append(&mut others.pixels);
        }
        self.frames.append(other.frames);
        self.clips.extend(other.clips.into_iter().map(|clip| Clip { first: clip.first + before, ..clip }));
        self.skipped.extend(other.skipped);
        for table in other.features {
            let mine = match self.features.iter_mut().find(|f| f.name == table.name) {
                Some(mine) => mine,
                None => {
                    let values = vec![f32::NAN; before * table.columns.len()];
                    self.features.push(Features { values, ..table.clone() });
                    let last = self.features.len() - 1;
                    &mut self.features[last]
                }
            };
            ensure!(mine.columns == table.columns, "the columns of the features `{}` differ", table.name);
            mine.values.extend(table.values);
        }
        for table in &mut self.features {
            table.values.resize((before + added) * table.columns.len(), f32::NAN);
        }
        Ok(())
    }

    /// That all columns have one length and every value stays in its range.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn check(&self) -> Result<()> {
        let n = self.frames.len();
        let same = |what: &str, len: usize, each: usize| {
            ensure!(len == n * each, "{n} frames and {len} values of {what}, {each} per frame");
            Ok(())
        };
        same("times", self.frames.times.len(), 1)?;
        same("tracks", self.frames.tracks.len(), 1)?;
        same("copied", self.frames.copied.len(), 1)?;
        same("landmarks", self.frames.landmarks.len(), 136)?;
        same("landmark scores", self.frames.scores.len(), 1)?;
        match &self.pieces {
            Some(pieces) => same("pictures in pieces", pieces.shards.len(), self.parts.len())?,
            None => {
                for part in &self.parts {
                    same(part.component.name(), part.pixels.len(), self.stride())?;
                }
            }
        }
        for table in &self.features {
            same(&table.name, table.values.len(), table.columns.len())?;
        }
        self.check_clips()
    }

    /// That the clips divide the frames among them and their labels are classes.
    pub(super) fn check_clips(&self) -> Result<()> {
        let mut next = 0;
        for clip in &self.clips {
            ensure!(clip.first == next && clip.count > 0, "clip {} does not follow the one before", clip.name);
            next += clip.count;
            let known = clip.label == super::NO_LABEL
                || usize::try_from(clip.label).is_ok_and(|label| label < self.classes.len());
            ensure!(
                known,
                "label {} of clip {} is not one of the {} classes",
                clip.label,
                clip.name,
                self.classes.len()
            );
        }
        ensure!(next == self.frames.len(), "the clips have {next} frames, and {} are there", self.frames.len());
        Ok(())
    }
}
