//! Datasets in their original forms.

mod affect;
mod posed;
mod units;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::picture::MAX_PIXELS;
use super::{
    Baum1Options, Baum2Options, ClassNames, ClipsOptions, Colour, JoinedOptions, Megc2019Options, MicroOptions,
    SyntheticClipsOptions, SyntheticMotionOptions, TargetColumns,
};

pub use affect::{AfewVaOptions, AffWild2Options, AffWild2Task, AffectnetOptions};
pub use posed::{JaffeOptions, KdefAngles, KdefOptions};
pub use units::{Bp4dOptions, CkPlusOptions, DisfaOptions};

fn max_pixels() -> u64 {
    MAX_PIXELS
}

/// What `predict --detector` adds to a face's box at each edge.
const MARGIN: f32 = 0.1;

fn margin() -> f32 {
    MARGIN
}

fn one() -> usize {
    1
}

/// A dataset in its original form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Subcommand)]
#[serde(rename_all = "snake_case")]
pub enum SourceOptions {
    /// Synthetic faces: needs no data.
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
    /// AffectNet in its official forms: classes, valence and arousal.
    #[command(
        after_help = "Example: ferrotype data prepare affectnet --root AffectNet --size 112 --out datasets/affectnet.h5\n         ferrotype data prepare affectnet --root AffectNet --targets --size 112"
    )]
    Affectnet(AffectnetOptions),
    /// DISFA in its official form: intensities of twelve action units, frame by frame.
    #[command(
        after_help = "Example: ferrotype data prepare disfa --root DISFA --every 5 --detector yunet.onnx --size 112 --out datasets/disfa.h5"
    )]
    Disfa(DisfaOptions),
    /// BP4D in its official form: action units, frame by frame.
    #[command(
        after_help = "Example: ferrotype data prepare bp4d --root BP4D --every 5 --detector yunet.onnx --size 112 --out datasets/bp4d.h5"
    )]
    Bp4d(Bp4dOptions),
    /// CK+ in its official form: action units and emotion of each sequence's last frame.
    #[command(
        after_help = "Example: ferrotype data prepare ck_plus --root CK+ --crop --neutral --size 112 --out datasets/ck_plus.h5"
    )]
    #[command(name = "ck_plus")]
    CkPlus(CkPlusOptions),
    /// JAFFE in its official form: posed expressions of ten Japanese women.
    #[command(
        after_help = "Example: ferrotype data prepare jaffe --root jaffe --detector yunet.onnx --size 96 --out datasets/jaffe.h5"
    )]
    Jaffe(JaffeOptions),
    /// KDEF in its official form: posed expressions of 70 people from up to five sides.
    #[command(
        after_help = "Example: ferrotype data prepare kdef --root KDEF --detector yunet.onnx --size 96 --out datasets/kdef.h5\n         ferrotype data prepare kdef --root KDEF --angles half --detector yunet.onnx --size 96"
    )]
    Kdef(KdefOptions),
    /// AFEW-VA in its official form: valence and arousal, frame by frame.
    #[command(
        after_help = "Example: ferrotype data prepare afew_va --root AFEW-VA --crop --size 112 --out datasets/afew_va.h5"
    )]
    #[command(name = "afew_va")]
    AfewVa(AfewVaOptions),
    /// Aff-Wild2 in its official form: valence and arousal, action units, expressions, frame by frame.
    #[command(
        after_help = "Example: ferrotype data prepare aff_wild2 --root Aff-Wild2 --tasks va --every 10 --out datasets/aff_wild2.h5"
    )]
    #[command(name = "aff_wild2")]
    AffWild2(AffWild2Options),
    /// The MEGC 2019 composite of micro-expressions: 442 published pictures of optical flow, 28x28.
    #[command(after_help = "Example: ferrotype data prepare megc2019 --root megc2019/ --out datasets/megc2019.h5")]
    Megc2019(Megc2019Options),
    /// CASME II in its official form, as pictures of motion.
    #[command(
        after_help = "Example: ferrotype data prepare casme2 --root CASME2 --detector yunet.onnx --out datasets/casme2.h5\n         ferrotype data prepare casme2 --root CASME2 --cropped --task own --input signed"
    )]
    Casme2(MicroOptions),
    /// SMIC (HS) in its official form, as pictures of motion.
    #[command(
        after_help = "Example: ferrotype data prepare smic --root SMIC_all_cropped --cropped --out datasets/smic.h5"
    )]
    Smic(MicroOptions),
    /// SAMM in its official form, as pictures of motion.
    #[command(
        after_help = "Example: ferrotype data prepare samm --root SAMM --detector yunet.onnx --mend-apex --out datasets/samm.h5"
    )]
    Samm(MicroOptions),
    /// CAS(ME)^3 part A, micro-expressions, in its official form, as pictures of motion.
    #[command(
        after_help = "Example: ferrotype data prepare casme3 --root CASME3 --detector yunet.onnx --skip-bad --out datasets/casme3.h5"
    )]
    Casme3(MicroOptions),
    /// Several prepared files of one form as one, such as the composite of three datasets.
    #[command(
        after_help = "Example: ferrotype data prepare joined --files datasets/smic.h5 datasets/casme2.h5 datasets/samm.h5 --out datasets/composite.h5"
    )]
    Joined(JoinedOptions),
    /// Drawn micro-expressions as pictures of motion: needs no data.
    #[command(
        after_help = "Example: ferrotype data prepare synthetic_micro --subjects 12 --out datasets/synthetic_micro.h5"
    )]
    #[command(name = "synthetic_micro")]
    SyntheticMicro(SyntheticMotionOptions),
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
    /// Synthetic clips: need no data and no ffmpeg.
    #[command(
        after_help = "Example: ferrotype data prepare synthetic_clips --subjects 6 --out datasets/synthetic_clips.h5"
    )]
    #[command(name = "synthetic_clips")]
    SyntheticClips(SyntheticClipsOptions),
}

/// The generator of synthetic faces.
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
    /// Also store what each face was drawn from as targets: action units (`au_occurrence`, `au_intensity`) and
    /// `valence_arousal`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub targets: bool,
}

impl Default for SyntheticOptions {
    fn default() -> Self {
        Self { count: 8000, seed: 1, size: 48, identities: 400, intensity: 0.8, nuisance: 0.5, targets: false }
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
    /// A file's name begins with its subject, up to this text: "_" for S010_004_00000017.png of subject S010.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "TEXT")]
    pub subject_before: Option<String>,
    /// What labels are to be called, such as {HAPPINESS: happiness, "1": surprise}. The same new name merges classes; an
    /// empty one leaves their pictures out.
    #[serde(default, skip_serializing_if = "ClassNames::is_empty")]
    #[command(flatten)]
    pub classes: ClassNames,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}

/// A table of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ManifestOptions {
    /// The table: columns path, label, and optionally split and subject, or as the `..._column` options say. Paths are
    /// relative to it. Commas, semicolons or tabs; UTF-8, UTF-16 or Windows-1252. With `targets`, rows need no label.
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
    /// The column of the pictures' paths; by default `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "NAME")]
    pub path_column: Option<String>,
    /// The column of the labels; by default `label`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// The column of the parts (train, val, test); by default `split`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "NAME")]
    pub split_column: Option<String>,
    /// The column of the subjects; by default `subject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "NAME")]
    pub subject_column: Option<String>,
    /// Columns that hold typed targets (docs/targets.md), such as {au: {kind: labels, columns: [AU01, AU12]}}. An empty cell
    /// is a missing value.
    #[serde(default, skip_serializing_if = "TargetColumns::is_empty")]
    #[command(flatten)]
    pub targets: TargetColumns,
    /// What gave the labels, where it was a machine, such as "OpenFace 2.2.0": prepared files and reports say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "NAME")]
    pub labelled_by: Option<String>,
    /// What labels are to be called, such as {HAPPINESS: happiness, "1": surprise}. The same new name merges classes; an
    /// empty one leaves their pictures out.
    #[serde(default, skip_serializing_if = "ClassNames::is_empty")]
    #[command(flatten)]
    pub classes: ClassNames,
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
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
    /// The most pixels that a picture may have by its header; a larger one is refused before it is decoded.
    #[serde(default = "max_pixels")]
    #[arg(long, default_value_t = MAX_PIXELS)]
    pub max_pixels: u64,
}
