//! What is wrong with a dataset: duplicates, leaks between its parts, contradicting labels, blank pictures, imbalance.

mod duplicates;
mod exposure;
mod looks;
mod near;
mod print;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::{FaceSet, NO_LABEL, Split};

pub use duplicates::{Leaks, copies, leaks, leaks_between};

/// Everything the audit found. Rows are rows of the prepared file, counted from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditReport {
    /// Number of rows.
    pub rows: usize,
    /// The source's name.
    pub source: String,
    /// Pictures that are equal pixel by pixel.
    pub duplicates: Duplicates,
    /// Training rows whose picture also stands in the validation or test set, and the other way round.
    pub leaks: Leaks,
    /// Pictures that show the same photograph in another crop, size, contrast or compression.
    pub near_duplicates: NearDuplicates,
    /// Pictures of a single grey value or colour.
    pub blank: Vec<u32>,
    /// Subjects in more than one part; none where the dataset names no subjects.
    pub subjects: Option<SubjectOverlap>,
    /// Rows per class and part.
    pub classes: Vec<ClassCount>,
    /// Rows of the largest class for each row of the smallest that is not empty.
    pub imbalance: f64,
    /// Pictures much darker or brighter than the others.
    pub brightness: Brightness,
}

/// Pictures that are equal pixel by pixel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duplicates {
    /// Number of groups of equal pictures.
    pub groups: usize,
    /// Rows in these groups.
    pub rows: usize,
    /// Groups whose rows have different labels.
    pub conflicting_groups: usize,
    /// Groups with rows in two parts, by the names of the parts.
    pub across: BTreeMap<String, usize>,
    /// The rows of each group.
    pub members: Vec<Vec<u32>>,
    /// The groups whose rows have different labels.
    pub conflicts: Vec<Conflict>,
}

/// Equal pictures with different labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict {
    /// The rows.
    pub rows: Vec<u32>,
    /// The class of each row.
    pub labels: Vec<String>,
}

/// Pictures that are nearly equal, without those that are equal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearDuplicates {
    /// Number of pairs. Of equal pictures only the first is compared.
    pub pairs: usize,
    /// Pairs with rows in two parts, by the names of the parts.
    pub across: BTreeMap<String, usize>,
    /// The pairs, most similar first.
    pub members: Vec<NearPair>,
}

/// Two nearly equal pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearPair {
    /// The two rows.
    pub rows: [u32; 2],
    /// Correlation of their pixels.
    pub correlation: f32,
}

/// Subjects in more than one part of the dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubjectOverlap {
    /// Number of known subjects.
    pub subjects: usize,
    /// Rows without a known subject.
    pub unknown_rows: usize,
    /// Subjects with rows in more than one part.
    pub overlapping: Vec<String>,
}

/// Rows of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassCount {
    /// The class.
    pub class: String,
    /// Rows per part: training, validation, test, none.
    pub rows: [usize; 4],
}

/// Mean brightness of the pictures, 0 to 255.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Brightness {
    /// Median over the dataset.
    pub median: f64,
    /// Median absolute deviation from it.
    pub deviation: f64,
    /// Rows that are much darker.
    pub dark: Vec<u32>,
    /// Rows that are much brighter.
    pub bright: Vec<u32>,
}

/// Audits the whole set.
///
/// # Errors
/// When a picture cannot be read.
pub fn audit(faces: &FaceSet) -> Result<AuditReport> {
    let first = copies(faces);
    let looks = looks::take(faces)?;
    let classes = class_counts(faces);
    Ok(AuditReport {
        rows: faces.len(),
        source: faces.provenance.source.clone(),
        duplicates: duplicates::summarise(faces, &first),
        leaks: leaks(faces),
        near_duplicates: near::find(faces, &first, &looks)?,
        blank: exposure::blank(&looks),
        subjects: subject_overlap(faces),
        imbalance: imbalance(&classes),
        classes,
        brightness: exposure::brightness(&looks),
    })
}

/// The names of the parts, in the order of [`Split`].
pub(super) const PARTS: [&str; 4] = ["training", "validation", "test", "no part"];

/// Counts rows per class and part.
pub(super) fn class_counts(faces: &FaceSet) -> Vec<ClassCount> {
    let mut counts: Vec<ClassCount> =
        faces.classes.iter().map(|c| ClassCount { class: c.clone(), rows: [0; 4] }).collect();
    for (label, split) in faces.labels.iter().zip(&faces.splits).filter(|(label, _)| **label != NO_LABEL) {
        counts[*label as usize].rows[*split as usize] += 1;
    }
    counts
}

fn imbalance(classes: &[ClassCount]) -> f64 {
    let totals = classes.iter().map(|c| c.rows.iter().sum::<usize>()).filter(|&n| n > 0);
    let (least, most) = totals.fold((usize::MAX, 0), |(least, most), n| (least.min(n), most.max(n)));
    if most == 0 { 1.0 } else { most as f64 / least as f64 }
}

fn subject_overlap(faces: &FaceSet) -> Option<SubjectOverlap> {
    let names = faces.subjects.as_ref()?;
    let mut parts = BTreeMap::<&str, [bool; 4]>::new();
    for (name, split) in names.iter().zip(&faces.splits).filter(|(name, _)| !name.is_empty()) {
        parts.entry(name).or_default()[*split as usize] = true;
    }
    let overlapping = parts
        .iter()
        .filter(|(_, seen)| seen[..Split::Unassigned as usize].iter().filter(|&&s| s).count() > 1)
        .map(|(name, _)| (*name).to_string())
        .collect();
    let unknown_rows = names.iter().filter(|n| n.is_empty()).count();
    Some(SubjectOverlap { subjects: parts.len(), unknown_rows, overlapping })
}

/// The pair of parts that two rows stand in, for counting; none where it is one part, or either row is in none.
fn across(faces: &FaceSet, a: u32, b: u32) -> Option<String> {
    let mut pair = [faces.splits[a as usize], faces.splits[b as usize]];
    pair.sort();
    let [a, b] = pair;
    (a != b && b != Split::Unassigned).then(|| format!("{} and {}", PARTS[a as usize], PARTS[b as usize]))
}

#[cfg(test)]
mod tests;
