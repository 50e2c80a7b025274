//! Options of clip datasets: where they come from, and how they become training examples.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stream of pictures that is cut out of the frames of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Component {
    /// Around the lips.
    Mouth,
    /// Around the nose.
    Nose,
    /// The eye at the right of the picture (the person's left): landmarks 42 to 47, as system 003 names it.
    RightEye,
    /// The eye at the left of the picture: landmarks 36 to 41.
    LeftEye,
    /// The brow at the right of the picture: landmarks 22 to 26.
    RightBrow,
    /// The brow at the left of the picture: landmarks 17 to 21.
    LeftBrow,
    /// The whole frame, as system 003 has it: not cut to the face.
    FullFace,
    /// The face, turned and scaled so that the eyes stand at fixed places.
    AlignedFace,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Mouth,
        Self::Nose,
        Self::RightEye,
        Self::LeftEye,
        Self::RightBrow,
        Self::LeftBrow,
        Self::FullFace,
        Self::AlignedFace,
    ];

    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mouth => "mouth",
            Self::Nose => "nose",
            Self::RightEye => "right_eye",
            Self::LeftEye => "left_eye",
            Self::RightBrow => "right_brow",
            Self::LeftBrow => "left_brow",
            Self::FullFace => "full_face",
            Self::AlignedFace => "aligned_face",
        }
    }

    /// What stands in its place in the mirrored picture.
    pub fn mirrored(self) -> Self {
        match self {
            Self::RightEye => Self::LeftEye,
            Self::LeftEye => Self::RightEye,
            Self::RightBrow => Self::LeftBrow,
            Self::LeftBrow => Self::RightBrow,
            other => other,
        }
    }
}

/// How clips become training examples: `parts` streams of `frames` pictures each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentOptions {
    /// The streams, in the order of the network's input.
    pub parts: Vec<Component>,
    /// Pictures per stream.
    pub frames: usize,
    /// Which frames of a clip make an example.
    pub segments: SegmentRule,
    /// Examples per clip at most, the first of them.
    pub max_segments: Option<usize>,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        use Component::{FullFace, LeftEye, Mouth, Nose, RightEye};
        let parts = vec![Mouth, Nose, RightEye, LeftEye, FullFace];
        Self { parts, frames: 10, segments: SegmentRule::default(), max_segments: None }
    }
}

impl SegmentOptions {
    /// Pictures per example.
    pub fn pictures(&self) -> usize {
        self.parts.len() * self.frames
    }
}

/// Which frames of a clip make an example.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentRule {
    /// System 003's rule: the first 40 frames at most, cut into blocks of `frames`; a rest is dropped.
    #[default]
    System003,
    /// The whole clip, cut into blocks of `frames`; a rest is dropped.
    Blocks,
    /// `frames` consecutive frames, beginning at every so many.
    Windows(Windows),
    /// One example per clip: `frames` frames at even distances from its first to its last. Shorter clips repeat frames.
    Spread,
    /// One example per clip: its first `frames` frames. What a shorter clip lacks is black, and the number of frames that
    /// are there goes with the batch.
    Whole,
}

/// Overlapping windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Windows {
    /// Frames from the beginning of a window to that of the next.
    pub stride: usize,
}

impl Default for Windows {
    fn default() -> Self {
        Self { stride: 5 }
    }
}

/// What is done with a frame in which the clip's person has no face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum GapPolicy {
    /// The parts of the frame before stand in for it (system 003's rule); before the first face, frames are dropped.
    #[default]
    CopyPrevious,
    /// The frame is left out.
    Drop,
    /// The clip is skipped, and the summary says why.
    Fail,
}

/// How video files become component pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct VideoOptions {
    /// Folder of OpenFace 2.2 tables, one per clip (S001_001.csv or S001_001_raw.csv): the landmarks are read, not found.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["detector", "landmarks"])]
    pub openface: Option<PathBuf>,
    /// ONNX file of a face detector (UltraFace or YuNet).
    #[arg(long, value_name = "FILE", requires = "landmarks")]
    pub detector: Option<PathBuf>,
    /// ONNX file of a 68-point landmark network (PFLD, 112 x 112).
    #[arg(long, value_name = "FILE", requires = "detector")]
    pub landmarks: Option<PathBuf>,
    /// Frames per second to keep, chosen by time; all by default.
    #[arg(long, value_name = "FPS")]
    pub rate: Option<f64>,
    /// Frames per clip to keep at most, from its beginning; all by default. (System 003 uses 40.)
    #[arg(long, value_name = "N")]
    pub max_frames: Option<usize>,
    /// The streams to cut out.
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().parts)]
    pub parts: Vec<Component>,
    /// Pixels per side of their pictures.
    #[arg(long, default_value_t = Self::default().size)]
    pub size: usize,
    /// Pixels of the frame that are added around a component's landmarks.
    #[arg(long, default_value_t = Self::default().padding)]
    pub padding: f32,
    /// What is done with frames without a face.
    #[arg(long, value_enum, default_value_t)]
    pub gaps: GapPolicy,
    /// Seconds that a face may be out of sight and still be the same track.
    #[arg(long, value_name = "SECONDS", default_value_t = Self::default().max_gap)]
    pub max_gap: f64,
    /// Smallest score of a face (of OpenFace: its confidence), 0 to 1.
    #[arg(long, default_value_t = Self::default().min_score)]
    pub min_score: f32,
}

impl Default for VideoOptions {
    fn default() -> Self {
        use Component::{AlignedFace, FullFace, LeftEye, Mouth, Nose, RightEye};
        Self {
            openface: None,
            detector: None,
            landmarks: None,
            rate: None,
            max_frames: None,
            parts: vec![Mouth, Nose, RightEye, LeftEye, FullFace, AlignedFace],
            size: 60,
            padding: 5.0,
            gaps: GapPolicy::default(),
            max_gap: 1.0,
            min_score: 0.6,
        }
    }
}

impl std::fmt::Display for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Any video files with a table of labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ClipsOptions {
    /// Folder of the video files, searched with its sub-folders.
    #[arg(long, value_name = "DIR")]
    pub videos: PathBuf,
    /// Table with columns `clip`, `label` and optionally `subject`, or system 003's `Clip Name` and `Emotion Code` (0 to 6).
    #[arg(long, value_name = "FILE")]
    pub labels: PathBuf,
    /// Decoding, faces and components.
    #[serde(default)]
    #[command(flatten)]
    pub video: VideoOptions,
}

/// BAUM-1a (acted) or BAUM-1s (spontaneous).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Baum1Options {
    /// The folder that holds the folder of videos and the annotations.
    #[arg(long, value_name = "DIR")]
    pub root: PathBuf,
    /// The annotations as CSV; by default Annotations_BAUM1a or Annotations_BAUM1s in the root.
    #[serde(default)]
    #[arg(long, value_name = "FILE")]
    pub annotations: Option<PathBuf>,
    /// The classes that the annotated states are brought to.
    #[serde(default)]
    #[arg(long, value_enum, default_value_t)]
    pub classes: BaumClasses,
    /// Decoding, faces and components.
    #[serde(default)]
    #[command(flatten)]
    pub video: VideoOptions,
}

/// BAUM-2, through a list of clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Baum2Options {
    /// Folder of the video files, searched with its sub-folders.
    #[arg(long, value_name = "DIR")]
    pub videos: PathBuf,
    /// Table with columns `clip` (Sxxx_yyy), `label` (neutral, angry, contempt, disgust, fear, happy, sadness, surprise) and
    /// optionally `subject`, which is otherwise the clip's Sxxx.
    #[arg(long, value_name = "FILE")]
    pub list: PathBuf,
    /// The classes that the labels are brought to.
    #[serde(default)]
    #[arg(long, value_enum, default_value_t)]
    pub classes: BaumClasses,
    /// Decoding, faces and components.
    #[serde(default)]
    #[command(flatten)]
    pub video: VideoOptions,
}

/// The classes that BAUM's states are brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum BaumClasses {
    /// System 003's seven: neutral, anger, contempt (with disgust), surprise, fear, happy, sad. Other states are left out.
    #[default]
    System003,
    /// The six basic emotions: anger, disgust, fear, happiness, sadness, surprise. Other states are left out.
    Basic6,
    /// Every state is a class of its own.
    All,
}

/// Synthetic clips in the form of BAUM-1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticClipsOptions {
    /// Number of persons.
    #[arg(long, default_value_t = Self::default().subjects)]
    pub subjects: usize,
    /// Clips of each person and each of the seven classes of system 003.
    #[arg(long, default_value_t = Self::default().clips)]
    pub clips: usize,
    /// Seconds per clip, give or take a quarter.
    #[arg(long, default_value_t = Self::default().seconds)]
    pub seconds: f64,
    /// Frames per second.
    #[arg(long, default_value_t = Self::default().rate)]
    pub rate: f64,
    /// Pixels per side of the frames, an even number.
    #[arg(long, default_value_t = Self::default().size)]
    pub size: usize,
    /// Seed of the generator, independent of the experiment's.
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,
    /// How strong expressions are at their apex, 0 (none: chance) to 1.
    #[arg(long, default_value_t = Self::default().intensity)]
    pub intensity: f32,
    /// How strong pose, light, noise and blur are, 0 to 1.
    #[arg(long, default_value_t = Self::default().nuisance)]
    pub nuisance: f32,
}

impl Default for SyntheticClipsOptions {
    fn default() -> Self {
        Self { subjects: 6, clips: 2, seconds: 2.0, rate: 25.0, size: 240, seed: 1, intensity: 0.9, nuisance: 0.3 }
    }
}

impl SyntheticClipsOptions {
    /// The note in a prepared file that says which clips were drawn.
    ///
    /// # Errors
    /// When they cannot be written as JSON: a number that is not finite.
    pub fn note(&self) -> anyhow::Result<String> {
        Ok(format!("synthetic clips: {}", serde_json::to_string(self)?))
    }
}
