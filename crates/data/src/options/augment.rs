//! Random changes to training pictures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Random changes to training images. All are off by default; a preset sets several, and keys beside it override.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// A published set of ranges.
    pub preset: Option<AugmentPreset>,
    /// Probability of mirroring left and right.
    pub flip: Option<f32>,
    /// Largest rotation in degrees, either way.
    pub rotate: Option<f32>,
    /// Largest shift per axis, as a fraction of the size.
    pub shift: Option<f32>,
    /// Scale factors per axis are drawn from [1/(1+s), 1+s].
    pub scale: Option<f32>,
    /// Keras' zoom: factors per axis from [1-z, 1+z].
    pub zoom: Option<f32>,
    /// Largest shear per axis, as a fraction (x += a * y, y += b * x), either way.
    pub shear: Option<f32>,
    /// Largest change of brightness, as a fraction of 255.
    pub brightness: Option<f32>,
    /// Contrast factors are drawn from [1-c, 1+c].
    pub contrast: Option<f32>,
    /// Probability of erasing a random rectangle of 2 to 20 % of the area (Zhong et al., arXiv:1708.04896).
    pub erase: Option<f32>,
    /// mixup's alpha (Zhang et al., arXiv:1710.09412); 0 is off.
    pub mixup: Option<f32>,
    /// CutMix's alpha (Yun et al., arXiv:1905.04899); 0 is off. With both, each batch takes one of the two.
    pub cutmix: Option<f32>,
    /// What stands outside the picture after a shift or rotation.
    pub fill: Option<Fill>,
    /// See any square of the picture rather than the middle one, where `preprocess.crop_from` leaves a choice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_crop: bool,
    /// Operations of a list, drawn anew for each picture, after the geometry above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// What is drawn from torchvision's list of 14 operations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// One operation of any strength, up to the widest (Müller and Hutter, arXiv:2103.10158; torchvision's TrivialAugmentWide).
    TrivialAugment,
    /// Several operations of one strength (Cubuk et al., arXiv:1909.13719; torchvision's RandAugment).
    RandAugment(RandAugmentOptions),
}

/// Options of RandAugment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RandAugmentOptions {
    /// Operations for each picture, 1 to 14.
    pub operations: usize,
    /// Their strength, 0 to 30.
    pub magnitude: usize,
}

impl Default for RandAugmentOptions {
    fn default() -> Self {
        Self { operations: 2, magnitude: 9 }
    }
}

/// Published sets of augmentation ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AugmentPreset {
    /// FER+: shift 0.08, scale 0.05, rotation 20, shear 0.05, flip, reflected borders.
    Ferplus,
    /// mini_XCEPTION's Keras generator: rotation 10, shift 0.1, zoom 0.1, flip, nearest borders.
    MiniXception,
    /// Emotion-Detection-use-case's Keras generator: rotation 40, nearest borders.
    EmotionDetectionUseCase,
    /// Flip and shifts of 10 %: a light modern default.
    Light,
}

/// What stands outside the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// The nearest pixel of the border.
    #[default]
    Nearest,
    /// The picture mirrored at its border.
    Reflect,
    /// Black.
    Zero,
}
