//! Pictures that are equal pixel by pixel.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use serde::Serialize;

use super::{Conflict, Duplicates, across};
use crate::{FaceSet, NO_LABEL, NO_PICTURE, Split};

/// Rows that stand on both sides of a division.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Leaks {
    /// Training rows whose picture also stands in the validation or test set.
    pub training: Vec<u32>,
    /// Validation rows whose picture also stands in the training set.
    pub validation: Vec<u32>,
    /// Test rows whose picture also stands in the training set.
    pub test: Vec<u32>,
}

impl Leaks {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.training.is_empty() && self.validation.is_empty() && self.test.is_empty()
    }
}

/// For each row, the first row with the same pixels: itself where there is no earlier one. Of sequences all pictures must
/// be the same, in order.
pub fn copies(faces: &FaceSet) -> Vec<u32> {
    let pictures = first_pictures(faces);
    let Some(segments) = &faces.segments else { return pictures };
    let same = |&n: &u32| pictures.get(n as usize).copied().unwrap_or(NO_PICTURE);
    let mut first = HashMap::with_capacity(faces.len());
    let key = |row: usize| segments.get(row).iter().map(same).collect::<Vec<_>>();
    (0..faces.len()).map(|row| *first.entry(key(row)).or_insert(row as u32)).collect()
}

/// For each picture, the first with the same pixels; in shards, with the same sha256 of them.
fn first_pictures(faces: &FaceSet) -> Vec<u32> {
    fn first<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> Vec<u32> {
        let mut first = HashMap::new();
        keys.zip(0u32..).map(|(key, n)| *first.entry(key).or_insert(n)).collect()
    }
    match &faces.shards {
        Some(shards) => first(shards.list().fingerprints.iter()),
        None => first((0..faces.images.len()).map(|n| faces.images.get(n))),
    }
}

/// Leaks of the dataset's own division.
pub fn leaks(faces: &FaceSet) -> Leaks {
    let rows = |split| (0..faces.len() as u32).filter(|&r| faces.splits[r as usize] == split).collect::<Vec<_>>();
    leaks_between(faces, &rows(Split::Train), &rows(Split::Validation), &rows(Split::Test))
}

/// Leaks between any three sets of rows.
pub fn leaks_between(faces: &FaceSet, training: &[u32], validation: &[u32], test: &[u32]) -> Leaks {
    let first = copies(faces);
    let pictures = |rows: &[u32]| rows.iter().map(|&r| first[r as usize]).collect::<BTreeSet<_>>();
    let trained = pictures(training);
    let held_out: BTreeSet<u32> = pictures(validation).union(&pictures(test)).copied().collect();
    let among = |rows: &[u32], set: &BTreeSet<u32>| {
        rows.iter().copied().filter(|&r| set.contains(&first[r as usize])).collect()
    };
    Leaks { training: among(training, &held_out), validation: among(validation, &trained), test: among(test, &trained) }
}

/// The groups of equal pictures, and what they contradict.
pub(super) fn summarise(faces: &FaceSet, first: &[u32]) -> Duplicates {
    let mut groups = BTreeMap::<u32, Vec<u32>>::new();
    for (row, &original) in first.iter().enumerate() {
        groups.entry(original).or_default().push(row as u32);
    }
    let members: Vec<Vec<u32>> = groups.into_values().filter(|rows| rows.len() > 1).collect();
    let conflicts: Vec<Conflict> = members.iter().filter_map(|rows| conflict(faces, rows)).collect();
    let mut counts = BTreeMap::new();
    for rows in &members {
        let pairs: BTreeSet<String> =
            rows.iter().flat_map(|&a| rows.iter().filter_map(move |&b| across(faces, a, b))).collect();
        pairs.into_iter().for_each(|pair| *counts.entry(pair).or_default() += 1);
    }
    Duplicates {
        groups: members.len(),
        rows: members.iter().map(Vec::len).sum(),
        conflicting_groups: conflicts.len(),
        across: counts,
        members,
        conflicts,
    }
}

fn conflict(faces: &FaceSet, rows: &[u32]) -> Option<Conflict> {
    let labels: Vec<i16> = rows.iter().map(|&r| faces.labels[r as usize]).collect();
    let different = labels.iter().filter(|&&l| l != NO_LABEL).collect::<BTreeSet<_>>().len() > 1;
    let word = |l: &i16| usize::try_from(*l).ok().and_then(|l| faces.classes.get(l).cloned()).unwrap_or_default();
    different.then(|| Conflict { rows: rows.to_vec(), labels: labels.iter().map(word).collect() })
}
