//! What clip length alone tells: the confound that no other method may look at.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ops::Compute;
use crate::real_fake::clip::ClipSet;
use crate::real_fake::method::{Fitted, Method, Work};
use crate::run::files::write_atomic;

/// Options of the confound: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LengthOptions {}

/// A threshold on seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Threshold {
    /// Seconds.
    at: f64,
    /// Whether longer clips are real.
    longer_is_real: bool,
}

const FILE: &str = "length.json";

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
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let threshold: Threshold =
            serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
        Ok(Box::new(threshold))
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
        write_atomic(folder.join(FILE), (serde_json::to_string_pretty(self)? + "\n").as_bytes())
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
}
