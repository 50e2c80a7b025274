//! A run of the system `anomalies` as the report sees it.

use std::fmt::Write;

use anyhow::{Result, bail};

use super::files::{AnomalyScores, DatasetSummary, DetectorScores, detector_folder, read_errors};
use crate::config::{self, AnomalyExperiment, AnyExperiment};
use ferrotype_anomaly::measures::Detection;
use ferrotype_anomaly::options::{AnomalyModel, Form};
use ferrotype_anomaly::results::Peak;
use ferrotype_anomaly::source;
use ferrotype_anomaly::table::FeatureTable;
use ferrotype_report::anomalies::{self, AnomalyView, DetectionRow, DetectorView, PeakView, Timeline};
use ferrotype_report::{Face, Warning};
use ferrotype_run::history::History;
use ferrotype_run::{Provenance, RunFolder};

/// Peaks whose faces and times a report and the terminal show.
const SHOWN: usize = 10;

/// The experiment of a run of this system.
///
/// # Errors
/// When it is missing, damaged, or one of another system.
pub fn experiment_of(run: &RunFolder) -> Result<AnomalyExperiment> {
    match crate::systems::loaded::any_experiment_of(run)? {
        AnyExperiment::Anomalies(e) => Ok(*e),
        other => {
            bail!("{} holds an experiment of the system {}, not of anomalies", run.path().display(), other.system())
        }
    }
}

/// Builds the report of a finished run; gives its last lines.
///
/// # Errors
/// When a file of the run is missing or broken, or the report cannot be written.
pub fn report_run(run: &RunFolder) -> Result<String> {
    let view = of_run(run, true)?;
    let report = anomalies::write(run.path(), &view)?;
    let scores = AnomalyScores::load(run)?;
    let facts = DatasetSummary::load(run)?;
    let mut text = String::new();
    for d in &scores.detectors {
        text += &terminal(d, experiment_of(run)?.rules.group.is_some());
    }
    writeln!(text, "results  {}", run.path().join(facts.result_file()).display())?;
    write!(text, "report   {}", report.display())?;
    Ok(text)
}

/// What one detector says, for the terminal.
fn terminal(d: &DetectorScores, grouped: bool) -> String {
    let mut text = format!(
        "{}: {} columns, {} parameters, validation error {:.3e} (epoch {} of {}), {} anomalous frames\n",
        d.name,
        d.columns.len(),
        d.parameters,
        d.validation_error,
        d.best_epoch,
        d.epochs,
        d.anomalies
    );
    for (method, v) in &d.detection {
        text += &format!(
            "  {method:<17} AUROC {:.3}  AP {:.3}  precision@N {:.2}  recall@N {:.2}\n",
            v.auroc, v.average_precision, v.precision_at_n, v.recall_at_n
        );
    }
    let shown = &d.peaks[..d.peaks.len().min(SHOWN)];
    if !shown.is_empty() {
        let times: Vec<&str> = shown.iter().map(|p| p.timecode.as_str()).collect();
        let what = if grouped { " (groups within a second count once)" } else { "" };
        text += &format!("  Time of top {} anomalies{what}: {}\n", shown.len(), times.join(", "));
    }
    text
}

/// Everything that the folder of a finished run knows; with the faces at the peaks, if wanted and still to be had.
fn of_run(run: &RunFolder, with_faces: bool) -> Result<AnomalyView> {
    let experiment = experiment_of(run)?;
    let facts = DatasetSummary::load(run)?;
    let scores = AnomalyScores::load(run)?;
    let provenance = Provenance::load(run);
    // A report can be built where the source is gone, though without faces.
    let table = if with_faces { source::obtain(&experiment.data, experiment.seed).ok() } else { None };
    let detectors = scores.detectors.iter().map(|d| detector(run, d, &facts, table.as_ref()));
    Ok(AnomalyView {
        name: run.title(),
        description: experiment.description.clone(),
        finished: provenance.finished.clone(),
        synthetic: facts.synthetic,
        warnings: warnings(&experiment, &facts),
        data: data(&facts),
        detectors: detectors.collect::<Result<_>>()?,
        config: config::to_yaml(&experiment),
        provenance: provenance.rows(),
    })
}

fn warnings(experiment: &AnomalyExperiment, facts: &DatasetSummary) -> Vec<Warning> {
    let mut all = Vec::new();
    let AnomalyModel::LstmAutoencoder(model) = &experiment.model;
    if model.form == Form::LastStateBroadcast {
        let text = "This form gives every frame of a window the same vector, so a frame's score is its distance to a \
                    learned centre: the order of frames within the window hardly matters.";
        all.push(Warning { serious: false, text: text.into() });
    }
    if facts.frames < 200 {
        let text = format!("{} frames are few to learn what is usual for a person.", facts.frames);
        all.push(Warning { serious: false, text });
    }
    all
}

fn data(facts: &DatasetSummary) -> Vec<(String, String)> {
    let mut rows = vec![
        ("Source".to_owned(), facts.source.clone()),
        ("Extent".to_owned(), facts.extent()),
        ("Columns".to_owned(), facts.columns.join(", ")),
        ("sha256".to_owned(), facts.sha256.clone()),
        ("Result table".to_owned(), facts.result_file()),
    ];
    if let Some(kept) = facts.kept_variance {
        rows.push(("Components".to_owned(), format!("keep {:.1} % of the embedding's variance", 100.0 * kept)));
    }
    if let Some(injected) = &facts.injected {
        let of = |kind: &str| injected.iter().filter(|p| p.kind == kind).count();
        let mut kinds: Vec<&str> = injected.iter().map(|p| p.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let texts: Vec<String> = kinds.into_iter().map(|kind| format!("{} {kind}", of(kind))).collect();
        rows.push(("Injected anomalies".to_owned(), texts.join(", ")));
    }
    rows
}

fn detector(
    run: &RunFolder,
    d: &DetectorScores,
    facts: &DatasetSummary,
    table: Option<&FeatureTable>,
) -> Result<DetectorView> {
    let folder = detector_folder(run, &d.name)?;
    let points = read_errors(&folder)?;
    let at = |i: usize| points.get(i).map_or(0.0, |p| p.0);
    let injected = facts.injected.iter().flatten().map(|p| (at(p.first), at(p.last))).collect();
    let peaks = d.peaks.iter().enumerate().map(|(i, p)| peak(p, table.filter(|_| i < SHOWN))).collect();
    let (heads, detection) = detection_table(d);
    let trained_until = at(facts.training);
    Ok(DetectorView {
        timeline: Timeline { name: d.name.clone(), injected, peaks, trained_until, points },
        history: History::read(folder.history()).unwrap_or_default(),
        facts: network_facts(d),
        heads,
        detection,
    })
}

fn peak(p: &Peak, table: Option<&FeatureTable>) -> PeakView {
    let causes: Vec<String> = p.causes.iter().map(|(name, share)| format!("{name} {:.0} %", 100.0 * share)).collect();
    let faces = table.and_then(|t| t.faces.as_ref()).filter(|f| p.row < f.len());
    let face =
        faces.map(|f| Face { width: f.width, height: f.height, channels: f.channels, pixels: f.get(p.row).to_vec() });
    PeakView {
        row: p.row,
        frame: p.frame,
        seconds: p.seconds,
        timecode: p.timecode.clone(),
        score: p.score,
        causes: causes.join(", "),
        truth: p.truth.clone().unwrap_or_default(),
        face,
    }
}

fn network_facts(d: &DetectorScores) -> Vec<(String, String)> {
    let mut rows = vec![
        ("Columns".to_owned(), d.columns.len().to_string()),
        ("Parameters".to_owned(), d.parameters.to_string()),
        ("Selected epoch".to_owned(), format!("{} of {}", d.best_epoch, d.epochs)),
        ("Validation error".to_owned(), format!("{:.4e}", d.validation_error)),
        ("Anomalous frames".to_owned(), d.anomalies.to_string()),
    ];
    if let Some(check) = &d.onnx {
        rows.push(("ONNX".to_owned(), check.text()));
    }
    rows
}

fn detection_table(d: &DetectorScores) -> (Vec<String>, Vec<DetectionRow>) {
    let kinds: Vec<&String> = d.detection.values().next().map(|v| v.auroc_by_kind.keys().collect()).unwrap_or_default();
    let mut heads = ["AUROC", "average precision", "precision at N", "recall at N"].map(str::to_owned).to_vec();
    heads.extend(kinds.iter().map(|kind| format!("AUROC {kind}")));
    let row = |(method, v): (&String, &Detection)| {
        let mut values = vec![
            format!("{:.3}", v.auroc),
            format!("{:.3}", v.average_precision),
            format!("{:.2}", v.precision_at_n),
            format!("{:.2}", v.recall_at_n),
        ];
        values.extend(
            kinds.iter().map(|kind| v.auroc_by_kind.get(*kind).map_or_else(|| "-".into(), |a| format!("{a:.3}"))),
        );
        DetectionRow { method: method.clone(), values }
    };
    (heads, d.detection.iter().map(row).collect())
}
