//! Datasets of micro-expressions.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The MEGC 2019 composite of SMIC, CASME II and SAMM as published optical flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Megc2019Options {
    /// The folder: with `combined_3_class2_for_optical_flow.csv` and `STSNet_whole_norm_u_v_os` as HTNet's repository has them
    /// (also below `datasets`), or with `rows.csv` and the sheet `flow_442.png` of all pictures.
    #[arg(long)]
    pub root: PathBuf,
}

fn default_side() -> usize {
    28
}

fn default_face() -> usize {
    128
}

/// A dataset of micro-expressions as its authors publish it: frames, and a coding sheet with onset, apex and offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct MicroOptions {
    /// The dataset's folder, with the sheet and the frames.
    #[arg(long)]
    pub root: PathBuf,
    /// The coding sheet as CSV; by default the one in the folder that has the authors' name. SMIC has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "CSV")]
    pub sheet: Option<PathBuf>,
    /// The folder with the subjects' folders of frames; by default the one below `root` that has the authors' name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "FOLDER")]
    pub frames: Option<PathBuf>,
    /// The classes.
    #[serde(default)]
    #[arg(long, value_enum, default_value_t)]
    pub task: MicroTask,
    /// YuNet as an ONNX file: finds the face and the eyes in the onset frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "ONNX", required_unless_present = "cropped", conflicts_with = "cropped")]
    pub detector: Option<PathBuf>,
    /// Frames are face crops already, such as the authors' aligned ones: no face is searched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub cropped: bool,
    /// What the pictures hold (docs/optical_flow.md).
    #[serde(default)]
    #[arg(long, value_enum, default_value_t)]
    pub input: MotionInput,
    /// Pixels per side of the pictures that are stored.
    #[serde(default = "default_side")]
    #[arg(long, default_value_t = default_side())]
    pub side: usize,
    /// Pixels per side of the face from which the flow is computed.
    #[serde(default = "default_face")]
    #[arg(long, default_value_t = default_face())]
    pub face: usize,
    /// The apex of clips for which none is known.
    #[serde(default)]
    #[arg(long, value_enum, default_value_t)]
    pub unknown_apex: UnknownApex,
    /// An apex outside of onset to offset counts as unknown. Otherwise it is a row that cannot be used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub mend_apex: bool,
    /// Leave out clips that cannot be used instead of refusing the dataset; the prepared file lists them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[arg(long)]
    pub skip_bad: bool,
}

/// Several prepared files of one form as one set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct JoinedOptions {
    /// Files made by `ferrotype data prepare`, with pictures of one size, one list of classes, and no subject in common. Each is a group,
    /// for which scores are given.
    #[arg(long, num_args = 2.., required = true, value_name = "H5")]
    pub files: Vec<PathBuf>,
}

/// The classes of a dataset of micro-expressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum MicroTask {
    /// The three of MEGC 2019: negative (disgust, repression, anger, contempt, fear, sadness), positive (happiness), surprise.
    /// Others are left out.
    #[default]
    Composite,
    /// Those that are usual for the dataset alone: five of CASME II and SAMM, three of SMIC, seven of CAS(ME)^3.
    Own,
    /// Every emotion of the sheet.
    All,
}

/// What the channels of a picture made from onset and apex hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum MotionInput {
    /// Flow to the right, flow downwards and strain, each stretched to 0..255 per clip: the published form.
    #[default]
    Stretched,
    /// The same three with sign and size: 128 is rest.
    Signed,
    /// Grey: 128 and half the difference apex minus onset.
    Difference,
    /// Onset, apex and difference, grey each.
    OnsetApex,
}

/// The apex of a clip for which none is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum UnknownApex {
    /// The frame after the onset whose face, at 28x28 grey pixels, differs most from that of the onset (mean absolute
    /// difference; the earlier of equals).
    #[default]
    Spot,
    /// The frame in the middle of onset and offset, rounded down; where it is missing, the last one before it.
    Middle,
}

/// Drawn micro-expressions: brief, weak action units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticMicroOptions {
    /// Number of persons.
    #[arg(long, default_value_t = Self::default().subjects)]
    pub subjects: usize,
    /// Clips of each person and each of the three classes.
    #[arg(long, default_value_t = Self::default().clips)]
    pub clips: usize,
    /// Pixels per side of the frames.
    #[arg(long, default_value_t = Self::default().size)]
    pub size: usize,
    /// Seed of the generator, independent of the experiment's.
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,
    /// How strong expressions are at their apex, 0 (none: chance) to 1. Micro-expressions are weak.
    #[arg(long, default_value_t = Self::default().intensity)]
    pub intensity: f32,
    /// How strong pose, light, noise, blur and movements of the head are, 0 to 1.
    #[arg(long, default_value_t = Self::default().nuisance)]
    pub nuisance: f32,
}

impl Default for SyntheticMicroOptions {
    fn default() -> Self {
        Self { subjects: 12, clips: 4, size: 200, seed: 1, intensity: 0.3, nuisance: 0.3 }
    }
}

/// Drawn micro-expressions as pictures of their motion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticMotionOptions {
    /// What is drawn.
    #[command(flatten)]
    pub drawn: SyntheticMicroOptions,
    /// What the pictures hold (docs/optical_flow.md).
    #[arg(long, value_enum, default_value_t)]
    pub input: MotionInput,
    /// Pixels per side of the pictures that are stored.
    #[arg(long, default_value_t = Self::default().side)]
    pub side: usize,
    /// Pixels per side of the face from which the flow is computed.
    #[arg(long, default_value_t = Self::default().face)]
    pub face: usize,
}

impl Default for SyntheticMotionOptions {
    fn default() -> Self {
        Self {
            drawn: SyntheticMicroOptions::default(),
            input: MotionInput::default(),
            side: default_side(),
            face: default_face(),
        }
    }
}
