//! Divisions of segments: by whole clips, and system 003's.

use anyhow::{Result, bail};

use super::{Sets, Stratum};
use crate::FaceSet;
use ferrotype_base::random::{Purpose, Stream};

/// Share of the segments that system 003 tests on, and share of the rest that it validates on.
const SYSTEM003: [f64; 2] = [0.2, 0.2];

/// The clip of each row.
pub(super) fn clips(faces: &FaceSet) -> Result<&[u32]> {
    match &faces.segments {
        Some(segments) => Ok(&segments.clips),
        None => bail!(
            "this division is one of clips, and the dataset ({}) holds single pictures: choose `split: own`, `holdout` or \
             `k_fold`",
            faces.provenance.source
        ),
    }
}

/// Number of clips with rows.
pub(super) fn count(faces: &FaceSet) -> Result<usize> {
    Ok(clips(faces)?.iter().collect::<std::collections::BTreeSet<_>>().len())
}

/// The stratum of each clip: that of its first row with one, since all rows of a clip have its label.
pub(super) fn strata(clips: &[u32], rows: &[Option<Stratum>]) -> Vec<Option<Stratum>> {
    let last = clips.iter().max().map_or(0, |&c| c as usize + 1);
    let mut strata = vec![None; last];
    for (&clip, stratum) in clips.iter().zip(rows) {
        let place = &mut strata[clip as usize];
        *place = place.or(*stratum);
    }
    strata
}

/// What was decided of the clips, for each of their rows.
pub(super) fn of_rows<T: Copy>(clips: &[u32], decided: &[T]) -> Vec<T> {
    clips.iter().map(|&clip| decided[clip as usize]).collect()
}

/// System 003's division: scikit-learn's `train_test_split(test_size=0.2, shuffle=True)` over segments, then Keras'
/// `validation_split=0.2`, the last fifth of what is left in its shuffled order. Not stratified. (Its random_state is
/// numpy's, so the rows are others.)
pub(super) fn at_random(strata: &[Option<Stratum>], seed: u64) -> Vec<Sets> {
    let mut rows: Vec<usize> = (0..strata.len()).filter(|&row| strata[row].is_some()).collect();
    Stream::of(seed, Purpose::Division, &[3]).shuffle(&mut rows);
    let tested = (rows.len() as f64 * SYSTEM003[0]).ceil() as usize;
    let trained = tested + ((rows.len() - tested) as f64 * (1.0 - SYSTEM003[1])) as usize;
    let mut sets = vec![Sets::NONE; strata.len()];
    for (place, row) in rows.into_iter().enumerate() {
        sets[row] = if place < tested {
            Sets::TEST
        } else if place < trained {
            Sets::TRAIN
        } else {
            Sets::VALIDATION
        };
    }
    sets
}
