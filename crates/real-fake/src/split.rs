//! Which clips are trained on, which select weights, and which are tested on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clip::{CLASSES, ClipSet, Part};
use super::data::RealFakeData;
use ferrotype_base::random::{Purpose, Stream};
use ferrotype_data::split::groups_in_folds;

/// How clips are divided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RealFakeSplit {
    /// The dataset's own: trained on its training part, tested on its validation part.
    #[default]
    Official,
    /// Folds of whole subjects, of like size.
    SubjectKFold(SubjectKFold),
    /// Folds by the remainder of the subject's number: NIT-OVGU's are of 10.
    SubjectModulo(SubjectModulo),
    /// Folds of clips, alike in class and emotion. Only for sets whose subjects are unknown: clips of one person may stand
    /// on both sides.
    KFold(SubjectKFold),
}

/// Options of `subject_k_fold` and `k_fold`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubjectKFold {
    /// Number of folds.
    pub k: usize,
}

impl Default for SubjectKFold {
    fn default() -> Self {
        Self { k: 10 }
    }
}

/// Options of `subject_modulo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubjectModulo {
    /// The divisor.
    pub by: usize,
}

impl Default for SubjectModulo {
    fn default() -> Self {
        Self { by: 10 }
    }
}

impl RealFakeSplit {
    /// Number of folds; `None` for the official division.
    pub fn folds(&self) -> Option<usize> {
        match self {
            Self::Official => None,
            Self::SubjectKFold(o) | Self::KFold(o) => Some(o.k),
            Self::SubjectModulo(o) => Some(o.by),
        }
    }

    /// In words, for reports.
    pub fn describe(&self, fold: usize) -> String {
        match self {
            Self::Official => "the dataset's own: tested on its validation part".into(),
            Self::SubjectKFold(o) => format!("fold {fold} of {} folds of whole subjects", o.k),
            Self::SubjectModulo(o) => format!("fold {fold} of the folds by subject modulo {}", o.by),
            Self::KFold(o) => format!("fold {fold} of {} folds of clips (subjects may stand on both sides)", o.k),
        }
    }
}

/// A division. All are places in [`ClipSet::clips`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Division {
    /// Trained on; both classes occur.
    pub training: Vec<usize>,
    /// Selects the weights of networks; empty where the method has none.
    pub validation: Vec<usize>,
    /// Tested on; all have a truth.
    pub test: Vec<usize>,
    /// Scored without a truth: the official division's test part.
    pub unlabelled: Vec<usize>,
    /// What a reader should know, one sentence each.
    pub notes: Vec<String>,
}

/// Divides the clips. With `selects`, a part of the training clips is kept back to select weights.
///
/// # Errors
/// When the clips cannot be divided so: subjects or parts are unknown, a fold does not exist or is empty, or the training
/// clips are of one class.
pub fn divide(set: &ClipSet, data: &RealFakeData, selects: bool, seed: u64) -> Result<Division> {
    let mut notes = Vec::new();
    let labelled: Vec<usize> = (0..set.clips.len()).filter(|&i| set.clips[i].real.is_some()).collect();
    ensure!(!labelled.is_empty(), "none of the {} clips says whether it is real or fake", set.clips.len());
    let mut unlabelled: Vec<usize> = (0..set.clips.len()).filter(|&i| set.clips[i].real.is_none()).collect();
    let (mut training, test): (Vec<usize>, Vec<usize>) = match folds(set, &data.split, &labelled, seed)? {
        None => {
            let of = |part: Part| labelled.iter().copied().filter(|&i| set.clips[i].part == part).collect();
            let held_back = labelled.iter().filter(|&&i| set.clips[i].part == Part::Test).count();
            if held_back > 0 {
                notes.push(format!("{held_back} labelled clips of the test part are neither trained on nor tested on"));
            }
            (of(Part::Training), of(Part::Validation))
        }
        Some(folds) => {
            unlabelled.clear();
            let count = data.split.folds().unwrap_or_default();
            ensure!(data.fold < count, "data.fold is {}: this division has the folds 0 to {}", data.fold, count - 1);
            let (test, rest): (Vec<_>, Vec<_>) = labelled.iter().zip(folds).partition(|(_, fold)| *fold == data.fold);
            let places = |pairs: Vec<(&usize, usize)>| pairs.into_iter().map(|(&i, _)| i).collect();
            (places(rest), places(test))
        }
    };
    check(set, data, &training, &test, &mut notes)?;
    let mut validation = Vec::new();
    if selects {
        let kept = kept_back(set, &training, data.validation, seed, &mut notes)?;
        (validation, training) = training.into_iter().partition(|i| kept.contains(i));
        both_classes(set, &training).context("without the clips that select the weights (data.validation)")?;
    }
    Ok(Division { training, validation, test, unlabelled, notes })
}

/// How many folds can be trained.
///
/// # Errors
/// When the division makes none, or cannot be made of these clips.
pub fn fold_count(set: &ClipSet, data: &RealFakeData, seed: u64) -> Result<usize> {
    let labelled: Vec<usize> = (0..set.clips.len()).filter(|&i| set.clips[i].real.is_some()).collect();
    folds(set, &data.split, &labelled, seed)?;
    match data.split.folds() {
        Some(count) => Ok(count),
        None => bail!("--folds needs a split that makes folds: subject_k_fold, subject_modulo or k_fold"),
    }
}

/// The fold of each labelled clip; `None` for the official division.
fn folds(set: &ClipSet, rule: &RealFakeSplit, labelled: &[usize], seed: u64) -> Result<Option<Vec<usize>>> {
    match rule {
        RealFakeSplit::Official => Ok(None),
        RealFakeSplit::SubjectKFold(o) => {
            let groups = subjects(set, labelled)?;
            ensure!(
                groups.len() >= o.k,
                "data.split: {} folds of whole subjects need as many subjects, and the clips show {} ({})",
                o.k,
                groups.len(),
                groups.keys().next().map_or_else(String::new, |first| format!("{first} and so on"))
            );
            let mut folds = vec![0; set.clips.len()];
            let dealt = groups_in_folds(groups.into_values().collect(), o.k, seed);
            dealt.into_iter().for_each(|(clip, fold)| folds[clip] = fold);
            Ok(Some(labelled.iter().map(|&i| folds[i]).collect()))
        }
        RealFakeSplit::SubjectModulo(o) => {
            let groups = subjects(set, labelled)?;
            ensure!(
                groups.len() >= 2,
                "data.split: folds by subject need at least two subjects; all clips show subject {}",
                groups.keys().next().unwrap_or(&"")
            );
            let fold = |&i: &usize| {
                let subject = set.clips[i].subject.as_deref().unwrap_or_default();
                let number: usize = subject.parse().with_context(|| {
                    format!("data.split: subject `{subject}` is not a number, so it has no remainder")
                })?;
                Ok(number % o.by)
            };
            Ok(Some(labelled.iter().map(fold).collect::<Result<_>>()?))
        }
        RealFakeSplit::KFold(o) => {
            ensure!(labelled.len() >= o.k, "data.split: {} folds of {} clips", o.k, labelled.len());
            let mut folds = vec![0; set.clips.len()];
            for (place, clip) in shuffled_strata(set, labelled, seed).into_iter().flatten().enumerate() {
                folds[clip] = place % o.k;
            }
            Ok(Some(labelled.iter().map(|&i| folds[i]).collect()))
        }
    }
}

/// Clips of each subject.
fn subjects<'a>(set: &'a ClipSet, clips: &[usize]) -> Result<BTreeMap<&'a str, Vec<usize>>> {
    let mut groups = BTreeMap::<&str, Vec<usize>>::new();
    for &i in clips {
        let Some(subject) = set.clips[i].subject.as_deref() else {
            bail!(
                "data.split: clip {} does not say who is seen, and folds of subjects need to know; choose `official` or \
                 `k_fold`, or give subjects",
                set.clips[i].name
            );
        };
        groups.entry(subject).or_default().push(i);
    }
    Ok(groups)
}

/// Clips of each class and emotion, in random order.
fn shuffled_strata(set: &ClipSet, clips: &[usize], seed: u64) -> Vec<Vec<usize>> {
    let mut strata = BTreeMap::<_, Vec<usize>>::new();
    for &i in clips {
        strata.entry((set.clips[i].real, set.clips[i].emotion)).or_default().push(i);
    }
    let mut strata: Vec<Vec<usize>> = strata.into_values().collect();
    for (place, clips) in strata.iter_mut().enumerate() {
        Stream::of(seed, Purpose::Division, &[place as u64]).shuffle(clips);
    }
    strata
}

fn check(
    set: &ClipSet,
    data: &RealFakeData,
    training: &[usize],
    test: &[usize],
    notes: &mut Vec<String>,
) -> Result<()> {
    let own = data.split == RealFakeSplit::Official;
    for (clips, name) in [(training, "training"), (test, "validation")] {
        ensure!(
            !own || !clips.is_empty(),
            "data.split: the dataset's own division has no labelled {name} clips; choose `subject_k_fold` or `k_fold`"
        );
    }
    ensure!(!test.is_empty(), "data.split: fold {} holds no clips", data.fold);
    ensure!(!training.is_empty(), "data.split: all clips stand in fold {}, and none is left to train on", data.fold);
    both_classes(set, training)?;
    let classes: BTreeSet<Option<bool>> = test.iter().map(|&i| set.clips[i].real).collect();
    if classes.len() < 2 {
        let only = CLASSES[usize::from(set.clips[test[0]].real == Some(true))];
        notes.push(format!("all tested clips are {only}: their accuracy says nothing of the other class"));
    }
    let people =
        |clips: &[usize]| -> BTreeSet<&str> { clips.iter().filter_map(|&i| set.clips[i].subject.as_deref()).collect() };
    let common = people(training).intersection(&people(test)).count();
    if common > 0 {
        notes.push(format!("{common} subjects stand in the training clips as well as in the tested ones"));
    }
    Ok(())
}

fn both_classes(set: &ClipSet, clips: &[usize]) -> Result<()> {
    let real = clips.iter().filter(|&&i| set.clips[i].real == Some(true)).count();
    ensure!(
        real > 0 && real < clips.len(),
        "the {} training clips are all {}: a method needs both classes",
        clips.len(),
        if real > 0 { "real" } else { "fake" }
    );
    Ok(())
}

/// The training clips that select weights.
fn kept_back(
    set: &ClipSet,
    training: &[usize],
    part: f64,
    seed: u64,
    notes: &mut Vec<String>,
) -> Result<BTreeSet<usize>> {
    let wanted = ((part * training.len() as f64).round() as usize).max(1);
    let groups = subjects(set, training).ok().filter(|groups| groups.len() >= 3);
    let mut kept = BTreeSet::new();
    if let Some(groups) = groups {
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        Stream::of(seed, Purpose::Division, &[u64::MAX]).shuffle(&mut groups);
        for group in groups {
            // At least one subject; another only while more than half of it is wanted.
            if !kept.is_empty() && kept.len() + group.len() / 2 >= wanted {
                break;
            }
            kept.extend(group);
        }
    } else {
        // The next clip of the stratum of which the smallest part is kept so far.
        let mut strata: Vec<(usize, Vec<usize>)> =
            shuffled_strata(set, training, seed).into_iter().map(|clips| (0, clips)).collect();
        while kept.len() < wanted {
            let share = |s: &(usize, Vec<usize>)| (s.0 as f64 + 0.5) / (s.0 + s.1.len()) as f64;
            let open = strata.iter_mut().filter(|s| s.1.len() > 1);
            let Some(next) = open.min_by(|a, b| share(a).total_cmp(&share(b))) else { break };
            next.0 += 1;
            kept.extend(next.1.pop());
        }
        ensure!(!kept.is_empty(), "{} training clips are too few to keep some back (data.validation)", training.len());
        notes.push(
            "subjects are unknown or too few, so the clips that select weights may show people who are trained on"
                .into(),
        );
    }
    Ok(kept)
}

#[cfg(test)]
mod tests;
