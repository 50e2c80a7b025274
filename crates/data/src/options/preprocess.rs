//! What is done to every picture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done to every image. Resizing happens outside the exported model, all else inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Pixels per side that the model takes.
    pub size: usize,
    /// Pixels per side that pictures are brought to first; the model sees a square of `size` of them, the one in the middle. See
    /// `augment.random_crop` and `evaluate.ten_crop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop_from: Option<usize>,
    /// The rule that brings pictures to that size.
    #[serde(default)]
    pub resize: Resize,
    /// Grey or RGB.
    #[serde(default)]
    pub colour: Colour,
    /// What is done to the 0..255 values.
    #[serde(default)]
    pub scale: Scale,
}

impl Preprocess {
    /// Of whole pictures: nothing is cut off.
    pub fn new(size: usize, resize: Resize, colour: Colour, scale: Scale) -> Self {
        Self { size, crop_from: None, resize, colour, scale }
    }

    /// Pixels per side that pictures are brought to, before the model's square is cut out of them.
    pub fn frame(&self) -> usize {
        self.crop_from.unwrap_or(self.size)
    }
}

/// How pictures are brought to the model's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Source index floor((i + 0.5) * from / to), as Pillow and Keras do it.
    Nearest,
    /// Bilinear in float32 with half-pixel centres, no rounding, no antialiasing.
    #[default]
    Bilinear,
    /// OpenCV's uint8 INTER_LINEAR arithmetic, for models trained that way.
    BilinearOpencv,
    /// Mean over the source area of each pixel.
    Area,
}

/// Channels that the model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// One channel; RGB pictures become 0.299 R + 0.587 G + 0.114 B.
    #[default]
    Grey,
    /// Three channels; grey pictures are replicated.
    Rgb,
    /// Three channels in OpenCV's order, as system 003's network takes them. Files always hold RGB.
    #[value(skip)]
    Bgr,
}

impl Colour {
    /// 1 or 3.
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb | Self::Bgr => 3,
        }
    }
}

/// What is done to the 0..255 values of an image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Nothing: 0..255.
    Raw,
    /// x / 255.
    #[default]
    Unit,
    /// (x / 255 - 0.5) * 2.
    Signed,
    /// (x / 255 - mean) / std, per channel.
    MeanStd(MeanStd),
    /// FER+'s chain: histogram equalisation to [-1, 1], minus the best-fit plane, divided by the standard deviation.
    Ferplus,
}

/// Per-channel mean and standard deviation, in units of x / 255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeanStd {
    /// Mean per channel (one value serves all).
    pub mean: Vec<f32>,
    /// Standard deviation per channel (one value serves all).
    pub std: Vec<f32>,
}
