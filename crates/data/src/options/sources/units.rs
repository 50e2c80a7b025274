//! Datasets with action units.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MARGIN, margin, max_pixels, one};
use crate::options::Colour;
use crate::picture::MAX_PIXELS;

/// The step of intensity from which a unit of DISFA counts as there, by the field's convention.
const THRESHOLD: u8 = 2;

fn threshold() -> u8 {
    THRESHOLD
}

/// DISFA: `ActionUnit_Labels/SN001/SN001_au1.txt`, and a folder of frames for each subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct DisfaOptions {
    /// The folder with `ActionUnit_Labels`.
    #[arg(long)]
    pub root: PathBuf,
    /// The folder with a folder of frames for each subject (SN001, or LeftVideoSN001_comp); by default `frames` or
    /// `Videos_LeftCamera` below `root`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "FOLDER")]
    pub frames: Option<PathBuf>,
    /// Numbers of the action units to store; by default all twelve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub units: Vec<u32>,
    /// The intensity, 1 to 5, from which a unit counts as there in `au_occurrence`.
    #[serde(default = "threshold")]
    #[arg(long, default_value_t = THRESHOLD)]
    pub threshold: u8,
    /// Take every so many-th of a subject's frames that can be used.
    #[serde(default = "one")]
    #[arg(long, default_value_t = 1)]
    pub every: usize,
    /// UltraFace or YuNet as an ONNX file: cuts out the largest face of each frame. Without it frames are stored whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "ONNX")]
    pub detector: Option<PathBuf>,
    /// What is added to the face's box at each edge, in lengths of its longer side.
    #[serde(default = "margin")]
    #[arg(long, default_value_t = MARGIN)]
    pub margin: f32,
    /// Pixels per side to store; needed where sizes differ.
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Store grey or RGB; by default grey where all pictures are grey.
    #[serde(default)]
    #[arg(long)]
    pub colour: Option<Colour>,
    /// Leave out files that are not pictures, and frames without a face, instead of refusing the dataset; the prepared file
    /// lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// BP4D: `AUCoding/AU_OCC/F001_T1.csv`, `AUCoding/AU_INT/AU06/F001_T1_AU06.csv`, and `Sequences(2D+3D)/F001/T1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Bp4dOptions {
    /// The folder with `AUCoding` and `Sequences(2D+3D)`.
    #[arg(long)]
    pub root: PathBuf,
    /// The folder with a folder for each subject, and in it one of frames for each task; by default the one below `root`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "FOLDER")]
    pub frames: Option<PathBuf>,
    /// Numbers of the action units to store; by default the twelve that results are published of: 1, 2, 4, 6, 7, 10, 12, 14,
    /// 15, 17, 23, 24. Intensities are stored of those among them that have some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub units: Vec<u32>,
    /// Take every so many-th of a sequence's frames that can be used.
    #[serde(default = "one")]
    #[arg(long, default_value_t = 1)]
    pub every: usize,
    /// UltraFace or YuNet as an ONNX file: cuts out the largest face of each frame. Without it frames are stored whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "ONNX")]
    pub detector: Option<PathBuf>,
    /// What is added to the face's box at each edge, in lengths of its longer side.
    #[serde(default = "margin")]
    #[arg(long, default_value_t = MARGIN)]
    pub margin: f32,
    /// Pixels per side to store; needed where sizes differ.
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Store grey or RGB; by default grey where all pictures are grey.
    #[serde(default)]
    #[arg(long)]
    pub colour: Option<Colour>,
    /// Leave out files that are not pictures, and frames without a face, instead of refusing the dataset; the prepared file
    /// lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// CK+: `cohn-kanade-images`, `FACS`, `Emotion` and `Landmarks`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct CkPlusOptions {
    /// The folder with `cohn-kanade-images` and `FACS`, and perhaps `Emotion` and `Landmarks`.
    #[arg(long)]
    pub root: PathBuf,
    /// Numbers of the action units to store; by default the seventeen of Lucey et al. 2010: 1, 2, 4, 5, 6, 7, 9, 11, 12, 15,
    /// 17, 20, 23, 24, 25, 26, 27.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub units: Vec<u32>,
    /// Also store the first frame of each sequence, which shows a neutral face: no action unit, and the class `neutral`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub neutral: bool,
    /// Cut out the face by the landmarks in `Landmarks`. Pictures are stored whole otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub crop: bool,
    /// What is added to the face's box at each edge, in lengths of its longer side. The box of landmarks ends at the brows.
    #[serde(default = "margin")]
    #[arg(long, default_value_t = MARGIN)]
    pub margin: f32,
    /// Pixels per side to store; needed where sizes differ.
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Store grey or RGB; by default grey where all pictures are grey. CK+ has both.
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
