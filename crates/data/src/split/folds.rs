//! The fold of each row.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use super::{Stratum, shuffled};
use crate::options::ClassBlocks;
use crate::{FaceSet, Labelled};
use ferrotype_base::random::{Purpose, Stream};

/// Deals each stratum out in turn. Dealing goes on from stratum to stratum, so folds differ by one row at most, in each
/// class as in all.
pub(super) fn stratified(strata: &[Option<Stratum>], k: usize, seed: u64) -> Vec<Option<usize>> {
    let mut folds = vec![None; strata.len()];
    for (i, row) in shuffled(strata, seed).into_iter().flatten().enumerate() {
        folds[row] = Some(i % k);
    }
    folds
}

/// A note where a class does not reach every fold.
pub(super) fn rare_classes(evaluation: &Labelled, k: usize) -> Option<String> {
    let mut counts = vec![0; evaluation.classes.len()];
    (0..evaluation.len()).for_each(|i| counts[evaluation.class(i)] += 1);
    let rare: Vec<&str> =
        evaluation.classes.iter().zip(counts).filter(|(_, n)| *n < k).map(|(name, _)| name.as_str()).collect();
    (!rare.is_empty()).then(|| format!("fewer rows than folds, so some folds lack the class: {}", rare.join(", ")))
}

/// The rows that a fold of consecutive rows of each class tests. All rows are in the order of classes, and within a class of the file; a block
/// that is longer than what is left of its class runs on into the next one, as in the code that this repeats.
pub(super) fn class_block(evaluation: &Labelled, options: &ClassBlocks, fold: usize) -> Result<BTreeSet<usize>> {
    let ClassBlocks { k, rows: blocks } = options;
    let classes = &evaluation.classes;
    ensure!(
        blocks.len() == classes.len(),
        "split.class_blocks.rows has {} numbers; expected one for each of the {} classes ({})",
        blocks.len(),
        classes.len(),
        classes.join(", ")
    );
    let mut order: Vec<usize> = (0..evaluation.len()).collect();
    order.sort_by_key(|&i| (evaluation.class(i), evaluation.rows[i]));
    let (mut rows, mut end) = (BTreeSet::new(), 0);
    for (class, (&block, name)) in blocks.iter().zip(classes).enumerate() {
        let count = order.iter().filter(|&&i| evaluation.class(i) == class).count();
        let first = end;
        end += count;
        ensure!(
            block <= count && first + (k - 1) * block <= order.len(),
            "split.class_blocks.rows asks for {block} rows of {name} in each of {k} folds, and there are {count} in all"
        );
        let from = if fold + 1 == *k { end - block } else { first + fold * block };
        rows.extend(order[from..from + block].iter().map(|&i| evaluation.rows[i] as usize));
    }
    Ok(rows)
}

/// Rows of each subject, in the order of their names.
pub(super) fn subjects(faces: &FaceSet) -> Result<BTreeMap<&str, Vec<usize>>> {
    let Some(names) = &faces.subjects else {
        bail!(
            "this division needs to know who is in each picture, and the dataset ({}) has no subjects: choose `split: own`, \
             `holdout` or `k_fold`, or prepare it from a manifest with a column `subject`",
            faces.provenance.source
        );
    };
    let unknown = names.iter().filter(|n| n.is_empty()).count();
    ensure!(
        unknown == 0,
        "the subject of {unknown} of {} rows is unknown: a division by subject needs all of them; complete the column \
         `subject` or leave those rows out",
        names.len()
    );
    let mut rows = BTreeMap::<&str, Vec<usize>>::new();
    names.iter().enumerate().for_each(|(i, name)| rows.entry(name.as_str()).or_default().push(i));
    Ok(rows)
}

/// Gives each group of rows, the largest first, to the fold that is smallest so far; equals in seeded order. Gives each
/// row with its fold.
pub fn groups_in_folds(mut groups: Vec<Vec<usize>>, k: usize, seed: u64) -> Vec<(usize, usize)> {
    Stream::of(seed, Purpose::Division, &[]).shuffle(&mut groups);
    groups.sort_by_key(|rows| std::cmp::Reverse(rows.len()));
    let (mut folds, mut sizes) = (Vec::new(), vec![0; k]);
    for rows in groups {
        let smallest = (0..k).min_by_key(|&f| sizes[f]).unwrap_or(0);
        sizes[smallest] += rows.len();
        folds.extend(rows.into_iter().map(|row| (row, smallest)));
    }
    folds
}

/// Folds of whole subjects, of like size.
pub(super) fn by_subject(faces: &FaceSet, k: usize, seed: u64) -> Result<Vec<Option<usize>>> {
    let mut folds = vec![None; faces.len()];
    for (row, fold) in groups_in_folds(subjects(faces)?.into_values().collect(), k, seed) {
        folds[row] = Some(fold);
    }
    Ok(folds)
}

/// One fold per subject, in the order of their names.
pub(super) fn each_subject(faces: &FaceSet) -> Result<Vec<Option<usize>>> {
    let mut folds = vec![None; faces.len()];
    for (fold, rows) in subjects(faces)?.into_values().enumerate() {
        rows.into_iter().for_each(|row| folds[row] = Some(fold));
    }
    Ok(folds)
}
