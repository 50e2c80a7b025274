//! Probabilities of a run's classes for faces.

use std::path::Path;

use anyhow::Result;
use burn::tensor::{Tensor, TensorData};

use super::scanner::Face;
use crate::commands::loaded::LoadedRun;
use ferrotype_data::preprocess::Picture;
use ferrotype_data::stored_form::PictureChain;
use ferrotype_evaluation::Predictions;
use ferrotype_ops as ops;

/// A run that is shown faces.
pub struct Emotions {
    loaded: LoadedRun,
    chain: PictureChain,
}

impl Emotions {
    /// Loads a finished run.
    pub fn open(path: &Path) -> Result<Self> {
        let mut loaded = LoadedRun::open(path, None)?;
        loaded.network = loaded.network.folded()?;
        let chain = loaded.picture_chain()?;
        Ok(Self { loaded, chain })
    }

    /// Names of the classes.
    pub fn names(&self) -> &[String] {
        &self.loaded.meta.classes
    }

    /// Adds the probabilities to faces.
    pub fn add(&mut self, faces: &mut [Face]) -> Result<()> {
        if faces.is_empty() {
            return Ok(());
        }
        let mut values = Vec::new();
        for face in faces.iter() {
            let mut planes = self.chain.planes(&Picture::new(&face.pixels, face.side(), face.side(), 3)?);
            self.chain.scale(&mut planes);
            values.extend(planes);
        }
        let ([c, h, w], n) = (self.chain.shape(), faces.len());
        let x = Tensor::<4>::from_data(TensorData::new(values, [n, c, h, w]), self.loaded.network.device());
        let classes = self.names().to_vec();
        let logits = ops::host(self.loaded.network.forward(x)?.reshape([n * classes.len()]))?;
        let predictions = Predictions { classes, rows: (0..n as u32).collect(), logits, ..Predictions::default() };
        for (i, face) in faces.iter_mut().enumerate() {
            face.emotions = predictions.probabilities(i).into_iter().map(|p| p as f32).collect();
        }
        Ok(())
    }
}
