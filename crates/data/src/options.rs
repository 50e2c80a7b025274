//! The `data:` section of the experiment file.

mod augment;
mod class_names;
mod clips;
mod division;
mod micro;
mod preprocess;
mod sources;
mod storage;
mod targets;

use std::path::PathBuf;

use super::split::Dividing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use augment::{Augment, AugmentPreset, Fill, Policy, RandAugmentOptions};
pub use class_names::ClassNames;
pub use clips::{
    Baum1Options, Baum2Options, BaumClasses, ClipsOptions, Component, GapPolicy, SegmentOptions, SegmentRule,
    SyntheticClipsOptions, VideoOptions, Windows,
};
pub use division::{ClassBlocks, Folds, Holdout, LabelMode, SplitRule};
pub use micro::{
    JoinedOptions, Megc2019Options, MicroOptions, MicroTask, MotionInput, SyntheticMicroOptions,
    SyntheticMotionOptions, UnknownApex,
};
pub use preprocess::{Colour, MeanStd, Preprocess, Resize, Scale};
pub use sources::{
    AfewVaOptions, AffWild2Options, AffWild2Task, AffectnetOptions, Bp4dOptions, CkPlusOptions, DisfaOptions,
    Fer2013Options, FerplusOptions, FolderOptions, JaffeOptions, KdefAngles, KdefOptions, ManifestOptions,
    RafdbOptions, SourceOptions, SyntheticOptions,
};
pub use storage::{PictureStorage, StorageOptions};
pub use targets::{TargetColumns, TargetGroupOptions, TargetKindName};

/// Faces, labels, split, preprocessing and augmentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataOptions {
    /// The prepared HDF5 file. Made from `source` when it does not exist yet.
    pub path: PathBuf,
    /// How to make `path`: the same as `ferrotype data prepare <source> ...`.
    #[serde(default)]
    pub source: Option<SourceOptions>,
    /// How the pictures are kept when `path` is made.
    #[serde(default, skip_serializing_if = "StorageOptions::is_default")]
    pub storage: StorageOptions,
    /// How clips become examples, where `path` holds clips: each is then a sequence of pictures.
    #[serde(default)]
    pub clips: Option<SegmentOptions>,
    /// How a row's label becomes a training target.
    #[serde(default)]
    pub labels: LabelMode,
    /// How rows are divided into training, validation and test sets.
    #[serde(default)]
    pub split: SplitRule,
    /// The fold that is tested, for rules that make folds. `--folds` trains them all.
    #[serde(default)]
    pub fold: usize,
    /// Whether rows are kept back for validation. `evaluate.select_on: none` sets it to false: what the split would keep back
    /// is then trained on, a dataset's own validation rows are left out, and folds may be two. It may be set to false with
    /// `evaluate.select_on: test`, too, for recipes that select the weights on each tested fold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_set: Option<bool>,
    /// Remove from training every row whose picture also stands in the validation or test set.
    #[serde(default)]
    pub drop_leaks: bool,
    /// Use only so many rows of each set (the first by a seeded shuffle): for trials.
    #[serde(default)]
    pub limit: Option<usize>,
    /// What is done to every image, in training, evaluation, prediction and the exported model alike.
    pub preprocess: Preprocess,
    /// Random changes to training images.
    #[serde(default)]
    pub augment: Augment,
    /// How training rows are drawn.
    #[serde(default)]
    pub sampler: Sampler,
    /// Threads that prepare batches; 0 chooses. Batches do not depend on it.
    #[serde(default)]
    pub workers: usize,
}

impl DataOptions {
    /// Whether rows are kept back for validation.
    pub fn has_validation(&self) -> bool {
        self.validation_set != Some(false)
    }

    /// How the rows are divided.
    pub fn dividing(&self) -> Dividing<'_> {
        Dividing { rule: &self.split, fold: self.fold, has_validation: self.has_validation() }
    }

    /// `[channels, height, width]` of the model's input: of a picture, or for clips of all pictures of an example, one
    /// plane after another: part by part, within a part frame by frame, within a frame channel by channel.
    pub fn input(&self) -> [usize; 3] {
        let pictures = self.clips.as_ref().map_or(1, SegmentOptions::pictures);
        [pictures * self.preprocess.colour.channels(), self.preprocess.size, self.preprocess.size]
    }
}

/// How training rows are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Every row once per epoch, in a new order each epoch.
    #[default]
    Shuffle,
    /// Every row once per epoch, in one order shuffled once (FER+'s original code).
    ShuffleOnce,
    /// Every row once per epoch, in the file's order, the same each epoch.
    InOrder,
    /// Every row once per epoch, class by class in the order of the classes, within a class in the file's order, the same
    /// each epoch. Batches then hold one class or two, which batch normalisation sees (STSTNet's and HTNet's recipes).
    ByClass,
    /// As many draws as rows, each class equally likely.
    Balanced,
    /// As many draws as rows, classes weighted by the square root of their count.
    SqrtBalanced,
}
