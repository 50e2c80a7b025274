//! Probabilities of a run's classes for faces.

use std::path::Path;

use anyhow::Result;

use super::scanner::Face;
use crate::systems::loaded;
use ferrotype_data::preprocess::Picture;
use ferrotype_expressions::Predictor;

/// A run that is shown faces.
pub struct Emotions(Predictor);

impl Emotions {
    /// Loads a finished run.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(Predictor::new(loaded::open(path, None)?)?.folded()?))
    }

    /// Names of the classes.
    pub fn names(&self) -> &[String] {
        self.0.classes()
    }

    /// Adds the probabilities to faces.
    pub fn add(&self, faces: &mut [Face]) -> Result<()> {
        let planes: Vec<_> = faces
            .iter()
            .map(|face| Ok(self.0.planes(&Picture::new(&face.pixels, face.side(), face.side(), 3)?)))
            .collect::<Result<_>>()?;
        for (face, said) in faces.iter_mut().zip(self.0.predict_planes(&planes)?) {
            face.emotions = said.probabilities.into_iter().map(|p| p as f32).collect();
        }
        Ok(())
    }
}
