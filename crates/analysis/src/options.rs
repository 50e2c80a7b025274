//! The file of an analysis, and the ranges of its values. Field documentation here is what `ferrotype analyze --schema` prints.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use ferrotype_base::problems::{Problem, Problems};
use ferrotype_config::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mesh::{self, MeshOptions};

/// What is looked at, by what, and what is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnalysisOptions {
    /// The networks that find faces and describe them. What is absent is absent in the output.
    pub parts: PartOptions,
    /// Finished runs of the system expressions by a name of your choice: each says of every face what it was trained to say.
    pub heads: BTreeMap<String, HeadOptions>,
    /// Which frames of a video are looked at; of stills every one is.
    pub sampling: Sampling,
    /// Frames per second, where the pictures of a folder are the frames of a video in the order of their names. Without it they
    /// are stills: without times and persons, and with action units by the predictors that OpenFace has for single pictures.
    pub frame_rate: Option<f64>,
    /// Which faces are.
    pub faces: FaceOptions,
    /// What is written.
    pub output: OutputOptions,
}

/// The networks that find faces and describe them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PartOptions {
    /// The ONNX file of a face detector: YuNet or UltraFace. Needed.
    pub detector: Option<PathBuf>,
    /// The ONNX file of a landmark network (PFLD, 68 points), or `mesh`: the points of parts.mesh that are nearest to the 68.
    pub landmarks: Option<PathBuf>,
    /// The ONNX file of an identity embedding (MobileFaceNet): a face that leaves and returns keeps its number. It needs eyes:
    /// landmarks, or YuNet's points.
    pub embedder: Option<PathBuf>,
    /// MediaPipe's face mesh: 478 points, and 52 blendshapes under `heads.blendshapes`.
    pub mesh: Option<MeshOptions>,
    /// Predictors of action units: what `ferrotype import openface` wrote. They need landmarks.
    pub action_units: Option<PathBuf>,
}

/// A run that is shown each face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadOptions {
    /// The run's folder.
    pub run: PathBuf,
}

/// Which frames are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Every n-th frame, from the first on.
    Every(usize),
    /// About so many frames per second, chosen by time.
    Rate(f64),
}

impl Default for Sampling {
    fn default() -> Self {
        Self::Every(5)
    }
}

/// Which faces are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FaceOptions {
    /// Smallest score of a face, 0 to 1.
    pub min_score: f64,
    /// Smallest width of a face in pixels.
    pub min_size: f64,
    /// Most faces per frame, the largest first.
    pub most: usize,
    /// What heads are shown beyond the box at each edge, as a part of its longer side; as `predict --margin`.
    pub margin: f64,
    /// Seconds that a face may be out of sight and still be the same by its place alone; at least one and a half times the time
    /// between two frames that are looked at.
    pub gap: f64,
    /// Smallest cosine of two embeddings of one person.
    pub likeness: f64,
}

impl Default for FaceOptions {
    fn default() -> Self {
        Self { min_score: 0.6, min_size: 32.0, most: 10, margin: 0.1, gap: 1.0, likeness: 0.5 }
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputOptions {
    /// Names of the columns of `frames.csv`.
    pub columns: ColumnNames,
    /// Also write the embeddings into `results.json`.
    pub embeddings: bool,
    /// Also write what the heads are shown of each face into `crops/`, and `crops.csv`, a manifest of them with all that was said:
    /// `ferrotype data prepare manifest` makes a dataset of it.
    pub crops: bool,
    /// Also write `annotated.mp4`: the video with boxes, landmarks, and what is said of each face as bars; without sound.
    pub annotated: bool,
    /// Also write the 478 points of the mesh into `results.json`: about 10 KB for each face in each frame.
    pub mesh_points: bool,
}

/// Names of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ColumnNames {
    /// OpenFace's: `frame` (from 1), `face_id`, `AU01_r`, `AU01_c`, `x_0`, `pose_Rx`.
    #[default]
    Openface,
    /// py-feat's: `frame` (from 0), `FaceRectX`, `AU01`, `x_0`, `Pitch`, `happiness`.
    Pyfeat,
}

impl Root for AnalysisOptions {
    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let p = &mut problems;
        let named = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        for name in self.heads.keys() {
            p.check("heads", name, named(name), "names of letters, digits and `_`");
        }
        match self.sampling {
            Sampling::Every(n) => p.at_least("sampling.every", n, 1),
            Sampling::Rate(rate) => p.positive("sampling.rate", rate),
        }
        if let Some(rate) = self.frame_rate {
            p.positive("frame_rate", rate);
        }
        p.fraction("faces.min_score", self.faces.min_score);
        let size = self.faces.min_size;
        p.range("faces.min_size", size, size >= 8.0, "at least 8 pixels");
        p.up_to("faces.most", self.faces.most, 1, 1000);
        let margin = self.faces.margin;
        p.range("faces.margin", margin, (-0.4..=4.0).contains(&margin), "from -0.4 to 4");
        p.not_negative("faces.gap", self.faces.gap);
        let likeness = self.faces.likeness;
        p.range("faces.likeness", likeness, (-1.0..=1.0).contains(&likeness), "from -1 to 1");
        if self.parts.action_units.is_some() && self.parts.landmarks.is_none() {
            p.add("parts.action_units", "needs the landmarks of a face: give parts.landmarks, too".into());
        }
        mesh::check(self, p);
        problems.into_vec()
    }
}
