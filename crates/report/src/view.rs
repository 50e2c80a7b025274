//! What a report is made of: plain data that the caller fills from a run.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use serde::{Deserialize, Serialize};

use super::attack::AttackView;
use super::evaluation::EvaluationView;
use super::saliency::SaliencyView;
use ferrotype_evaluation::{Predictions, Scores};
use ferrotype_run::history::History;

/// One run, complete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunView {
    /// The run's name: the title of the report.
    pub name: String,
    /// What the experiment reproduces or asks.
    pub description: String,
    /// When the run ended, as text.
    pub finished: String,
    /// The data.
    pub dataset: DatasetView,
    /// The network.
    pub model: ModelView,
    /// What happened while training.
    pub history: History,
    /// How the weights were selected.
    pub selection: Option<SelectionView>,
    /// What was done to the probabilities after training.
    pub calibration: Option<CalibrationView>,
    /// Scores of the selected weights on the validation set.
    pub validation: Option<Scores>,
    /// Scores of the selected weights on the test set.
    pub test: Option<Scores>,
    /// The most confident mistakes on the test set: see [`worst_mistakes`].
    pub mistakes: Vec<Mistake>,
    /// What the network looks at in some predictions.
    pub saliency: SaliencyView,
    /// Attacks on the network.
    pub attacks: Vec<AttackView>,
    /// Scores on other data.
    pub evaluations: Vec<EvaluationView>,
    /// The check of the exported model.
    pub onnx: Option<OnnxView>,
    /// A published or earlier figure.
    pub expect: Option<ExpectView>,
    /// Anything else a reader must know before the figures.
    pub warnings: Vec<Warning>,
    /// The resolved experiment file (YAML).
    pub config: String,
    /// Versions, commit, device, times, memory: name and value, in order.
    pub provenance: Vec<(String, String)>,
}

/// The data of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetView {
    /// The dataset's name.
    pub name: String,
    /// Whether the faces are drawn, not photographed: said at the top of every report.
    pub synthetic: bool,
    /// Where the file is.
    pub path: String,
    /// Its sha256.
    pub sha256: String,
    /// How labels were made.
    pub labels: String,
    /// How rows were divided.
    pub split: String,
    /// Class names.
    pub classes: Vec<String>,
    /// The sets with their sizes.
    pub sets: Vec<SetView>,
    /// Copies and overlaps between the sets.
    pub leaks: Vec<LeakFigure>,
    /// Anything else, a line each.
    pub notes: Vec<String>,
}

/// One of the sets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SetView {
    /// `training`, `validation` or `test`.
    pub name: String,
    /// Rows of each class, in the order of the dataset's classes.
    pub per_class: Vec<u64>,
}

/// A way in which one set knows of another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LeakFigure {
    /// What was counted, as "test rows with a copy in training".
    pub what: String,
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Whether these rows were left in: a leak that stays is shown in red.
    pub kept: bool,
}

impl LeakFigure {
    /// `3 of 20 test pictures that also stand in training (removed)`.
    pub fn text(&self) -> String {
        let fate = match (self.count, self.kept) {
            (0, _) => "",
            (_, true) => " (left in)",
            (_, false) => " (removed)",
        };
        format!("{} of {} {}{fate}", self.count, self.of, self.what)
    }
}

/// The network of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelView {
    /// Its name in the zoo.
    pub name: String,
    /// Input size, as "1 x 64 x 64".
    pub input: String,
    /// Trained values and, where a model has them, the others.
    pub parameters: u64,
    /// Multiply-accumulate operations per image.
    pub macs: u64,
    /// Where it comes from.
    pub source: String,
    /// Anything else: name and value.
    pub details: Vec<(String, String)>,
}

/// How the weights were selected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectionView {
    /// `validation`, `test` (shown in red), or `none`: the weights are those of the last epoch.
    pub set: String,
    /// The metric's name.
    pub metric: String,
    /// Its value there.
    pub value: f64,
    /// The epoch that won, counted from 1.
    pub epoch: u64,
}

/// How probabilities were calibrated: `calibration.json` of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalibrationView {
    /// What the logits were divided by.
    pub temperature: f64,
    /// Rows of the validation set that it was fitted on.
    pub rows: u64,
    /// By set, the metrics that it changes, as they were before.
    pub before: BTreeMap<String, BTreeMap<String, f64>>,
}

/// A published or earlier figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectView {
    /// The metric's name.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// How far a run may be off and still count as reproduced.
    pub tolerance: f64,
    /// Where the figure comes from.
    pub source: String,
    /// What makes it not comparable, if anything.
    pub note: String,
}

/// The check of an exported model against the one that was trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnnxView {
    /// The file.
    pub path: String,
    /// The runtime that ran it.
    pub runtime: String,
    /// Rows compared.
    pub rows: u64,
    /// Largest difference of a logit.
    pub difference: f64,
    /// Largest minus smallest logit.
    pub range: f64,
    /// Largest allowed difference relative to the range.
    pub tolerance: f64,
    /// Rows, ties aside, where both predict the same class.
    pub agreeing: u64,
    /// Rows whose two largest logits are too close to tell, so either class may win.
    pub ties: Vec<u32>,
    /// What they were compared on, where it was not labelled rows.
    pub checked_on: String,
    /// Accuracy of the model, and of the ONNX graph, on labelled rows.
    pub accuracy: Option<[f64; 2]>,
    /// Whether the check was passed.
    pub passed: bool,
    /// Why not, or anything else to say.
    pub note: String,
}

/// Something a reader must know before the figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// Whether it puts the scores in doubt: shown in red, otherwise in amber.
    pub serious: bool,
    /// One sentence.
    pub text: String,
}

impl Warning {
    /// That the test scores chose the weights.
    pub fn selected_on_test() -> Self {
        let text = "The weights were selected on the test set, so the test scores are optimistic.".into();
        Self { serious: true, text }
    }
}

/// A wrong prediction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mistake {
    /// Row in the dataset.
    pub row: u32,
    /// True class.
    pub truth: String,
    /// Predicted class.
    pub prediction: String,
    /// Probability of the predicted class.
    pub confidence: f64,
    /// The picture, where it is at hand.
    pub face: Option<Face>,
}

/// The `count` most confident mistakes, without their pictures; rows in order where confidence is equal.
pub fn worst_mistakes(predictions: &Predictions, count: usize) -> Vec<Mistake> {
    let mut wrong: Vec<(f64, usize)> = (0..predictions.len())
        .filter(|&i| predictions.predicted(i) != predictions.truth[i])
        .map(|i| (predictions.probabilities(i)[predictions.predicted(i)], i))
        .collect();
    wrong.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mistake = |(confidence, i): (f64, usize)| Mistake {
        row: predictions.rows[i],
        truth: predictions.classes[predictions.truth[i]].clone(),
        prediction: predictions.classes[predictions.predicted(i)].clone(),
        confidence,
        face: None,
    };
    wrong.into_iter().take(count).map(mistake).collect()
}

/// A picture of 8-bit pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// Pixels per row.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `[height, width, channels]`.
    #[serde(with = "as_base64")]
    pub pixels: Vec<u8>,
}

impl Face {
    /// The picture as a PNG file.
    ///
    /// # Errors
    /// When the number of pixels does not fit the size, or there are not 1 or 3 channels.
    pub fn png(&self) -> Result<Vec<u8>> {
        self.check()?;
        let colour = if self.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes).write_image(&self.pixels, self.width as u32, self.height as u32, colour)?;
        Ok(bytes)
    }

    /// Whether size, channels and pixels fit.
    pub(super) fn check(&self) -> Result<()> {
        let Self { width, height, channels, pixels } = self;
        ensure!(matches!(channels, 1 | 3), "a picture of {channels} channels cannot be shown; 1 or 3 can");
        ensure!(
            *width > 0 && *height > 0 && pixels.len() == width * height * channels,
            "a picture of {width} x {height} x {channels} has {} values",
            pixels.len()
        );
        Ok(())
    }

    /// Red, green and blue at a place.
    pub(super) fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * self.channels;
        let last = self.channels - 1;
        [self.pixels[at], self.pixels[at + last.min(1)], self.pixels[at + last]]
    }
}

/// Bytes as one string, so that a view stays readable as JSON.
mod as_base64 {
    use super::{Engine, STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Several runs of one experiment: seeds, or the folds of a split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AggregateView {
    /// The experiment's name.
    pub name: String,
    /// What it reproduces or asks.
    pub description: String,
    /// Whether the faces are drawn.
    pub synthetic: bool,
    /// What the runs differ by: `seed` or `fold`.
    pub over: String,
    /// The runs.
    pub runs: Vec<RunRow>,
    /// The scores of all folds' predictions pooled (see `evaluation::score_folds`): none for seeds, which score the
    /// same rows again and again.
    pub pooled: Option<Scores>,
    /// A published or earlier figure.
    pub expect: Option<ExpectView>,
    /// Anything else a reader must know before the figures.
    pub warnings: Vec<Warning>,
    /// The resolved experiment file (YAML).
    pub config: String,
    /// Versions, commit, device, times, memory: name and value, in order.
    pub provenance: Vec<(String, String)>,
}

/// One of several runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// The seed or fold.
    pub label: String,
    /// The run folder.
    pub path: String,
    /// Scores on its test set.
    pub scores: Scores,
}
