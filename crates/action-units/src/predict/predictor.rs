//! The predictors of a copy of OpenFace, opened for use.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::bank::{Bank, Model, Scores};
use super::{ActionUnits, Tracker};
use crate::features::{Extractor, Features};
use crate::formats::{Entry, ShapeFile};
use crate::import::{self, Provenance};
use crate::pdm::ShapeModel;

/// What the files hold.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictorFiles {
    /// The shape model.
    pub shape: ShapeFile,
    /// The triangles of the face.
    pub triangles: Vec<[usize; 3]>,
    /// The predictors for videos, static and dynamic (`AU_all_best.txt`).
    pub video: Vec<(Entry, Model)>,
    /// The predictors for single pictures, all static (`AU_all_static.txt`).
    pub picture: Vec<(Entry, Model)>,
}

/// Opened predictors. Copies share the weights.
#[derive(Clone, Debug)]
pub struct Predictor {
    extractor: Arc<Extractor>,
    video: Arc<Bank>,
    picture: Arc<Bank>,
    provenance: Option<Arc<Provenance>>,
}

impl Predictor {
    /// Opens a folder of OpenFace ([`import::find`] says which are understood) or a file that [`import::import`] wrote.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another version (it is named).
    pub fn open(path: &Path) -> Result<Self> {
        let (files, provenance) = if path.is_dir() {
            let found = import::find(path)?;
            (found.read()?, found.provenance()?)
        } else {
            import::read_file(path)?
        };
        let predictor = Self::new(files).with_context(|| format!("cannot use {}", path.display()))?;
        Ok(Self { provenance: Some(Arc::new(provenance)), ..predictor })
    }

    /// Where the predictors come from, and their terms, which belong beside results; `None` of those made by
    /// [`Predictor::new`].
    pub fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_deref()
    }

    /// Predictors of files that are read.
    ///
    /// # Errors
    /// When an action unit has no predictor, a predictor has another length, or one for pictures is dynamic.
    pub fn new(files: PredictorFiles) -> Result<Self> {
        let dynamic = files.picture.iter().find(|(_, model)| model.is_dynamic());
        if let Some((entry, _)) = dynamic {
            anyhow::bail!("the list for single pictures names {}, which needs a video", entry.file);
        }
        Ok(Self {
            extractor: Arc::new(Extractor::new(ShapeModel::new(files.shape), files.triangles)),
            video: Arc::new(Bank::new(&files.video).context("the list for videos")?),
            picture: Arc::new(Bank::new(&files.picture).context("the list for single pictures")?),
            provenance: None,
        })
    }

    /// What takes features of faces.
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Begins a face of a video; one tracker per face.
    pub fn tracker(&self) -> Tracker {
        Tracker::new(self.video.clone())
    }

    /// The action units of a single picture, by static predictors. They know nothing of the person's usual face, and are
    /// less sure than those of a video.
    pub fn picture(&self, features: &Features) -> ActionUnits {
        let nothing: Scores = [0.0; super::bank::PREDICTORS];
        let scores = self.picture.scores(&self.picture.products(&features.all()), &nothing);
        ActionUnits {
            intensities: Bank::intensities(&scores).map(|v| v.clamp(0.0, 5.0)),
            presences: self.picture.presences(&scores),
        }
    }
}
