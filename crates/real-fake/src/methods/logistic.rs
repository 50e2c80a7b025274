//! Logistic regression on the means of action units: what a method must beat to be called working.

use std::path::Path;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use ferrotype_classic::logistic::Logistic;
use ferrotype_classic::model;
use ferrotype_classic::standardise::Standardiser;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs;
use crate::clip::{Clip, ClipSet};
use crate::method::{Fitted, Method, Work};
use ferrotype_ops::Compute;

/// Options of the logistic regression on means of action units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticOptions {
    /// Weight of the likelihood against the L2 penalty, as scikit-learn's C.
    pub c: f64,
}

impl Default for LogisticOptions {
    fn default() -> Self {
        Self { c: 1.0 }
    }
}

const FILE: &str = "logistic.json";

/// A fitted regression: what the file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Means {
    units: Vec<String>,
    standardiser: Standardiser,
    logistic: Logistic,
}

impl model::Fitted for Means {
    const KIND: &'static str = "real_fake_logistic";

    fn check(&self) -> Result<()> {
        model::Fitted::check(&self.standardiser)?;
        let sizes = [self.units.len(), self.standardiser.mean.len(), self.logistic.plane.weights.len()];
        ensure!(sizes.iter().all(|&size| size == sizes[0]), "its parts are of {sizes:?} action units");
        Ok(())
    }
}

impl LogisticOptions {
    fn fit_clips(&self, set: &ClipSet, training: &[usize]) -> Result<Means> {
        let genuine = inputs::truths(set, training)?;
        inputs::has_units(set)?;
        let rows = inputs::rows(set, training, means)?;
        let standardiser = Standardiser::fit(&rows);
        let logistic = Logistic::fit(&standardiser.apply_all(&rows)?, &genuine, self.c)?;
        Ok(Means { units: set.units.clone(), standardiser, logistic })
    }
}

impl Method for LogisticOptions {
    fn problems(&self) -> Vec<(String, String)> {
        inputs::above_zero("c", self.c).into_iter().collect()
    }

    fn fit(&self, set: &ClipSet, training: &[usize], _: &[usize], _: &mut Work) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(self.fit_clips(set, training)?))
    }

    fn load(&self, set: &ClipSet, folder: &Path, _: &Device, _: Compute) -> Result<Box<dyn Fitted>> {
        let fitted: Means = model::read(&folder.join(FILE))?;
        inputs::same_units(&fitted.units, set)?;
        Ok(Box::new(fitted))
    }
}

impl Fitted for Means {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        if clips.is_empty() {
            return Ok(Vec::new());
        }
        inputs::same_units(&self.units, set)?;
        let rows = self.standardiser.apply_all(&inputs::rows(set, clips, means)?)?;
        rows.iter().map(|row| self.logistic.plane.decision(row)).collect()
    }

    fn save(&self, folder: &Path) -> Result<()> {
        model::write(&folder.join(FILE), self)
    }

    fn parameters(&self) -> usize {
        self.logistic.plane.weights.len() + 1
    }
}

/// Mean of each action unit over the clip's frames.
fn means(clip: &Clip) -> Result<Vec<f64>> {
    let units = inputs::units(clip)?;
    Ok(units.iter().map(|series| series.iter().sum::<f64>() / series.len() as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::super::inputs::drawn::{accuracy, clips};
    use super::*;

    #[test]
    fn means_are_told_apart_and_kept() {
        let mut set = clips(24, 0.5, 3);
        // Levels of subjects hide the difference; without them it shows.
        for clip in &mut set.clips {
            let level: f32 = clip.subject.as_ref().unwrap().parse::<f32>().unwrap().sin();
            clip.units.as_mut().unwrap().values.iter_mut().for_each(|v| *v -= level);
        }
        let (training, test): (Vec<usize>, Vec<usize>) = (0..96).partition(|&at| at < 48);
        let fitted = LogisticOptions::default().fit_clips(&set, &training).unwrap();
        let scores = fitted.scores(&set, &test).unwrap();
        assert!(accuracy(&set, &test, &scores) > 0.8, "{scores:?}");
        assert_eq!(fitted.parameters(), 8);
        let folder = tempfile::tempdir().unwrap();
        fitted.save(folder.path()).unwrap();
        let load =
            |set: &ClipSet| LogisticOptions::default().load(set, folder.path(), &Device::default(), Compute::default());
        assert_eq!(load(&set).unwrap().scores(&set, &test).unwrap(), scores);
        set.units[0] = "AU45".into();
        assert!(load(&set).err().unwrap().to_string().contains("AU45"));
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut set = clips(2, 0.5, 3);
        let said = |set: &ClipSet, c| format!("{:#}", LogisticOptions { c }.fit_clips(set, &[0, 1, 2, 3]).unwrap_err());
        assert!(said(&set, 0.0).contains("above 0"));
        set.clips[1].units = None;
        assert!(said(&set, 1.0).contains("clip 0/0real: it has no action units"));
        set.clips.iter_mut().for_each(|clip| clip.real = Some(true));
        assert!(said(&set, 1.0).contains("all 4 training clips are real"));
    }
}
