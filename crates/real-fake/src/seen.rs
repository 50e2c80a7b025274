//! Which clips a method was fitted on: by their content, so that they are known again under whatever name.

use std::collections::BTreeSet;

use ferrotype_base::digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clip::{Clip, ClipSet};

/// The clips that a method was fitted on and its weights were selected by, as fingerprints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenClips {
    /// Fitted on.
    pub trained: BTreeSet<String>,
    /// Selected by.
    pub selected: BTreeSet<String>,
}

impl SeenClips {
    /// Of the training and validation clips of a set.
    pub fn of(set: &ClipSet, training: &[usize], validation: &[usize]) -> Self {
        let all = |places: &[usize]| places.iter().filter_map(|&i| fingerprint(&set.clips[i])).collect();
        Self { trained: all(training), selected: all(validation) }
    }

    /// Whether clips were fitted on, and whether they selected the weights.
    pub fn knows(&self, clip: &Clip) -> [bool; 2] {
        let Some(print) = fingerprint(clip) else { return [false; 2] };
        let trained = self.trained.contains(&print);
        [trained, !trained && self.selected.contains(&print)]
    }
}

/// The first eight bytes of the sha256 of what a method may look at: action units, landmarks and the descriptor; of a clip
/// that has none of them its video file. None of a clip whose video cannot be read.
fn fingerprint(clip: &Clip) -> Option<String> {
    let mut hash = Sha256::new();
    let series: Vec<_> = [&clip.units, &clip.landmarks].into_iter().flatten().collect();
    if series.is_empty() && clip.descriptor.is_none() {
        std::io::copy(&mut std::fs::File::open(clip.video.as_ref()?).ok()?, &mut hash).ok()?;
    }
    for series in series {
        series.values.iter().for_each(|v| hash.update(v.to_le_bytes()));
        hash.update([0]);
    }
    clip.descriptor.iter().flatten().for_each(|v| hash.update(v.to_le_bytes()));
    Some(digest::hex(&hash.finalize()[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Part, Series};

    fn clip(name: &str, value: f32) -> Clip {
        Clip {
            name: name.into(),
            subject: None,
            emotion: None,
            real: Some(true),
            part: Part::Training,
            seconds: 1.0,
            units: Some(Series { times: vec![0.0, 0.1], values: vec![value, 2.0 * value] }),
            landmarks: None,
            descriptor: None,
            video: None,
        }
    }

    #[test]
    fn clips_are_known_by_their_content() {
        let clips = vec![clip("a", 1.0), clip("b", 2.0), clip("c", 3.0)];
        let seen = SeenClips::of(&ClipSet { clips, ..ClipSet::default() }, &[0], &[1]);
        let known = |value| seen.knows(&clip("other", value));
        assert_eq!([known(1.0), known(2.0), known(3.0)], [[true, false], [false, true], [false, false]]);
    }
}
