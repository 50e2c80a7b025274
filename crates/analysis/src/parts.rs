//! The networks that an analysis is made of.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ferrotype_action_units::predict::Predictor as UnitPredictor;
use ferrotype_base::digest::sha256_file;
use ferrotype_base::targets::Head as TargetHead;
use ferrotype_expressions::Predictor;
use ferrotype_run::files::explain;
use ferrotype_vision::faces::{Detector, Embedder, Landmarker};
use serde::{Deserialize, Serialize};

use crate::mesh::{self, MeshPart};
use crate::options::AnalysisOptions;

/// What is known of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartFacts {
    /// What it does: `detector`, `landmarks`, `mesh detector`, `mesh`, `blendshapes`, `embedder`, `action_units`, or
    /// `head NAME`.
    pub role: String,
    /// What it is.
    pub name: String,
    /// Its file or folder.
    pub path: String,
    /// sha256 of the file; of a run that of its weights.
    pub sha256: String,
    /// The terms, where the file says them.
    pub licence: Option<String>,
}

/// A run that is shown each face.
pub struct Head {
    /// Its name in the output.
    pub name: String,
    /// The network.
    pub predictor: Predictor,
}

impl Head {
    /// Names of what it says, in order: classes, or `HEAD.COLUMN`.
    pub fn outputs(&self) -> &[String] {
        self.predictor.classes()
    }

    /// The heads of its model; none of one that gives a class.
    pub fn heads(&self) -> &[TargetHead] {
        self.predictor.heads()
    }
}

/// The opened networks.
pub struct Parts {
    pub(crate) detector: Detector,
    pub(crate) landmarker: Option<Landmarker>,
    pub(crate) mesh: Option<MeshPart>,
    /// Whether the 68 landmarks are those of the mesh.
    pub(crate) mesh_gives_landmarks: bool,
    pub(crate) embedder: Option<Embedder>,
    pub(crate) units: Option<UnitPredictor>,
    /// Runs that are shown each face.
    pub heads: Vec<Head>,
    /// What is known of all of them.
    pub facts: Vec<PartFacts>,
}

impl Parts {
    /// Opens the files of an analysis. `heads` are the runs of the options, opened by the caller, with the files of their
    /// weights.
    ///
    /// # Errors
    /// When a file cannot be used, or a part lacks another one that it needs.
    pub fn open(options: &AnalysisOptions, heads: Vec<(Head, PartFacts)>) -> Result<Self> {
        let parts = &options.parts;
        mesh::ensure_given(options)?;
        ensure!(
            parts.embedder.is_some() || !options.output.embeddings,
            "output.embeddings: there is no embedder: give its ONNX file as parts.embedder or --embedder, or leave it out"
        );
        let path = parts.detector.as_deref().context(
            "there is no face detector: give its ONNX file, YuNet or UltraFace, as parts.detector or --detector",
        )?;
        let detector = Detector::open(path)?.with_min_score(options.faces.min_score as f32)?;
        let mut facts = vec![PartFacts::of("detector", detector.name(), path)?];
        let mut add = |role: &str, name: &str, path: &Path| -> Result<()> {
            facts.push(PartFacts::of(role, name, path)?);
            Ok(())
        };
        let mesh_gives_landmarks = mesh::gives_landmarks(options);
        let landmarks = parts.landmarks.as_deref().filter(|_| !mesh_gives_landmarks);
        let landmarker = landmarks.map(Landmarker::open).transpose()?;
        landmarks.map(|path| add("landmarks", "68 points", path)).transpose()?;
        let embedder = parts.embedder.as_deref().map(Embedder::open).transpose()?;
        parts.embedder.as_deref().map(|path| add("embedder", "identity", path)).transpose()?;
        ensure!(
            embedder.is_none() || landmarker.is_some() || mesh_gives_landmarks || detector.name() == "YuNet",
            "faces are aligned by their eyes before they are embedded, and {} finds none: give parts.landmarks, too",
            detector.name()
        );
        let (mesh, of_mesh) = parts.mesh.as_ref().map(MeshPart::open).transpose()?.unzip();
        facts.extend(of_mesh.into_iter().flatten());
        let units = parts.action_units.as_deref().map(UnitPredictor::open).transpose()?;
        if let (Some(path), Some(units)) = (&parts.action_units, &units) {
            let mut of = PartFacts::of("action_units", "OpenFace 2.2.0's predictors", path)?;
            of.licence = units.provenance().map(|p| p.notice.clone());
            facts.push(of);
        }
        let (heads, of_heads): (Vec<Head>, Vec<PartFacts>) = heads.into_iter().unzip();
        facts.extend(of_heads);
        Ok(Self { detector, landmarker, mesh, mesh_gives_landmarks, embedder, units, heads, facts })
    }

    /// Whether action units are predicted.
    pub fn has_units(&self) -> bool {
        self.units.is_some()
    }

    /// Whether faces have 68 landmarks.
    pub fn has_landmarks(&self) -> bool {
        self.landmarker.is_some() || self.mesh_gives_landmarks
    }

    /// What is said of each face, by name: the runs, then the mesh's blendshapes.
    pub(crate) fn said(&self) -> Vec<(String, Vec<String>, Vec<TargetHead>)> {
        let runs = self.heads.iter().map(|h| (h.name.clone(), h.outputs().to_vec(), h.heads().to_vec()));
        let blendshapes = self.mesh.as_ref().and_then(MeshPart::head);
        runs.chain(blendshapes.map(|(name, outputs, head)| (name, outputs, vec![head]))).collect()
    }
}

impl PartFacts {
    /// Of a part in a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(role: &str, name: &str, path: &Path) -> Result<Self> {
        let sha256 = if path.is_file() { file_sha256(path)? } else { String::new() };
        Ok(Self { role: role.into(), name: name.into(), path: path.display().to_string(), sha256, licence: None })
    }
}

/// sha256 of a file.
///
/// # Errors
/// When it cannot be read.
pub fn file_sha256(path: &Path) -> Result<String> {
    sha256_file(path).map_err(|e| explain(path, &e))
}
