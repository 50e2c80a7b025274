//! The files of a run of the system `real_fake`, beside those of any run.

use ferrotype_base::statistics::median;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::config::RealFakeExperiment;
use ferrotype_evaluation::Scores;
use ferrotype_interop::export::ReconstructionCheck;
use ferrotype_real_fake::clip::{CLASSES, ClipSet};
use ferrotype_real_fake::data::digest;
use ferrotype_real_fake::results::{BaselineComparison, Measures, ScoredClip, beside, measure};
use ferrotype_real_fake::seen::SeenClips;
use ferrotype_real_fake::sources::describe;
use ferrotype_real_fake::split::Division;
use ferrotype_run::RunFolder;

/// `clips.csv`: every clip with its scores.
pub fn clips(run: &RunFolder) -> PathBuf {
    run.path().join("clips.csv")
}

/// `real_fake.json`: what came out, beside the metrics of any run.
pub fn outcome(run: &RunFolder) -> PathBuf {
    run.path().join("real_fake.json")
}

/// The folder of a fitted baseline.
pub fn baseline(run: &RunFolder, name: &str) -> PathBuf {
    run.path().join("baselines").join(name)
}

/// The sets of a division with their names.
pub fn sets(division: &Division) -> [(&'static str, &Vec<usize>); 4] {
    [
        ("training", &division.training),
        ("validation", &division.validation),
        ("test", &division.test),
        ("unlabelled", &division.unlabelled),
    ]
}

/// `dataset.json`: what is known of the clips.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// Where they come from.
    pub source: String,
    /// sha256 of names, labels and values.
    pub sha256: String,
    /// Whether they are synthetic.
    pub synthetic: bool,
    /// Frames per second, where all clips have the same.
    pub rate: Option<f64>,
    /// Action units.
    pub units: Vec<String>,
    /// Whether there are landmarks.
    pub landmarks: bool,
    /// Values of the descriptor, where there is one.
    pub descriptor: Option<usize>,
    /// Emotions.
    pub emotions: Vec<String>,
    /// Subjects; 0 where they are not known.
    pub subjects: usize,
    /// How the clips are divided.
    pub split: String,
    /// Fake and real clips of each set.
    pub sets: BTreeMap<String, [usize; 2]>,
    /// Clips that are scored and not labelled.
    pub unlabelled: usize,
    /// Median seconds of fake and of real clips.
    pub median_seconds: [Option<f64>; 2],
    /// The clips that the method sees, as fingerprints; none of a run that is older than this.
    #[serde(default)]
    pub seen: Option<SeenClips>,
    /// What was cleaned, left out, or is to be known.
    pub notes: Vec<String>,
}

impl DatasetSummary {
    /// What is known of clips and their division.
    pub fn of(experiment: &RealFakeExperiment, set: &ClipSet, division: &Division) -> Self {
        let count = |places: &[usize], real: bool| places.iter().filter(|&&i| set.clips[i].real == Some(real)).count();
        let labelled = sets(division).into_iter().take(3).filter(|(_, places)| !places.is_empty());
        let mut subjects: Vec<&String> = set.clips.iter().filter_map(|c| c.subject.as_ref()).collect();
        subjects.sort();
        subjects.dedup();
        let seconds = |real: bool| {
            let all: Vec<f64> = set.clips.iter().filter(|c| c.real == Some(real)).map(|c| c.seconds).collect();
            median(&all)
        };
        Self {
            source: describe(&experiment.data.source),
            sha256: digest(set),
            synthetic: set.synthetic,
            rate: set.rate,
            units: set.units.clone(),
            landmarks: set.clips.iter().any(|c| c.landmarks.is_some()),
            descriptor: set.clips.first().and_then(|c| c.descriptor.as_ref()).map(Vec::len),
            emotions: set.emotions.clone(),
            subjects: subjects.len(),
            split: experiment.data.split.describe(experiment.data.fold),
            sets: labelled.map(|(name, p)| (name.to_owned(), [count(p, false), count(p, true)])).collect(),
            unlabelled: division.unlabelled.len(),
            median_seconds: [seconds(false), seconds(true)],
            seen: Some(SeenClips::of(set, &division.training, &division.validation)),
            notes: set.notes.iter().chain(&division.notes).cloned().collect(),
        }
    }

    /// Whether the clips are still those that a run began with.
    pub fn check_against(&self, run: &RunFolder) -> Result<()> {
        if !run.facts().is_file() {
            return Ok(());
        }
        let before = Self::load(run)?;
        if before.sha256 != self.sha256 {
            bail!(
                "the clips of {} are not those that {} was fitted on until now (their sha256 differs): put the files back, or \
                 train anew",
                self.source,
                run.path().display()
            );
        }
        Ok(())
    }

    /// Reads `dataset.json`.
    ///
    /// # Errors
    /// When it is missing or not of this form.
    pub fn load(run: &RunFolder) -> Result<Self> {
        run.read_json(&run.facts())
    }

    /// The sets in one line.
    pub fn sizes(&self) -> String {
        let mut parts: Vec<String> = ["training", "validation", "test"]
            .into_iter()
            .filter_map(|name| {
                let [fake, real] = self.sets.get(name)?;
                Some(format!("{} {name} ({fake} {}, {real} {})", fake + real, CLASSES[0], CLASSES[1]))
            })
            .collect();
        if self.unlabelled > 0 {
            parts.push(format!("{} unlabelled", self.unlabelled));
        }
        parts.join(", ") + " clips"
    }
}

/// `real_fake.json`: what came out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The method.
    pub method: String,
    /// Trained values.
    pub parameters: usize,
    /// By set: training, validation (that of the weights) and test.
    pub sets: BTreeMap<String, Measures>,
    /// The baselines on the test clips.
    pub baselines: Vec<BaselineComparison>,
    /// Of the unlabelled clips: how many are called fake, and real.
    pub unlabelled: Option<[usize; 2]>,
    /// The exported networks with their checks.
    pub onnx: Vec<(String, ReconstructionCheck)>,
}

impl Outcome {
    /// Measures scored clips.
    pub fn of(
        experiment: &RealFakeExperiment,
        division: &Division,
        clips: &[ScoredClip],
        baselines: &[String],
        parameters: usize,
        onnx: Vec<(String, ReconstructionCheck)>,
    ) -> Result<Self> {
        let called = |real: bool| clips.iter().filter(|c| c.set == "unlabelled" && (c.score > 0.0) == real).count();
        Ok(Self {
            method: experiment.method.name().to_owned(),
            parameters,
            sets: measures_by_set(clips)?,
            baselines: beside(&of_set(clips, "test"), baselines)?,
            unlabelled: (!division.unlabelled.is_empty()).then(|| [called(false), called(true)]),
            onnx,
        })
    }

    /// Reads `real_fake.json`.
    ///
    /// # Errors
    /// When it is missing or not of this form.
    pub fn load(run: &RunFolder) -> Result<Self> {
        run.read_json(&outcome(run))
    }
}

/// The clips of a set.
pub fn of_set<'a>(clips: &'a [ScoredClip], set: &str) -> Vec<&'a ScoredClip> {
    clips.iter().filter(|c| c.set == set).collect()
}

/// What is measured of each labelled set.
pub fn measures_by_set(clips: &[ScoredClip]) -> Result<BTreeMap<String, Measures>> {
    Ok(measured(clips)?.into_iter().map(|(name, (measures, _))| (name, measures)).collect())
}

/// The metrics of each labelled set, as any run's `metrics.json` has them.
pub fn scores_by_set(clips: &[ScoredClip]) -> Result<BTreeMap<String, Scores>> {
    Ok(measured(clips)?.into_iter().map(|(name, (_, scores))| (name, scores)).collect())
}

fn measured(clips: &[ScoredClip]) -> Result<BTreeMap<String, (Measures, Scores)>> {
    let mut all = BTreeMap::new();
    for name in ["training", "validation", "test"] {
        if let Some(found) = measure(&of_set(clips, name), None)? {
            all.insert(name.to_owned(), found);
        }
    }
    Ok(all)
}
