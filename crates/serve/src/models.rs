//! What the server asks of models.

use std::fmt;
use std::path::{Path, PathBuf};

use ferrotype_base::targets::Head;
use serde::Serialize;
use serde_json::{Map, Value};

/// A model as it is listed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelInfo {
    /// Its name in requests and answers.
    pub name: String,
    /// Its network, such as `vgg13`.
    pub architecture: String,
    /// Names of what it says of a face, in order: classes, or `HEAD.COLUMN` of a model with heads.
    pub outputs: Vec<String>,
    /// Its heads with the kinds of their targets; none of a model that gives one class per face.
    pub heads: Vec<Head>,
    /// `[channels, height, width]` of its input.
    pub input: [usize; 3],
    /// Whether it can show what it looks at.
    pub heat_map: bool,
    /// What a user should know of it, such as that it was trained on synthetic faces.
    pub notes: Vec<String>,
}

/// A face cut out of a picture, as models are shown it.
#[derive(Clone, Debug, PartialEq)]
pub struct Crop {
    /// `[height, width, channels]`, 0..255.
    pub pixels: Vec<u8>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// What it shows of the picture: left, top, right and bottom in pixels; it may reach beyond.
    pub bounds: [f32; 4],
}

/// A face in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// Left, top, right and bottom in pixels of the picture the right way up.
    pub bounds: [f32; 4],
    /// The detector's score, 0 to 1; none where the whole picture was taken for a face.
    pub score: Option<f32>,
    /// `[x, y]` of its landmarks in pixels.
    pub points: Option<Vec<[f32; 2]>>,
    /// What parts say of it by themselves that stands among the heads of an analysis, by head and output: `blendshapes`.
    pub heads: Map<String, Value>,
    /// What else is known of it, as it stands in `results.json` of an analysis: `pose`, `action_units`.
    pub more: Map<String, Value>,
    /// What models are shown.
    pub crop: Crop,
}

/// A picture that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The faces, the largest first.
    pub faces: Vec<Face>,
    /// What a user should know of it.
    pub notes: Vec<String>,
}

/// Where in a crop a model found what speaks for an output.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height, width]`, 0 to 255 where it looked most.
    pub values: Vec<u8>,
}

/// What an analysis is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalyzeOptions {
    /// Every n-th frame is looked at.
    pub every: usize,
    /// The most seconds of video; a longer one is refused.
    pub max_seconds: f64,
    /// The most pixels of a frame.
    pub max_pixels: u64,
    /// Whether a video with boxes and labels is wished for, too.
    pub annotated: bool,
    /// What the video is called in the results.
    pub name: String,
}

/// A file that an analysis made.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultFile {
    /// Its name in addresses, such as `frames.csv`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its media type.
    pub media_type: &'static str,
}

/// Who watches an analysis.
pub trait Watch {
    /// Is told the number of the last frame, how many there are by the header, and how many faces were found so far.
    fn progress(&self, frame: u64, of: Option<u64>, faces: u64);

    /// Whether the analysis should end.
    fn is_asked_to_stop(&self) -> bool;
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The picture or video is damaged, of an unknown form, or beyond a limit of its own: the client's to mend.
    Input(String),
    /// It has too many pixels or seconds.
    TooLarge(String),
    /// This server cannot do it: a part is missing.
    Unavailable(String),
    /// Somebody asked to stop.
    Stopped,
    /// Anything else.
    Internal(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(text) | Self::TooLarge(text) | Self::Unavailable(text) | Self::Internal(text) => {
                f.write_str(text)
            }
            Self::Stopped => f.write_str("it was stopped"),
        }
    }
}

impl std::error::Error for Fault {}

/// The models of a server. Functions are called on threads of the server's own, several at a time, but
/// [`Models::predict`] of one model never twice at once.
pub trait Models: Send + Sync {
    /// The models, the same for the life of the server. Their places are their numbers.
    fn list(&self) -> &[ModelInfo];

    /// Whether faces are looked for; without, a picture is taken for a face.
    fn finds_faces(&self) -> bool;

    /// Why videos cannot be analysed, where they cannot.
    fn refuses_videos(&self) -> Option<String>;

    /// Columns and rows of a picture by its header: nothing is decoded.
    ///
    /// # Errors
    /// When it is no picture.
    fn dimensions(&self, picture: &[u8]) -> Result<[u64; 2], Fault>;

    /// The faces of a picture of at most `max_pixels`.
    ///
    /// # Errors
    /// When it cannot be decoded.
    fn look(&self, picture: &[u8], max_pixels: u64) -> Result<Seen, Fault>;

    /// What a model says of faces, in their order: a value for each of its outputs.
    ///
    /// # Errors
    /// When it cannot compute.
    fn predict(&self, model: usize, crops: &[&Crop]) -> Result<Vec<Vec<f64>>, Fault>;

    /// What in a face speaks for one of a model's outputs.
    ///
    /// # Errors
    /// When it cannot compute, or has no maps.
    fn heat_map(&self, model: usize, crop: &Crop, output: usize) -> Result<HeatMap, Fault>;

    /// Looks at a video, frame by frame, and writes files into the folder `out`: `results.json` among them.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or the watcher asks to stop.
    fn analyze(
        &self,
        video: &Path,
        out: &Path,
        options: &AnalyzeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<ResultFile>, Fault>;
}
