//! The `data:` section of the experiment file.

mod clips;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use clips::{
    Baum1Options, Baum2Options, BaumClasses, ClipsOptions, Component, DrawnClipsOptions, GapPolicy, SegmentOptions,
    SegmentRule, VideoOptions, Windows,
};

/// Faces, labels, split, preprocessing and augmentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataOptions {
    /// The prepared HDF5 file. Made from `source` when it does not exist yet.
    pub path: PathBuf,
    /// How to make `path`: the same as `ferrotype data prepare <source> ...`.
    #[serde(default)]
    pub source: Option<SourceOptions>,
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
    /// `[channels, height, width]` of the model's input: of a picture, or for clips of all pictures of an example, one
    /// plane after another: part by part, within a part frame by frame, within a frame channel by channel.
    pub fn input(&self) -> [usize; 3] {
        let pictures = self.clips.as_ref().map_or(1, SegmentOptions::pictures);
        [pictures * self.preprocess.colour.channels(), self.preprocess.size, self.preprocess.size]
    }
}

/// A dataset in its original form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum SourceOptions {
    /// Drawn faces: needs no data.
    #[command(after_help = "Example: ferrotype data prepare synthetic --count 8000 --out datasets/synthetic.h5")]
    Synthetic(SyntheticOptions),
    /// Kaggle's FER2013 table.
    #[command(after_help = "Example: ferrotype data prepare fer2013 --csv fer2013.csv --out datasets/fer2013.h5")]
    Fer2013(Fer2013Options),
    /// FER2013 with Microsoft's FER+ votes.
    #[command(
        after_help = "Example: ferrotype data prepare ferplus --csv fer2013.csv --votes fer2013new.csv --out datasets/ferplus.h5\n         ferrotype data prepare ferplus --csv fer2013.csv --votes fer2013new.csv FER2013Train/label.csv FER2013Valid/label.csv FER2013Test/label.csv\n         ferrotype data prepare ferplus --images FERPlus/data"
    )]
    Ferplus(FerplusOptions),
    /// Class folders, or train/val/test folders of class folders.
    #[command(after_help = "Example: ferrotype data prepare folder --root photos/ --size 48 --out datasets/photos.h5")]
    Folder(FolderOptions),
    /// A table with columns path, label and optionally split and subject.
    #[command(
        after_help = "Example: ferrotype data prepare manifest --csv photos.csv --size 48 --out datasets/photos.h5"
    )]
    Manifest(ManifestOptions),
    /// RAF-DB's basic set in its official form.
    #[command(after_help = "Example: ferrotype data prepare rafdb --root RAF-DB/basic --out datasets/rafdb.h5")]
    Rafdb(RafdbOptions),
    /// AffectNet in its official form.
    #[command(
        after_help = "Example: ferrotype data prepare affectnet --root AffectNet --size 112 --out datasets/affectnet.h5"
    )]
    Affectnet(AffectnetOptions),
    /// Video files with a table of labels.
    #[command(
        after_help = "Example: ferrotype data prepare clips --videos clips/ --labels labels.csv --openface csv/ --out datasets/clips.h5\n         ferrotype data prepare clips --videos clips/ --labels labels.csv --detector yunet.onnx --landmarks pfld_68.onnx --rate 25"
    )]
    Clips(ClipsOptions),
    /// BAUM-1a, acted clips, in its official form.
    #[command(
        after_help = "Example: ferrotype data prepare baum1a --root BAUM1 --detector yunet.onnx --landmarks pfld_68.onnx"
    )]
    Baum1a(Baum1Options),
    /// BAUM-1s, spontaneous clips, in its official form.
    #[command(after_help = "Example: ferrotype data prepare baum1s --root BAUM1 --openface openface/")]
    Baum1s(Baum1Options),
    /// BAUM-2, through a list of clips.
    #[command(
        after_help = "Example: ferrotype data prepare baum2 --videos BAUM2 --list baum2.csv --openface openface/"
    )]
    Baum2(Baum2Options),
    /// Drawn clips: need no data and no ffmpeg.
    #[command(after_help = "Example: ferrotype data prepare drawn_clips --subjects 6 --out datasets/drawn_clips.h5")]
    #[command(name = "drawn_clips")]
    DrawnClips(DrawnClipsOptions),
}

/// The generator of drawn faces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticOptions {
    /// Number of faces.
    #[arg(long, default_value_t = Self::default().count)]
    pub count: usize,
    /// Seed of the generator, independent of the experiment's.
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,
    /// Pixels per side.
    #[arg(long, default_value_t = Self::default().size)]
    pub size: usize,
    /// Number of distinct identities (subjects).
    #[arg(long, default_value_t = Self::default().identities)]
    pub identities: usize,
    /// How strong expressions are, 0 (none: chance) to 1.
    #[arg(long, default_value_t = Self::default().intensity)]
    pub intensity: f32,
    /// How strong pose, light, noise, blur and occlusion are, 0 to 1.
    #[arg(long, default_value_t = Self::default().nuisance)]
    pub nuisance: f32,
}

impl Default for SyntheticOptions {
    fn default() -> Self {
        Self { count: 8000, seed: 1, size: 48, identities: 400, intensity: 0.8, nuisance: 0.5 }
    }
}

/// FER2013: `fer2013.csv`, `icml_face_data.csv` or the `train.csv` form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Fer2013Options {
    /// The table.
    #[arg(long)]
    pub csv: PathBuf,
}

/// FER+.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct FerplusOptions {
    /// `fer2013.csv`, or none with Microsoft's folder form (`images`).
    #[serde(default)]
    #[arg(long, required_unless_present = "images", requires = "votes")]
    pub csv: Option<PathBuf>,
    /// Microsoft's folder form: a folder with FER2013Train, FER2013Valid and FER2013Test, each with pictures and label.csv.
    #[serde(default)]
    #[arg(long, conflicts_with_all = ["csv", "votes"])]
    pub images: Option<PathBuf>,
    /// The votes: `fer2013new.csv`, which is aligned with `csv` row by row; or Microsoft's three label.csv files together
    /// with `fer2013new.csv`, without which the names in label.csv cannot be matched to the rows of `csv`.
    #[serde(default)]
    #[arg(long, num_args = 1..)]
    pub votes: Vec<PathBuf>,
}

/// A folder of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct FolderOptions {
    /// Class folders, or train/val/test folders of class folders.
    #[arg(long)]
    pub root: PathBuf,
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
}

/// A table of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ManifestOptions {
    /// The table: columns path, label, and optionally split and subject. Paths are relative to it.
    #[arg(long)]
    pub csv: PathBuf,
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
}

/// RAF-DB basic: `EmoLabel/list_patition_label.txt` and `Image/aligned`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct RafdbOptions {
    /// The folder `basic`.
    #[arg(long)]
    pub root: PathBuf,
    /// Pixels per side to store (the aligned pictures are 100).
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Leave out files that are not pictures instead of refusing the dataset; the prepared file lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
}

/// AffectNet: `train_set` and `val_set`, each with `images` and `annotations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct AffectnetOptions {
    /// The folder with `train_set` and `val_set`.
    #[arg(long)]
    pub root: PathBuf,
    /// Pixels per side to store (the pictures are 224).
    #[serde(default)]
    #[arg(long)]
    pub size: Option<usize>,
    /// Eight classes, or seven without contempt.
    #[serde(default)]
    #[arg(long)]
    pub seven_classes: bool,
    /// Leave out files that are not pictures instead of refusing the dataset; the prepared file lists them.
    #[serde(default)]
    #[arg(long)]
    pub skip_bad: bool,
}

/// How a row's label becomes a training target. Validation and test sets of the FER+ modes are always labelled and
/// filtered by `majority`, as in Microsoft's code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelMode {
    /// The dataset's own class.
    #[default]
    Original,
    /// FER+: the emotion with more than half of the votes.
    Majority,
    /// FER+: a label drawn from the votes at each visit.
    Probability,
    /// FER+: the vote distribution as a soft target.
    Crossentropy,
    /// FER+: every label with at least 30 % of the votes.
    MultiTarget,
    /// System 001's rule: the emotion with most votes of the eight, no threshold; first in FER+'s order among equals.
    ArgmaxEight,
}

/// How rows are divided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitRule {
    /// The dataset's own division. A dataset that has training and test rows but no validation rows (RAF-DB, AffectNet)
    /// gives a tenth of its training rows for validation, stratified by class and chosen by the seed.
    #[default]
    Own,
    /// The dataset's own training rows; its validation and test rows together are both validation and test set, as in
    /// mini_XCEPTION's and system 001's recipes. Selecting on it is selecting on the test set.
    OwnMerged,
    /// Random, stratified by class.
    Holdout(Holdout),
    /// k folds, stratified by class; the fold after the tested one is the validation set.
    KFold(Folds),
    /// k folds in which no subject stands in two.
    SubjectKFold(Folds),
    /// One fold per subject.
    LeaveOneSubjectOut,
    /// k folds of clips, stratified by class: all segments of a clip stand in one of them. Its subjects may stand in several.
    ClipKFold(Folds),
    /// Random, stratified by class, by whole clips: no clip stands in two sets.
    ClipHoldout(Holdout),
    /// System 003's division: a fifth of the *segments* at random is the test set, a fifth of the rest the validation set.
    /// It leaks: segments of one clip stand on both sides, and the report says how many.
    SegmentsAtRandom,
}

/// Fractions of a random division.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Holdout {
    /// Fraction of rows for validation.
    pub validation: f64,
    /// Fraction of rows for testing.
    pub test: f64,
}

impl Default for Holdout {
    fn default() -> Self {
        Self { validation: 0.1, test: 0.1 }
    }
}

/// Number of folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Folds {
    /// Number of folds, at least 3.
    pub k: usize,
}

impl Default for Folds {
    fn default() -> Self {
        Self { k: 5 }
    }
}

/// What is done to every image. Resizing happens outside the exported model, all else inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Pixels per side that the model takes.
    pub size: usize,
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
}

/// Published sets of augmentation ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AugmentPreset {
    /// FER+: shift 0.08, scale 0.05, rotation 20, shear 0.05, flip, reflected borders.
    Ferplus,
    /// mini_XCEPTION's Keras generator: rotation 10, shift 0.1, zoom 0.1, flip, nearest borders.
    MiniXception,
    /// System 001's Keras generator: rotation 40, nearest borders.
    System001,
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

/// How training rows are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Every row once per epoch, in a new order each epoch.
    #[default]
    Shuffle,
    /// Every row once per epoch, in one order shuffled once (FER+'s original code).
    ShuffleOnce,
    /// As many draws as rows, each class equally likely.
    Balanced,
    /// As many draws as rows, classes weighted by the square root of their count.
    SqrtBalanced,
}
