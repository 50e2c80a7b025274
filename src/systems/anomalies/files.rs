//! The files of a run of the system `anomalies`, beside those of any run.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use ferrotype_base::digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::detector::Trained;
use crate::config::AnomalyExperiment;
use ferrotype_anomaly::baselines::{distance_to_mean, pca_error};
use ferrotype_anomaly::inputs::{DetectorInput, Inputs};
use ferrotype_anomaly::measures::{Detection, Injected, detection, injected};
use ferrotype_anomaly::options::AnomalySource;
use ferrotype_anomaly::results::{Peak, Scored, peaks};
use ferrotype_anomaly::source::describe;
use ferrotype_anomaly::table::FeatureTable;
use ferrotype_interop::export::ReconstructionCheck;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;

/// `dataset.json`: what is known of the features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// Where they come from.
    pub source: String,
    /// The person's number.
    pub person: usize,
    /// sha256 of times and values.
    pub sha256: String,
    /// Whether the person is synthetic.
    pub synthetic: bool,
    /// Frames.
    pub frames: usize,
    /// Rows of the table that were left out because the tracker had lost the face.
    #[serde(default)]
    pub lost: usize,
    /// Seconds from the first to the last frame.
    pub seconds: f64,
    /// The first so many frames are trained on.
    pub training: usize,
    /// Part of the embedding's variance that its components keep.
    pub kept_variance: Option<f64>,
    /// Columns of the result table.
    pub columns: Vec<String>,
    /// Injected anomalies, where they are known.
    #[serde(default, alias = "planted")]
    pub injected: Option<Vec<Injected>>,
}

impl DatasetSummary {
    /// What is known of a table.
    pub fn of(experiment: &AnomalyExperiment, table: &FeatureTable, inputs: &Inputs) -> Self {
        let mut hash = Sha256::new();
        table.times.iter().for_each(|t| hash.update(t.to_le_bytes()));
        table.values.iter().for_each(|v| hash.update(v.to_le_bytes()));
        let seconds = table.times.last().unwrap_or(&0.0) - table.times.first().unwrap_or(&0.0);
        let person = match &experiment.data.source {
            AnomalySource::Faces(o) => o.person,
            _ => 1,
        };
        Self {
            source: describe(&experiment.data.source),
            person,
            sha256: digest::hex(&hash.finalize()),
            synthetic: table.synthetic,
            frames: table.len(),
            lost: table.lost,
            seconds,
            training: inputs.training,
            kept_variance: inputs.kept_variance,
            columns: inputs.shown.iter().map(|c| c.name.clone()).collect(),
            injected: table.truth.as_ref().map(|t| injected(t)),
        }
    }

    /// Reads `dataset.json`.
    ///
    /// # Errors
    /// When it is missing or not of this form.
    pub fn load(run: &RunFolder) -> Result<Self> {
        run.read_json(&run.facts())
    }

    /// The frames in words, and how many the tracker had lost.
    pub fn extent(&self) -> String {
        let lost = match self.lost {
            0 => String::new(),
            n => format!("; {n} more rows without a face were left out"),
        };
        format!("{} frames over {:.1} s, the first {} trained on{lost}", self.frames, self.seconds, self.training)
    }

    /// The name of the result table.
    pub fn result_file(&self) -> String {
        format!("anomaly_detection_results_person_{}.csv", self.person)
    }
}

/// `metrics.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnomalyScores {
    /// One per detector.
    pub detectors: Vec<DetectorScores>,
}

impl AnomalyScores {
    /// Reads `metrics.json`.
    ///
    /// # Errors
    /// When it is missing or not of this form.
    pub fn load(run: &RunFolder) -> Result<Self> {
        run.read_json(&run.scores())
    }

    /// The mean of the detectors' squared errors of the validation frames.
    pub fn mean_validation_error(&self) -> f64 {
        self.detectors.iter().map(|d| d.validation_error).sum::<f64>() / self.detectors.len() as f64
    }
}

/// What came out of one detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorScores {
    /// Its name.
    pub name: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Trained values.
    pub parameters: usize,
    /// Epoch of the selected weights, counted from 1.
    pub best_epoch: usize,
    /// Epochs that were trained.
    pub epochs: usize,
    /// Mean squared error of the validation frames.
    pub validation_error: f64,
    /// Frames that the rules call anomalies.
    pub anomalies: usize,
    /// Peaks of their groups, the largest score first.
    pub peaks: Vec<Peak>,
    /// Against the injected anomalies, where they are known: `lstm_autoencoder` and the baselines.
    pub detection: BTreeMap<String, Detection>,
    /// How the exported file was checked.
    pub onnx: Option<ReconstructionCheck>,
}

impl DetectorScores {
    /// Measures a trained detector.
    pub(super) fn of(
        experiment: &AnomalyExperiment,
        table: &FeatureTable,
        inputs: &Inputs,
        input: &DetectorInput,
        trained: &Trained,
    ) -> Result<Self> {
        let scored = &trained.scored;
        Ok(Self {
            name: scored.name.clone(),
            columns: scored.columns.clone(),
            parameters: trained.parameters,
            best_epoch: trained.best_epoch,
            epochs: trained.epochs,
            validation_error: trained.validation_error,
            anomalies: scored.found.flags.iter().filter(|f| **f).count(),
            peaks: peaks(scored, table),
            detection: compare(experiment, table, inputs.training, input, scored)?,
            onnx: trained.onnx.clone(),
        })
    }
}

/// The network and the baselines against the truth.
fn compare(
    experiment: &AnomalyExperiment,
    table: &FeatureTable,
    training: usize,
    input: &DetectorInput,
    scored: &Scored,
) -> Result<BTreeMap<String, Detection>> {
    let mut all = BTreeMap::new();
    let Some(truth) = &table.truth else { return Ok(all) };
    let columns = input.columns.len();
    let mut rows = vec![
        ("lstm_autoencoder", scored.scores.clone()),
        ("distance_to_mean", distance_to_mean(&input.values, columns, training)),
    ];
    // A single column is its own component.
    if columns > 1 {
        rows.push(("pca", pca_error(&input.values, columns, training, experiment.evaluate.pca_components)?));
    }
    for (name, scores) in rows {
        if let Some(d) = detection(&scores, &table.times, truth, experiment.evaluate.tolerance) {
            all.insert(name.to_owned(), d);
        }
    }
    Ok(all)
}

/// The folder of a detector within a run.
pub fn detector_folder(run: &RunFolder, name: &str) -> Result<RunFolder> {
    let slug: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    RunFolder::create_at(&run.parts().join(slug))
}

/// The file of a detector's errors.
const ERRORS: &str = "errors.csv";

/// Writes `errors.csv`: each frame's score and the squared error of each column.
pub fn write_errors(folder: &RunFolder, table: &FeatureTable, scored: &Scored) -> Result<()> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = ["frame", "timestamp", "score"].map(str::to_owned);
    out.write_record(head.iter().chain(&scored.columns))?;
    let width = scored.columns.len();
    for i in 0..table.len() {
        let first = [table.frames[i].to_string(), table.times[i].to_string(), scored.scores[i].to_string()];
        let errors = scored.errors[i * width..(i + 1) * width].iter().map(f32::to_string);
        out.write_record(first.into_iter().chain(errors))?;
    }
    write_atomic(folder.path().join(ERRORS), &out.into_inner().context("the table of errors cannot be made")?)
}

/// Times and scores of `errors.csv`.
pub fn read_errors(folder: &RunFolder) -> Result<Vec<(f64, f64)>> {
    let path = folder.path().join(ERRORS);
    let mut reader = csv::Reader::from_path(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("{} is damaged", path.display()))?;
        let number = |i: usize| record.get(i).and_then(|v| v.parse::<f64>().ok());
        let pair = number(1).zip(number(2));
        all.push(pair.with_context(|| format!("{}: line {} is damaged", path.display(), all.len() + 2))?);
    }
    Ok(all)
}
