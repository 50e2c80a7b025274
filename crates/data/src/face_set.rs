//! The types that every part of the data room speaks.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Result, ensure};

use super::motion::MotionForm;
use super::options::{Component, MotionInput};
use super::shards::Shards;
use super::source_record::SourceRecord;
use super::stored_form::StoredForm;
use super::targets::Targets;
use ferrotype_base::digest;
use ferrotype_base::statistics::first_largest;
use ferrotype_base::targets::{Head, TargetKind, width};

/// More bytes of pixels than this are not held in memory at once.
pub(crate) const MOST_BYTES: usize = 16 << 30;

/// The class index of a row without a label.
pub const NO_LABEL: i16 = -1;

/// The part of the dataset a row belongs to by the dataset's own division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Split {
    /// FER2013 `Training`.
    Train = 0,
    /// FER2013 `PublicTest`.
    Validation = 1,
    /// FER2013 `PrivateTest`.
    Test = 2,
    /// The dataset has no division, or the row is in none.
    Unassigned = 3,
}

impl Split {
    /// The part's name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Unassigned => "undivided",
        }
    }
}

/// Images of one size, `[count, height, width, channels]`, row-major.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// All pixels, 0..255.
    pub pixels: Vec<u8>,
    /// Rows of pixels per image.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
}

impl Images {
    /// Bytes per image.
    pub fn stride(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        if self.stride() == 0 { 0 } else { self.pixels.len() / self.stride() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels of image `row`, `[height, width, channels]`.
    ///
    /// # Panics
    /// When `row` is not below [`Images::len`].
    pub fn get(&self, row: usize) -> &[u8] {
        &self.pixels[row * self.stride()..(row + 1) * self.stride()]
    }
}

/// Crowd votes, `[count, columns]`: FER+ has ten voters over eight emotions, `unknown` and `NF` (not a face).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// Vote counts, row-major.
    pub counts: Vec<u8>,
    /// Column names in order.
    pub columns: Vec<String>,
}

impl Votes {
    /// The votes for image `row`.
    pub fn get(&self, row: usize) -> &[u8] {
        let k = self.columns.len();
        &self.counts[row * k..(row + 1) * k]
    }
}

/// Where a prepared file comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The source's name: `fer2013`, `ferplus`, `folder`, `manifest`, `rafdb`, `affectnet`, `synthetic`.
    pub source: String,
    /// Whether the faces are drawn, not photographed.
    pub synthetic: bool,
    /// What gave the labels, where it was a machine.
    pub labelled_by: Option<String>,
    /// Source files (or the folder) with their sha256.
    pub files: Vec<(String, String)>,
    /// The command that prepared it.
    pub command: String,
    /// Anything a reader should know, one line each: rows skipped and why, for example.
    pub notes: Vec<String>,
    /// The source's options and files; files from before they were recorded have none.
    pub record: Option<SourceRecord>,
    /// How pictures were brought to what is stored; none where what is stored is not made of single pictures.
    pub stored: Option<StoredForm>,
    /// What the channels hold where they are motion.
    pub motion: Option<MotionForm>,
}

/// A dataset, row by row as in its source: all in memory, but for the pixels of large sets, which lie in shards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaceSet {
    /// The pictures; without pixels where they lie in shards. [`FaceSet::picture`] has them either way.
    pub images: Images,
    /// The pictures of a set that is too large for memory.
    pub shards: Option<Arc<Shards>>,
    /// Class index into `classes` per row; [`NO_LABEL`] where there is none.
    pub labels: Vec<i16>,
    /// Class names.
    pub classes: Vec<String>,
    /// Crowd votes, where the source has them. A row of zeros has no votes.
    pub votes: Option<Votes>,
    /// Typed targets beside the classes, where the source has them.
    pub targets: Option<Targets>,
    /// The dataset's own division.
    pub splits: Vec<Split>,
    /// Subject per row, where the source has them (an empty string is an unknown subject).
    pub subjects: Option<Vec<String>>,
    /// The dataset that each row comes from, where the set is made of several: scores are given for each, too.
    pub groups: Option<Vec<String>>,
    /// Image name per row; empty where the source gives none.
    pub names: Vec<String>,
    /// Row in the source, counted from 0 without the header.
    pub source_rows: Vec<u32>,
    /// For examples that are made of several pictures: which. Without it, row i is picture i.
    pub segments: Option<Segments>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Stands for a picture that is not there: padding.
pub const NO_PICTURE: u32 = u32::MAX;

/// Rows that are sequences: of each of several parts (streams) so many pictures. Pictures are shared between rows, so
/// overlapping windows cost no copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// The streams.
    pub parts: Vec<Component>,
    /// Pictures per stream.
    pub frames: usize,
    /// Numbers of pictures, `[rows, parts, frames]`; [`NO_PICTURE`] is padding.
    pub pictures: Vec<u32>,
    /// Frames of each row that are there, from the first; the others are padding.
    pub valid: Vec<u32>,
    /// The clip that each row is taken from.
    pub clips: Vec<u32>,
}

impl Segments {
    /// Pictures per row.
    pub fn stride(&self) -> usize {
        self.parts.len() * self.frames
    }

    /// The pictures of a row, `[parts, frames]`.
    pub fn get(&self, row: usize) -> &[u32] {
        &self.pictures[row * self.stride()..(row + 1) * self.stride()]
    }
}

impl FaceSet {
    /// How pictures were brought to what is stored; none where what is stored are parts of faces in clips. Files from before
    /// it was recorded were all made by the first rule.
    pub fn stored_form(&self) -> Option<StoredForm> {
        if self.segments.is_some() {
            return None;
        }
        Some(self.provenance.stored.unwrap_or_else(|| StoredForm::of(&self.images)))
    }

    /// What the channels hold where they are motion. Files of the MEGC 2019 composite from before it was recorded hold
    /// stretched flow.
    pub fn motion(&self) -> Option<MotionForm> {
        let old = || self.provenance.source == "megc2019";
        self.provenance.motion.clone().or_else(|| old().then(|| MotionForm::published(MotionInput::Stretched)))
    }

    /// The picture that stands for a row where one is shown: its own, or of a sequence the middle of its last part.
    pub fn shown_picture(&self, row: usize) -> usize {
        let Some(segments) = &self.segments else { return row };
        let last = segments.get(row).len() - segments.frames;
        segments.get(row)[last + (segments.valid[row] as usize).saturating_sub(1) / 2] as usize
    }

    /// Pixels of picture `number`, `[height, width, channels]`.
    ///
    /// # Errors
    /// When it lies in a shard and cannot be read, or is damaged.
    ///
    /// # Panics
    /// When `number` is not below [`FaceSet::pictures`] and the pictures are in memory.
    pub fn picture(&self, number: usize) -> Result<Cow<'_, [u8]>> {
        match &self.shards {
            Some(shards) => Ok(shards.picture(number, &self.images)?.into()),
            None => Ok(self.images.get(number).into()),
        }
    }

    /// The set with all pixels in memory, for who wants to see them at once.
    ///
    /// # Errors
    /// When a picture cannot be read, or they take more than 16 GiB.
    pub fn into_memory(mut self) -> Result<Self> {
        if let Some(shards) = self.shards.take() {
            let bytes = self.images.stride() * shards.len();
            ensure!(
                bytes <= MOST_BYTES,
                "the pixels of {} pictures take {} GiB, which are not read into memory at once",
                shards.len(),
                bytes >> 30
            );
            self.images.pixels.reserve_exact(bytes);
            for number in 0..shards.len() {
                let picture = shards.picture(number, &self.images)?;
                self.images.pixels.extend(picture);
            }
        }
        Ok(self)
    }

    /// Number of pictures: of rows, but where rows are sequences.
    pub fn pictures(&self) -> usize {
        self.shards.as_ref().map_or(self.images.len(), |shards| shards.len())
    }

    /// sha256 of all pictures in row order: of their pixels, or of the JPEG files that are kept of them.
    pub fn images_sha256(&self) -> String {
        match &self.shards {
            Some(shards) => shards.list().sha256.clone(),
            None => digest::sha256(&self.images.pixels),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// Rows chosen by a label rule, with a target distribution for each; or, for a model with heads, the targets of each head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labelled {
    /// Class names: the columns of `targets`, or of the head of classes where there are heads; empty if none has classes.
    pub classes: Vec<String>,
    /// The heads whose targets stand side by side in a row; empty for classes alone.
    pub heads: Vec<Head>,
    /// Row in the [`FaceSet`] per example.
    pub rows: Vec<u32>,
    /// Targets per example, `[examples, width]`: a distribution over the classes, summing to 1, or each head's targets.
    pub targets: Vec<f32>,
    /// Which targets are known, of the same shape; empty where all are.
    pub known: Vec<bool>,
    /// Whether a label is drawn from the distribution at each visit (FER+'s `probability` mode).
    pub drawn: bool,
}

impl Labelled {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Targets per example.
    pub fn width(&self) -> usize {
        if self.heads.is_empty() { self.classes.len() } else { width(&self.heads) }
    }

    /// The targets of example `i`: the distribution over the classes, or those of all heads.
    pub fn target(&self, i: usize) -> &[f32] {
        let k = self.width();
        &self.targets[i * k..(i + 1) * k]
    }

    /// Which of the targets of example `i` are known; empty where all are.
    pub fn known_of(&self, i: usize) -> &[bool] {
        let k = self.width();
        self.known.get(i * k..(i + 1) * k).unwrap_or_default()
    }

    /// The head of the rows' classes, where there are heads and one of them has classes.
    pub fn class_head(&self) -> Option<&Head> {
        self.heads.iter().find(|head| head.kind == TargetKind::Classes)
    }

    /// The most likely class of example `i`; the first of equals. The number of classes where it is not known.
    pub fn class(&self, i: usize) -> usize {
        let mut t = self.target(i);
        if !self.heads.is_empty() {
            let Some(head) = self.class_head() else { return 0 };
            if self.known_of(i).get(head.start) == Some(&false) {
                return self.classes.len();
            }
            t = head.of(t);
        }
        first_largest(t)
    }
}

/// What a training or evaluation step takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Preprocessed pixels, `[size, channels, height, width]`.
    pub images: Vec<f32>,
    /// Target distributions, `[size, classes]`; for a model with heads, the targets of all of them.
    pub targets: Vec<f32>,
    /// 1 where a target is known and 0 where it is missing, of the same shape; empty where all are known.
    pub known: Vec<f32>,
    /// Weight of each example in the loss; usually 1.
    pub weights: Vec<f32>,
    /// Row in the [`FaceSet`] per example.
    pub rows: Vec<u32>,
    /// `[channels, height, width]` of one image, or of the pictures of one sequence together.
    pub shape: [usize; 3],
    /// What teachers say of each example, `[size, classes]`; empty where there are none.
    pub soft: Vec<f32>,
    /// Frames of each example that are not padding, for sequences: the mask of a model that takes one. Empty for pictures.
    pub valid: Vec<u32>,
}

impl Batch {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
