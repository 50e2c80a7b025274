//! From a row's label or votes to a training target.
//!
//! The FER+ rules follow Microsoft's `ferplus.py` to the image: see `labels/ferplus.rs`.

mod ferplus;
mod heads;

use anyhow::{Result, ensure};
use ferrotype_base::statistics::first_largest;

use super::options::LabelMode;
use super::{FaceSet, Labelled, NO_LABEL, Votes};

pub use heads::{HeadRequest, apply_heads};

/// What rows are labelled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To train on.
    Train,
    /// To be scored on: FER+'s modes are then always `majority`.
    Evaluation,
}

/// The FER+ emotions, in the order of the votes' columns.
pub const FERPLUS_CLASSES: [&str; 8] =
    ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"];

/// Votes that are for no emotion: `unknown` and `NF` (not a face), the last two columns.
const NO_EMOTION: usize = 2;

/// Labels all rows of the set by one rule; rows that the rule drops are left out.
///
/// # Errors
/// When the rule needs votes that the set does not have, or leaves no row.
pub fn apply(faces: &FaceSet, mode: LabelMode, role: Role) -> Result<Labelled> {
    let labelled = if mode == LabelMode::Original { original(faces) } else { from_votes(faces, mode, role)? };
    ensure!(
        !labelled.is_empty(),
        "no row of this dataset has a label by the rule `{}`{}",
        as_str(mode),
        if mode == LabelMode::Original && faces.votes.is_some() {
            ": it has crowd votes only; choose one of majority, probability, crossentropy, multi_target, argmax_eight"
        } else {
            ""
        }
    );
    Ok(labelled)
}

/// The emotions that votes are over, in the order of [`crowd_distribution`].
pub fn crowd_columns(faces: &FaceSet) -> Option<&[String]> {
    let columns = &faces.votes.as_ref()?.columns;
    columns.get(..columns.len().checked_sub(NO_EMOTION)?)
}

/// The share of each of the eight emotions among the votes for a row, without removing outliers: what a prediction's
/// distribution is compared with. None where nobody voted for an emotion.
pub fn crowd_distribution(faces: &FaceSet, row: usize) -> Option<Vec<f32>> {
    let votes = faces.votes.as_ref()?.get(row);
    let emotions = votes.get(..votes.len().checked_sub(NO_EMOTION)?)?;
    let sum: u32 = emotions.iter().map(|&v| u32::from(v)).sum();
    (sum > 0).then(|| emotions.iter().map(|&v| f32::from(v) / sum as f32).collect())
}

/// The mode's name in the experiment file.
pub fn as_str(mode: LabelMode) -> &'static str {
    match mode {
        LabelMode::Original => "original",
        LabelMode::Majority => "majority",
        LabelMode::Probability => "probability",
        LabelMode::Crossentropy => "crossentropy",
        LabelMode::MultiTarget => "multi_target",
        LabelMode::ArgmaxEight => "argmax_eight",
    }
}

fn original(faces: &FaceSet) -> Labelled {
    let mut labelled = Labelled { classes: faces.classes.clone(), ..Labelled::default() };
    for (row, &label) in faces.labels.iter().enumerate().filter(|(_, label)| **label != NO_LABEL) {
        push_one(&mut labelled, row, label as usize);
    }
    labelled
}

fn from_votes(faces: &FaceSet, mode: LabelMode, role: Role) -> Result<Labelled> {
    let votes = votes_of(faces, mode)?;
    let emotions = votes.columns.len() - NO_EMOTION;
    let mut labelled = Labelled { classes: votes.columns[..emotions].to_vec(), ..Labelled::default() };
    if mode == LabelMode::ArgmaxEight {
        argmax_of_emotions(faces, votes, &mut labelled);
        return Ok(labelled);
    }
    let rule = match (role, mode) {
        (Role::Evaluation, _) | (_, LabelMode::Majority) => ferplus::majority,
        (_, LabelMode::MultiTarget) => ferplus::multi_target,
        _ => ferplus::distribution,
    };
    labelled.drawn = role == Role::Train && mode == LabelMode::Probability;
    for row in 0..faces.len() {
        if let Some(target) = ferplus::target(votes.get(row), rule) {
            labelled.rows.push(row as u32);
            labelled.targets.extend(target);
        }
    }
    Ok(labelled)
}

fn votes_of(faces: &FaceSet, mode: LabelMode) -> Result<&Votes> {
    let votes = faces.votes.as_ref().filter(|v| !v.counts.is_empty());
    let Some(votes) = votes else {
        anyhow::bail!(
            "the label mode `{}` needs crowd votes, and this dataset ({}) has none: use `labels: original`, or prepare \
             FER2013 with the FER+ votes (ferrotype data prepare ferplus)",
            as_str(mode),
            faces.provenance.source
        );
    };
    ensure!(
        votes.columns.len() > NO_EMOTION && votes.columns.ends_with(&["unknown".into(), "NF".into()]),
        "the votes' columns are {}; the last two must be unknown and NF",
        votes.columns.join(", ")
    );
    Ok(votes)
}

/// Emotion-Detection-use-case's rule: named rows, the emotion with most votes, the first of equals, no threshold.
fn argmax_of_emotions(faces: &FaceSet, votes: &Votes, labelled: &mut Labelled) {
    // Rows without a name were dropped there. Other sources name no row at all.
    let named = faces.names.iter().any(|n| !n.is_empty());
    for row in 0..faces.len() {
        let counts = votes.get(row);
        if counts.iter().all(|&v| v == 0) || (named && faces.names[row].is_empty()) {
            continue;
        }
        let best = first_largest(&counts[..labelled.classes.len()]);
        push_one(labelled, row, best);
    }
}

fn push_one(labelled: &mut Labelled, row: usize, class: usize) {
    labelled.rows.push(row as u32);
    labelled.targets.extend((0..labelled.classes.len()).map(|i| f32::from(u8::from(i == class))));
}

#[cfg(test)]
mod tests;
