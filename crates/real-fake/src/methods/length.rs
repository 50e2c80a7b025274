//! What clip length alone tells: the confound that no other method may look at.

use std::path::Path;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use ferrotype_classic::model;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clip::ClipSet;
use crate::method::{Fitted, Method, Work};
use ferrotype_ops::Compute;

/// Options of the confound: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LengthOptions {}

/// A threshold on seconds: what the file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    /// Seconds.
    at: f64,
    /// Whether longer clips are real.
    longer_is_real: bool,
}

const FILE: &str = "length.json";

impl model::Fitted for Threshold {
    const KIND: &'static str = "real_fake_length";
}

impl Method for LengthOptions {
    fn fit(&self, set: &ClipSet, training: &[usize], _: &[usize], _: &mut Work) -> Result<Box<dyn Fitted>> {
        let known = |&i: &usize| set.clips[i].real.map(|real| (set.clips[i].seconds, real));
        let mut clips: Vec<(f64, bool)> = training.iter().filter_map(known).collect();
        clips.sort_by(|a, b| a.0.total_cmp(&b.0));
        let real = clips.iter().filter(|c| c.1).count();
        ensure!(
            real > 0 && real < clips.len(),
            "the training clips are all {}",
            if real > 0 { "real" } else { "fake" }
        );
        Ok(Box::new(best(&clips, real)))
    }

    fn load(&self, _: &ClipSet, folder: &Path, _: &Device, _: Compute) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(model::read::<Threshold>(&folder.join(FILE))?))
    }
}

/// The threshold between two lengths that divides the sorted clips with the fewest errors; the first of equals.
fn best(clips: &[(f64, bool)], real: usize) -> Threshold {
    let mut found = (0, Threshold { at: 0.0, longer_is_real: true });
    let mut real_below = 0;
    for (i, pair) in clips.windows(2).enumerate() {
        real_below += usize::from(pair[0].1);
        if pair[0].0 == pair[1].0 {
            continue;
        }
        let hits = (i + 1 - real_below) + (real - real_below);
        let at = f64::midpoint(pair[0].0, pair[1].0);
        for (hits, longer_is_real) in [(hits, true), (clips.len() - hits, false)] {
            if hits > found.0 {
                found = (hits, Threshold { at, longer_is_real });
            }
        }
    }
    found.1
}

impl Fitted for Threshold {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        let sign = if self.longer_is_real { 1.0 } else { -1.0 };
        Ok(clips.iter().map(|&i| sign * (set.clips[i].seconds - self.at)).collect())
    }

    fn save(&self, folder: &Path) -> Result<()> {
        model::write(&folder.join(FILE), self)
    }

    fn parameters(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_with_the_fewest_errors_wins() {
        let clips = [(1.0, false), (2.0, false), (3.0, true), (3.0, false), (4.0, true), (6.0, true)];
        let found = best(&clips, 3);
        assert!(found.longer_is_real);
        // Below 2.5 two fakes; above it three real and one fake: five of six. Between 3 and 4: five of six, later.
        assert_eq!(found.at, 2.5);
        let turned: Vec<(f64, bool)> = clips.iter().map(|&(s, r)| (s, !r)).collect();
        assert!(!best(&turned, 3).longer_is_real);
    }

    #[test]
    fn the_threshold_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let fitted = Threshold { at: 0.1 + 0.2, longer_is_real: false };
        fitted.save(folder.path()).unwrap();
        assert_eq!(model::read::<Threshold>(&folder.path().join(FILE)).unwrap(), fitted);
        std::fs::write(folder.path().join(FILE), "{\"at\": 2.0}").unwrap();
        let load =
            LengthOptions::default().load(&ClipSet::default(), folder.path(), &Device::default(), Compute::default());
        assert!(format!("{:#}", load.err().unwrap()).contains("length.json"));
    }
}
