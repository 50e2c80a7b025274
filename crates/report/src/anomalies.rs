//! The report of a run of the system `anomalies`: what it shows, its plots and its page.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::figure::Figure;
use super::html;
use super::plots;
use super::view::{Face, Warning};
use super::write::write_figures;
use ferrotype_run::files::write_atomic;
use ferrotype_run::history::History;

/// A detector's score over time.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The detector.
    pub name: String,
    /// Seconds and score of each frame.
    pub points: Vec<(f64, f64)>,
    /// The peaks, the largest score first.
    pub peaks: Vec<PeakView>,
    /// Seconds from and to of the injected anomalies.
    pub injected: Vec<(f64, f64)>,
    /// Seconds: later frames were not trained on.
    pub trained_until: f64,
}

/// A peak with its face.
#[derive(Clone, Debug, Serialize)]
pub struct PeakView {
    /// Row of the result table.
    pub row: usize,
    /// Frame of the video.
    pub frame: u64,
    /// Seconds.
    pub seconds: f64,
    /// `HH:MM:SS.mmm`.
    pub timecode: String,
    /// Score.
    pub score: f64,
    /// The columns that contribute most.
    pub causes: String,
    /// What was injected there; empty for nothing or where it is not known.
    pub truth: String,
    /// The face, where it may be shown.
    #[serde(skip)]
    pub face: Option<Face>,
}

/// What a score is worth against injected anomalies: texts for a table.
#[derive(Clone, Debug, Serialize)]
pub struct DetectionRow {
    /// Network or baseline.
    pub method: String,
    /// AUROC, average precision, precision and recall at N, and the AUROC per kind.
    pub values: Vec<String>,
}

/// One detector.
#[derive(Clone, Debug)]
pub struct DetectorView {
    /// Score over time, with peaks.
    pub timeline: Timeline,
    /// What happened while training.
    pub history: History,
    /// Names and texts.
    pub facts: Vec<(String, String)>,
    /// Heads of the table of comparisons.
    pub heads: Vec<String>,
    /// Network and baselines against the truth; empty where it is not known.
    pub detection: Vec<DetectionRow>,
}

/// Everything that the report shows.
#[derive(Clone, Debug)]
pub struct AnomalyView {
    /// The run's name.
    pub name: String,
    /// What the experiment asks.
    pub description: String,
    /// When it ended.
    pub finished: String,
    /// Whether the person is synthetic.
    pub synthetic: bool,
    /// What deserves a worry.
    pub warnings: Vec<Warning>,
    /// Names and texts about the data.
    pub data: Vec<(String, String)>,
    /// The detectors.
    pub detectors: Vec<DetectorView>,
    /// The resolved experiment.
    pub config: String,
    /// Names and texts.
    pub provenance: Vec<(String, String)>,
}

/// Writes `plots/` and `report.html`, whose path is returned.
///
/// # Errors
/// When a file cannot be written, or a picture does not fit its size.
pub fn write(folder: &Path, view: &AnomalyView) -> Result<PathBuf> {
    let mut figures: Vec<(String, Figure)> = Vec::new();
    for detector in &view.detectors {
        let name = file_name(&detector.timeline.name);
        figures.push((format!("timeline_{name}"), plots::timeline(&detector.timeline)?));
        figures.push((format!("loss_{name}"), plots::loss_curves(&detector.history)));
    }
    write_figures(&folder.join("plots"), &figures)?;
    let report = folder.join("report.html");
    write_atomic(&report, page(view, &figures)?.as_bytes())?;
    Ok(report)
}

fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

fn page(view: &AnomalyView, figures: &[(String, Figure)]) -> Result<String> {
    let rows = |facts: &[(String, String)]| -> Vec<_> {
        facts.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect()
    };
    let drawn = html::drawn(figures)?;
    let mut detectors = Vec::new();
    for d in &view.detectors {
        let name = file_name(&d.timeline.name);
        detectors.push(json!({
            "name": d.timeline.name,
            "timeline": drawn[format!("timeline_{name}")],
            "loss": drawn[format!("loss_{name}")],
            "facts": rows(&d.facts),
            "peaks": peak_rows(&d.timeline.peaks),
            "has_truth": !d.detection.is_empty(),
            "heads": d.heads,
            "detection": d.detection,
        }));
    }
    html::render(
        "anomalies.html",
        json!({
            "name": view.name,
            "description": view.description,
            "finished": view.finished,
            "synthetic": view.synthetic,
            "warnings": view.warnings,
            "data": rows(&view.data),
            "detectors": detectors,
            "config": view.config,
            "provenance": rows(&view.provenance),
            "fonts": html::fonts(),
        }),
    )
}

fn peak_rows(peaks: &[PeakView]) -> Vec<serde_json::Value> {
    let row = |(i, p): (usize, &PeakView)| {
        json!({ "number": i + 1, "timecode": p.timecode, "frame": p.frame, "score": format!("{:.3e}", p.score),
                "causes": p.causes, "truth": p.truth })
    };
    peaks.iter().enumerate().map(row).collect()
}
