//! Datasets with valence and arousal.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MARGIN, margin, max_pixels, one};
use crate::options::Colour;
use crate::picture::MAX_PIXELS;

/// AffectNet: `train_set` and `val_set`, each with `images` and `annotations`; or the lists `training.csv` and
/// `validation.csv` with `Manually_Annotated_Images`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct AffectnetOptions {
    /// The folder with `train_set` and `val_set`, or with the lists and `Manually_Annotated_Images`.
    #[arg(long)]
    pub root: PathBuf,
    /// Pixels per side to store (the pictures of the first form are 224).
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Eight classes, or seven without contempt.
    #[serde(default)]
    #[arg(long)]
    pub seven_classes: bool,
    /// Also store valence and arousal, as the target `valence_arousal`. Pictures whose expression is none of the classes are
    /// then kept for their values, without a class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub targets: bool,
    /// Of the form with lists: cut out the face by the box that the list names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub crop: bool,
    /// Leave out files that are not pictures instead of refusing the dataset; the prepared file lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// AFEW-VA: 600 clips of films, each a folder with frames and a JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct AfewVaOptions {
    /// The folder with the clips' folders (001 to 600), or with folders of those.
    #[arg(long)]
    pub root: PathBuf,
    /// Cut out the face by the landmarks of the JSON files. Frames are whole pictures of films otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub crop: bool,
    /// What is added to the face's box at each edge, in lengths of its longer side. The box of landmarks ends at the brows.
    #[serde(default = "margin")]
    #[arg(long, default_value_t = MARGIN)]
    pub margin: f32,
    /// Take every so many-th of a clip's frames that can be used.
    #[serde(default = "one")]
    #[arg(long, default_value_t = 1)]
    pub every: usize,
    /// Pixels per side to store; needed where sizes differ.
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Store grey or RGB; by default grey where all pictures are grey.
    #[serde(default)]
    #[arg(long)]
    pub colour: Option<Colour>,
    /// Leave out files that are not pictures instead of refusing the dataset; the prepared file lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// Aff-Wild2: text files of the ABAW challenges, and `cropped_aligned` faces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct AffWild2Options {
    /// The folder with the challenges' folders (`VA_Estimation_Challenge` and others, or a folder of those) and
    /// `cropped_aligned`.
    #[arg(long)]
    pub root: PathBuf,
    /// The folder with the challenges' folders, where it is not below `root`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "FOLDER")]
    pub annotations: Option<PathBuf>,
    /// The folder with a folder of face crops for each video, where it is not `cropped_aligned` below `root`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "FOLDER")]
    pub frames: Option<PathBuf>,
    /// The challenges whose labels are read; by default all that are there. A video of several is a test video of all if it is
    /// one of any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub tasks: Vec<AffWild2Task>,
    /// Take every so many-th of a video's frames that can be used.
    #[serde(default = "one")]
    #[arg(long, default_value_t = 1)]
    pub every: usize,
    /// Pixels per side to store (the crops are 112).
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Leave out files that are not pictures instead of refusing the dataset; the prepared file lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// A challenge of ABAW on Aff-Wild2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum AffWild2Task {
    /// Valence and arousal: the target `valence_arousal`.
    Va,
    /// Twelve action units: the target `au_occurrence`.
    Au,
    /// Expressions: the rows' classes.
    Expr,
}
