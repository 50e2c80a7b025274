//! What is known about the data of a run.

use std::collections::HashSet;

use anyhow::Result;
use ferrotype_base::digest;
use ferrotype_base::targets::output_names;
use serde::{Deserialize, Serialize};

use super::subset::Subset;
use crate::FaceSet;
use crate::audit::Leaks;
use crate::motion::MotionForm;
use crate::options::DataOptions;
use crate::stored_form::StoredForm;
use ferrotype_run::RunFolder;

/// What is known about the data of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// The prepared file.
    pub path: String,
    /// sha256 of its pictures.
    pub sha256: String,
    /// The source's name.
    pub source: String,
    /// Whether the faces are drawn.
    pub synthetic: bool,
    /// What gave the labels, where it was a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled_by: Option<String>,
    /// How a picture file became a picture of the prepared file, where it holds single pictures.
    #[serde(default)]
    pub stored: Option<StoredForm>,
    /// What the channels of the pictures hold where they are motion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motion: Option<MotionForm>,
    /// Class names.
    pub classes: Vec<String>,
    /// Of a model with heads: what is known of each column of targets in the three sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetSummary>,
    /// Of a model with heads: sha256 of the targets of all sets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub targets_sha256: String,
    /// `[channels, height, width]` of the model's input.
    pub input: [usize; 3],
    /// Examples per set.
    pub sizes: [usize; 3],
    /// Examples per class in the training, validation and test set.
    pub class_counts: [Vec<usize>; 3],
    /// Test rows whose picture also stands in training.
    pub test_leaks: usize,
    /// Validation rows whose picture also stands in training.
    pub validation_leaks: usize,
    /// Training rows removed because of that.
    pub dropped: usize,
    /// Subjects of the test set that also stand in training, where subjects are known.
    pub shared_subjects: Option<usize>,
    /// Clips of the test set that also stand in training, and all clips of the test set.
    #[serde(default)]
    pub shared_clips: Option<[usize; 2]>,
    /// Subjects of the test set, where they are known.
    #[serde(default)]
    pub test_subjects: Option<usize>,
    /// Test rows whose picture the weights or the teachers that training builds on have seen.
    #[serde(default)]
    pub test_seen_before: usize,
    /// Weights among those that training builds on of which nobody knows what they were trained on.
    #[serde(default)]
    pub unknown_origins: Vec<String>,
    /// What is to be known of the division, a line each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What is known of a column of targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetSummary {
    /// `HEAD.COLUMN`.
    pub name: String,
    /// Rows of the training, validation and test set where it is known.
    pub known: [usize; 3],
    /// Its mean over them: of labels and classes the share of rows that have it. 0 where it is known of none.
    pub mean: [f64; 3],
}

impl DatasetSummary {
    /// What is known about a run's data; nothing where its folder does not say it, as that of imported weights.
    ///
    /// # Errors
    /// When the file is there and damaged.
    pub fn load(run: &RunFolder) -> Result<Self> {
        let path = run.facts();
        if !path.exists() {
            return Ok(Self::default());
        }
        run.read_json(&path)
    }
}

/// What is known of these training, validation and test sets.
pub(super) fn facts(
    options: &DataOptions,
    faces: &FaceSet,
    sets: [&Subset; 3],
    leaks: &Leaks,
    dropped: usize,
) -> DatasetSummary {
    let counts = |s: &Subset| {
        let mut counts = vec![0; s.labelled.classes.len()];
        for &i in &s.indices {
            if let Some(count) = counts.get_mut(s.labelled.class(i)) {
                *count += 1;
            }
        }
        counts
    };
    let subjects = |s: &Subset| -> Option<HashSet<&str>> {
        let names = faces.subjects.as_ref()?;
        Some(s.rows().iter().map(|&r| names[r as usize].as_str()).filter(|n| !n.is_empty()).collect())
    };
    let shared = subjects(sets[0]).zip(subjects(sets[2])).map(|(a, b)| a.intersection(&b).count());
    let clips = |s: &Subset| -> Option<HashSet<u32>> {
        let segments = faces.segments.as_ref()?;
        Some(s.rows().iter().map(|&r| segments.clips[r as usize]).collect())
    };
    let shared_clips =
        clips(sets[0]).zip(clips(sets[2])).map(|(train, test)| [train.intersection(&test).count(), test.len()]);
    DatasetSummary {
        path: options.path.display().to_string(),
        sha256: faces.images_sha256(),
        source: faces.provenance.source.clone(),
        synthetic: faces.provenance.synthetic,
        labelled_by: faces.provenance.labelled_by.clone(),
        stored: faces.stored_form(),
        motion: faces.motion(),
        classes: sets[0].labelled.classes.clone(),
        targets: target_facts(sets),
        targets_sha256: targets_sha256(sets),
        input: sets[0].pipeline.shape(),
        sizes: sets.map(Subset::len),
        class_counts: sets.map(counts),
        validation_leaks: leaks.validation.len(),
        test_leaks: leaks.test.len(),
        dropped,
        shared_subjects: shared,
        shared_clips,
        test_subjects: subjects(sets[2]).map(|s| s.len()),
        test_seen_before: 0,
        unknown_origins: Vec::new(),
        notes: Vec::new(),
    }
}

fn target_facts(sets: [&Subset; 3]) -> Vec<TargetSummary> {
    if sets[0].labelled.heads.is_empty() {
        return Vec::new();
    }
    let totals = sets.map(Subset::column_totals);
    let names = output_names(&sets[0].labelled.heads);
    let fact = |(c, name): (usize, String)| {
        let mean = |(sums, known): &(Vec<f64>, Vec<f64>)| if known[c] > 0.0 { sums[c] / known[c] } else { 0.0 };
        TargetSummary {
            name,
            known: [0, 1, 2].map(|s| totals[s].1[c] as usize),
            mean: [0, 1, 2].map(|s| mean(&totals[s])),
        }
    };
    names.into_iter().enumerate().map(fact).collect()
}

/// sha256 of rows, targets and masks of all sets; empty for classes alone.
fn targets_sha256(sets: [&Subset; 3]) -> String {
    if sets[0].labelled.heads.is_empty() {
        return String::new();
    }
    let mut bytes = Vec::new();
    for (set, &i) in sets.iter().flat_map(|set| set.indices.iter().map(move |i| (set, i))) {
        bytes.extend(set.labelled.rows[i].to_le_bytes());
        bytes.extend(set.labelled.target(i).iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend(set.labelled.known_of(i).iter().map(|&known| u8::from(known)));
    }
    digest::sha256(&bytes)
}
