//! Division into training, validation and test sets.

mod clips;
mod folds;

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

use super::options::{ClassBlocks, Holdout, SplitRule};
use super::{FaceSet, Labelled, Split};
use ferrotype_base::random::{Purpose, Stream};

pub use folds::groups_in_folds;

/// Which examples stand in which set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Division {
    /// Examples of the labelling for training.
    pub train: Vec<usize>,
    /// Examples of the labelling for evaluation.
    pub validation: Vec<usize>,
    /// Examples of the labelling for evaluation.
    pub test: Vec<usize>,
    /// What a reader should know, one line each.
    pub notes: Vec<String>,
}

/// How a dataset is to be divided.
#[derive(Clone, Copy, Debug)]
pub struct Dividing<'a> {
    /// The rule.
    pub rule: &'a SplitRule,
    /// The fold that is tested, for rules that make folds.
    pub fold: usize,
    /// Whether there is a validation set.
    pub has_validation: bool,
}

/// Part of a dataset without validation rows that is taken for validation by [`SplitRule::Own`].
const BORROWED: Holdout = Holdout { validation: 0.1, test: 0.0 };

/// Divides a dataset by `how.rule`. `train` and `evaluation` are its rows as labelled for either role; random choices
/// depend on `seed` alone. `how.fold` is the fold that is tested, for rules that make folds. Without a validation set
/// (`how.has_validation`) what a rule would keep back for it is trained on; only a dataset's own validation rows,
/// which its authors keep apart, are left out.
///
/// # Errors
/// When the dataset cannot be divided so: it has no division or subjects of its own, or too few rows; and when a set
/// would be empty.
pub fn divide(
    faces: &FaceSet,
    train: &Labelled,
    evaluation: &Labelled,
    how: &Dividing<'_>,
    seed: u64,
) -> Result<Division> {
    let &Dividing { rule, fold, has_validation } = how;
    let count = folds(faces, how)?;
    ensure!(fold < count, "fold {fold} does not exist: this division has {count}, counted from 0");
    let mut notes = Vec::new();
    let sets = match rule {
        SplitRule::Own if has_validation => own(faces, train, evaluation, seed, &mut notes)?,
        SplitRule::Own => own_without_validation(faces, &mut notes)?,
        SplitRule::TestAsValidation => {
            has_own(faces)?;
            notes.push("validation and test set are the same rows: selecting on one is selecting on the other".into());
            faces.splits.iter().map(|&s| Sets::of(s, true)).collect()
        }
        SplitRule::Holdout(part) => {
            let part = fractions(part, has_validation)?;
            holdout(&strata(faces.len(), train, evaluation), &part, seed)
        }
        SplitRule::KFold(o) => {
            let strata = strata(faces.len(), train, evaluation);
            notes.extend(folds::rare_classes(evaluation, o.k));
            from_folds(&folds::stratified(&strata, o.k, seed), count, how)
        }
        SplitRule::SubjectKFold(o) => from_folds(&folds::by_subject(faces, o.k, seed)?, count, how),
        SplitRule::ClassBlocks(o) => {
            notes.push(
                "LEAKING division: each fold tests consecutive rows of every class, so that people and sequences stand in training \
                 and in the test set"
                    .into(),
            );
            class_blocks(&strata(faces.len(), train, evaluation), evaluation, o, how)?
        }
        SplitRule::LeaveOneSubjectOut => from_folds(&folds::each_subject(faces)?, count, how),
        SplitRule::ClipKFold(o) => {
            let clips = clips::clips(faces)?;
            let strata = clips::strata(clips, &strata(faces.len(), train, evaluation));
            from_folds(&clips::of_rows(clips, &folds::stratified(&strata, o.k, seed)), count, how)
        }
        SplitRule::ClipHoldout(part) => {
            let part = fractions(part, has_validation)?;
            let clips = clips::clips(faces)?;
            let strata = clips::strata(clips, &strata(faces.len(), train, evaluation));
            clips::of_rows(clips, &holdout(&strata, &part, seed))
        }
        SplitRule::SegmentsAtRandom => {
            clips::clips(faces)?;
            notes.push(
                "LEAKING division: segments were divided at random, as in system 003, so that segments of one clip stand \
                 in training and in the test set"
                    .into(),
            );
            clips::at_random(&strata(faces.len(), train, evaluation), seed)
        }
    };
    let mut division = collect(&sets, train, evaluation);
    division.notes = notes;
    check(&division, how)?;
    Ok(division)
}

/// Number of folds of `how.rule`; 1 for rules that make none.
///
/// # Errors
/// When there are too few folds, rows or subjects.
pub fn folds(faces: &FaceSet, how: &Dividing<'_>) -> Result<usize> {
    let (least, parts) = match how.has_validation {
        true => (3, "to train, to validate and to test"),
        false => (2, "to train and to test"),
    };
    let of = |k: usize, available: usize, what: &str| {
        ensure!(k >= least, "split: k is {k}; at least {least} folds are needed: {parts}");
        ensure!(k <= available, "split: k is {k}, and the dataset has only {available} {what}");
        Ok(k)
    };
    match how.rule {
        SplitRule::Own
        | SplitRule::TestAsValidation
        | SplitRule::Holdout(_)
        | SplitRule::ClipHoldout(_)
        | SplitRule::SegmentsAtRandom => Ok(1),
        SplitRule::ClipKFold(o) => of(o.k, clips::count(faces)?, "clips"),
        SplitRule::KFold(o) => of(o.k, faces.len(), "rows"),
        SplitRule::ClassBlocks(o) => of(o.k, faces.len(), "rows"),
        SplitRule::SubjectKFold(o) => of(o.k, folds::subjects(faces)?.len(), "subjects"),
        SplitRule::LeaveOneSubjectOut => {
            let subjects = folds::subjects(faces)?.len();
            ensure!(
                subjects >= least,
                "split: leaving one subject out needs at least {least} subjects; the dataset has {subjects}"
            );
            Ok(subjects)
        }
    }
}

/// The sets that a row of the face set stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sets {
    train: bool,
    validation: bool,
    test: bool,
}

impl Sets {
    const NONE: Self = Self { train: false, validation: false, test: false };
    const TRAIN: Self = Self { train: true, ..Self::NONE };
    const VALIDATION: Self = Self { validation: true, ..Self::NONE };
    const TEST: Self = Self { test: true, ..Self::NONE };

    /// The dataset's own place; with `merged`, validation and test rows stand in both sets.
    fn of(split: Split, merged: bool) -> Self {
        match split {
            Split::Train => Self::TRAIN,
            Split::Validation if !merged => Self::VALIDATION,
            Split::Test if !merged => Self::TEST,
            Split::Validation | Split::Test => Self { validation: true, test: true, ..Self::NONE },
            Split::Unassigned => Self::NONE,
        }
    }
}

fn has_own(faces: &FaceSet) -> Result<()> {
    ensure!(
        faces.splits.iter().any(|&s| s != Split::Unassigned),
        "this dataset has no division of its own: choose `split: holdout`, `k_fold`, `subject_k_fold` or \
         `leave_one_subject_out`"
    );
    Ok(())
}

fn own(
    faces: &FaceSet,
    train: &Labelled,
    evaluation: &Labelled,
    seed: u64,
    notes: &mut Vec<String>,
) -> Result<Vec<Sets>> {
    has_own(faces)?;
    let mut sets: Vec<Sets> = faces.splits.iter().map(|&s| Sets::of(s, false)).collect();
    let has = |split| faces.splits.contains(&split);
    if !has(Split::Validation) && has(Split::Train) && has(Split::Test) {
        let mut strata = strata(faces.len(), train, evaluation);
        strata.iter_mut().zip(&faces.splits).filter(|(_, s)| **s != Split::Train).for_each(|(key, _)| *key = None);
        let mut taken = 0;
        for (set, part) in sets.iter_mut().zip(holdout(&strata, &BORROWED, seed)).filter(|(_, part)| part.validation) {
            *set = part;
            taken += 1;
        }
        notes.push(format!(
            "the dataset has no validation rows of its own: {taken} of its training rows (a tenth, stratified, chosen by \
             the seed) are the validation set"
        ));
    }
    Ok(sets)
}

/// The dataset's own training and test rows.
fn own_without_validation(faces: &FaceSet, notes: &mut Vec<String>) -> Result<Vec<Sets>> {
    has_own(faces)?;
    let unused = faces.splits.iter().filter(|&&s| s == Split::Validation).count();
    if unused > 0 {
        notes.push(format!("no validation set: the dataset's own {unused} validation rows are not used"));
    }
    let place = |&split: &Split| if split == Split::Validation { Sets::NONE } else { Sets::of(split, false) };
    Ok(faces.splits.iter().map(place).collect())
}

/// The fractions of a random division; that of the validation set is 0 where there is none.
fn fractions(part: &Holdout, has_validation: bool) -> Result<Holdout> {
    let part = Holdout { validation: if has_validation { part.validation } else { 0.0 }, test: part.test };
    let parts = [("validation", part.validation), ("test", part.test)];
    for (name, value) in parts.into_iter().filter(|(name, _)| has_validation || *name == "test") {
        ensure!(value > 0.0 && value < 1.0, "split.holdout.{name} is {value}; a fraction between 0 and 1 is expected");
    }
    ensure!(
        part.validation + part.test < 1.0,
        "split.holdout: validation {} and test {} leave nothing to train on",
        part.validation,
        part.test
    );
    Ok(part)
}

/// Rows that are divided alike: of one class for evaluation and one for training.
type Stratum = (Option<usize>, Option<usize>);

/// The stratum of each row; none for rows without any label.
fn strata(rows: usize, train: &Labelled, evaluation: &Labelled) -> Vec<Option<Stratum>> {
    let mut keys: Vec<Stratum> = vec![(None, None); rows];
    (0..evaluation.len()).for_each(|i| keys[evaluation.rows[i] as usize].0 = Some(evaluation.class(i)));
    (0..train.len()).for_each(|i| keys[train.rows[i] as usize].1 = Some(train.class(i)));
    keys.into_iter().map(|key| (key != (None, None)).then_some(key)).collect()
}

/// The rows of each stratum in seeded order.
fn shuffled(strata: &[Option<Stratum>], seed: u64) -> Vec<Vec<usize>> {
    let mut groups = std::collections::BTreeMap::<Stratum, Vec<usize>>::new();
    for (row, key) in strata.iter().enumerate() {
        if let Some(key) = key {
            groups.entry(*key).or_default().push(row);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    for (i, group) in groups.iter_mut().enumerate() {
        Stream::of(seed, Purpose::Division, &[i as u64]).shuffle(group);
    }
    groups
}

/// Takes the fractions from each stratum; what rounding leaves over is carried to the next, so totals are right too.
fn holdout(strata: &[Option<Stratum>], part: &Holdout, seed: u64) -> Vec<Sets> {
    let mut sets = vec![Sets::NONE; strata.len()];
    let parts = [(part.test, Sets::TEST), (part.validation, Sets::VALIDATION)];
    let mut carried = [0.0; 2];
    for group in shuffled(strata, seed) {
        let size = group.len() as f64;
        let mut rows = group.into_iter();
        for ((fraction, set), carry) in parts.into_iter().zip(&mut carried) {
            let wanted = size * fraction + *carry;
            let taken = rows.by_ref().take(wanted.round().max(0.0) as usize).map(|row| sets[row] = set).count();
            *carry = wanted - taken as f64;
        }
        rows.for_each(|row| sets[row] = Sets::TRAIN);
    }
    sets
}

/// The rows of a fold's blocks are the test set, those of the next one the validation set, where there is one; rows may stand in the blocks
/// of several folds.
fn class_blocks(
    strata: &[Option<Stratum>],
    evaluation: &Labelled,
    options: &ClassBlocks,
    how: &Dividing<'_>,
) -> Result<Vec<Sets>> {
    let tested = folds::class_block(evaluation, options, how.fold)?;
    let validated = match how.has_validation {
        true => folds::class_block(evaluation, options, (how.fold + 1) % options.k)?,
        false => BTreeSet::new(),
    };
    let set = |(row, key): (usize, &Option<Stratum>)| match key {
        None => Sets::NONE,
        Some(_) if tested.contains(&row) => Sets::TEST,
        Some(_) if validated.contains(&row) => Sets::VALIDATION,
        Some(_) => Sets::TRAIN,
    };
    Ok(strata.iter().enumerate().map(set).collect())
}

/// Fold `how.fold` is the test set and the next one the validation set, where there is one.
fn from_folds(folds: &[Option<usize>], count: usize, how: &Dividing<'_>) -> Vec<Sets> {
    let tested = how.fold;
    folds
        .iter()
        .map(|fold| match fold {
            None => Sets::NONE,
            Some(f) if *f == tested => Sets::TEST,
            Some(f) if *f == (tested + 1) % count && how.has_validation => Sets::VALIDATION,
            Some(_) => Sets::TRAIN,
        })
        .collect()
}

fn collect(sets: &[Sets], train: &Labelled, evaluation: &Labelled) -> Division {
    let of = |labelled: &Labelled, wanted: fn(&Sets) -> bool| {
        (0..labelled.len()).filter(|&i| wanted(&sets[labelled.rows[i] as usize])).collect()
    };
    Division {
        train: of(train, |s| s.train),
        validation: of(evaluation, |s| s.validation),
        test: of(evaluation, |s| s.test),
        notes: Vec::new(),
    }
}

fn check(division: &Division, how: &Dividing<'_>) -> Result<()> {
    for (set, name) in [(&division.train, "training"), (&division.validation, "validation"), (&division.test, "test")] {
        if !set.is_empty() || (name == "validation" && !how.has_validation) {
            continue;
        }
        match how.rule {
            SplitRule::Own => bail!(
                "the dataset's own division has no usable {name} rows: choose `split: test_as_validation` if its held-out rows are \
                 to serve as both validation and test set, or `split: holdout`"
            ),
            _ => bail!("the division leaves no {name} rows: the dataset is too small for it"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
