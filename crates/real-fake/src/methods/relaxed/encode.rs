//! Looking at the clips of a set: several at once, each once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::Content;
use super::frames::FrameEncoder;
use crate::clip::{Clip, ClipSet, Series};

/// Clips that are encoded together, and so between two looks at whether to stop.
const AT_ONCE: usize = 16;

/// The steps of the clips that were encoded, by their videos: each is decoded once.
pub type EncodedClips = RefCell<BTreeMap<PathBuf, Series>>;

impl Content {
    /// A set whose clips have the steps in the place of action units, at the places of the clips that were encoded.
    /// `told` hears how many were, and may end it.
    ///
    /// # Errors
    /// When a clip has no video, or one that cannot be decoded; and what `told` says.
    pub fn seen(
        &self,
        set: &ClipSet,
        clips: &[usize],
        encoder: &FrameEncoder,
        encoded: &EncodedClips,
        mut told: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<ClipSet> {
        let (mut encoded, mut steps) = (encoded.borrow_mut(), BTreeMap::new());
        for together in clips.chunks(AT_ONCE) {
            let known: &BTreeMap<PathBuf, Series> = &encoded;
            let look = |&i: &usize| self.look(&set.clips[i], encoder, known);
            let found: Vec<Result<Series>> = together.par_iter().map(look).collect();
            for (&i, series) in together.iter().zip(found) {
                let series = series?;
                encoded.extend(set.clips[i].video.clone().map(|path| (path, series.clone())));
                steps.insert(i, series);
            }
            told(steps.len(), clips.len())?;
        }
        Ok(self.with_steps(set, steps))
    }

    fn look(&self, clip: &Clip, encoder: &FrameEncoder, known: &BTreeMap<PathBuf, Series>) -> Result<Series> {
        if let Some(series) = clip.video.as_ref().and_then(|path| known.get(path)) {
            return Ok(series.clone());
        }
        let series = encoder.watch(clip, &self.options, &self.sketches[0]);
        series.with_context(|| format!("clip {} cannot be used", clip.name))
    }

    /// A set with these steps in the place of action units.
    pub fn with_steps(&self, set: &ClipSet, mut steps: BTreeMap<usize, Series>) -> ClipSet {
        let clip = |(i, c): (usize, &Clip)| Clip { units: steps.remove(&i), landmarks: None, ..c.clone() };
        ClipSet {
            units: (0..self.options.memory.sketch).map(|i| format!("sketch {i}")).collect(),
            clips: set.clips.iter().enumerate().map(clip).collect(),
            ..set.clone()
        }
    }
}
