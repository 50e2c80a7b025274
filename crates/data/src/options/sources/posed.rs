//! Options of the sets of posed expressions.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MARGIN, MAX_PIXELS, margin, max_pixels};
use crate::options::Colour;

/// JAFFE: `KA.AN1.39.tiff` and so on in one folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct JaffeOptions {
    /// The folder with the pictures.
    #[arg(long)]
    pub root: PathBuf,
    /// UltraFace or YuNet as an ONNX file: cuts out the face of each picture. Without it pictures are stored whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "ONNX")]
    pub detector: Option<PathBuf>,
    /// What is added to the face's box at each edge, in lengths of its longer side.
    #[serde(default = "margin")]
    #[arg(long, default_value_t = MARGIN)]
    pub margin: f32,
    /// Pixels per side to store (the pictures are 256).
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Leave out files that are not pictures, pictures of other names and those without a face instead of refusing the
    /// dataset; the prepared file lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// KDEF: `AF01/AF01ANS.JPG` and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct KdefOptions {
    /// The folder with `AF01`, `AF02` and so on.
    #[arg(long)]
    pub root: PathBuf,
    /// From where people were photographed.
    #[serde(default)]
    #[arg(long, value_enum, default_value_t)]
    pub angles: KdefAngles,
    /// UltraFace or YuNet as an ONNX file: cuts out the face of each picture. Without it pictures are stored whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "ONNX")]
    pub detector: Option<PathBuf>,
    /// What is added to the face's box at each edge, in lengths of its longer side.
    #[serde(default = "margin")]
    #[arg(long, default_value_t = MARGIN)]
    pub margin: f32,
    /// Pixels per side to store (the pictures are 562 x 762).
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Store grey or RGB; by default grey where all pictures are grey.
    #[serde(default)]
    #[arg(long)]
    pub colour: Option<Colour>,
    /// Leave out files that are not pictures, pictures of other names and those without a face instead of refusing the
    /// dataset; the prepared file lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// From where the people of KDEF were photographed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum KdefAngles {
    /// The front: 980 pictures.
    #[default]
    Straight,
    /// The front and both half profiles: 2,940 pictures.
    Half,
    /// All five, with the full profiles: 4,900 pictures.
    All,
}
