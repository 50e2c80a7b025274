//! The report of a run of the system `real_fake`: what it shows, its plots and its page.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::context as text;
use super::evaluation::{self, EvaluationView};
use super::figure::Figure;
use super::html;
use super::plots;
use super::view::{ExpectView, Warning};
use super::write::write_figures;
use ferrotype_evaluation::Scores;
use ferrotype_run::files::write_atomic;

/// A line of a table: a name and texts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TableRow {
    /// What the line is about.
    pub name: String,
    /// Its cells.
    pub values: Vec<String>,
}

/// A table of texts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    /// Names of the columns, the lines' names first.
    pub heads: Vec<String>,
    /// The lines.
    pub rows: Vec<TableRow>,
}

/// Everything that the report shows.
#[derive(Clone, Debug, Default)]
pub struct RealFakeView {
    /// The run's name.
    pub name: String,
    /// What the experiment asks.
    pub description: String,
    /// When it ended.
    pub finished: String,
    /// Whether the clips are synthetic.
    pub synthetic: bool,
    /// What deserves a worry.
    pub warnings: Vec<Warning>,
    /// How wide the interval is, and whether the method works, in words.
    pub verdicts: Vec<String>,
    /// A published or earlier figure.
    pub expect: Option<ExpectView>,
    /// Metrics of the tested clips.
    pub test: Scores,
    /// The method with the baselines beside it.
    pub methods: Table,
    /// Accuracy by set.
    pub sets: Table,
    /// Scores on other clips, and how many of those the method has seen.
    pub evaluations: Vec<EvaluationView>,
    /// Accuracy by emotion; without lines where emotions are not known.
    pub emotions: Table,
    /// Names and texts about the clips.
    pub data: Vec<(String, String)>,
    /// What was cleaned or left out.
    pub notes: Vec<String>,
    /// Names and texts about the method.
    pub method: Vec<(String, String)>,
    /// The resolved experiment.
    pub config: String,
    /// Names and texts.
    pub provenance: Vec<(String, String)>,
}

/// Writes `plots/` and `report.html`, whose path is returned.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, view: &RealFakeView) -> Result<PathBuf> {
    let figures = vec![("confusion_matrix", plots::confusion_matrix(&view.test))];
    write_figures(&folder.join("plots"), &figures)?;
    let report = folder.join("report.html");
    write_atomic(&report, page(view, &figures)?.as_bytes())?;
    Ok(report)
}

fn page(view: &RealFakeView, figures: &[(&str, Figure)]) -> Result<String> {
    html::render(
        "real_fake.html",
        json!({
            "name": view.name,
            "description": view.description,
            "finished": view.finished,
            "synthetic": view.synthetic,
            "warnings": view.warnings,
            "headline": text::headline("Test", &view.test, view.expect.as_ref())?,
            "verdicts": view.verdicts,
            "methods": view.methods,
            "sets": view.sets,
            "evaluations": view.evaluations.iter().map(evaluation::section).collect::<Result<Vec<_>>>()?,
            "emotions": view.emotions,
            "classes": text::class_rows(&view.test),
            "plots": html::drawn(figures)?,
            "data": rows(&view.data),
            "notes": view.notes,
            "method": rows(&view.method),
            "config": view.config,
            "provenance": rows(&view.provenance),
            "fonts": html::fonts(),
        }),
    )
}

fn rows(facts: &[(String, String)]) -> Vec<serde_json::Value> {
    facts.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect()
}
