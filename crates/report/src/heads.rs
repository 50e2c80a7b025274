//! The report of a run whose model has heads: its tables, plots, page and last lines.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ferrotype_base::targets::TargetKind;
use serde_json::{Value, json};

use super::context::{class_rows, facts, model_facts};
use super::figure::Figure;
use super::html;
use super::plots;
use super::terminal::{leak_lines, leak_warnings};
use super::view::{ExpectView, LeakFigure, ModelView, Warning};
use super::write::write_figures;
use ferrotype_evaluation::metrics::{self, About};
use ferrotype_evaluation::{HeadPredictions, HeadScores, Scores};
use ferrotype_run::files::write_atomic;
use ferrotype_run::history::History;

/// What is known of a column of targets in the sets.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnView {
    /// `HEAD.COLUMN`.
    pub name: String,
    /// Of the training, validation and test set: rows where it is known, and its mean there.
    pub sets: [(u64, f64); 3],
}

/// Everything that the report shows.
#[derive(Clone, Debug)]
pub struct HeadsView {
    /// The run's name.
    pub name: String,
    /// What the experiment asks.
    pub description: String,
    /// When it ended.
    pub finished: String,
    /// Whether the faces are drawn.
    pub synthetic: bool,
    /// What deserves a worry.
    pub warnings: Vec<Warning>,
    /// How the weights were selected, in a sentence.
    pub selection: String,
    /// The metric that selected, if one did, and its epoch.
    pub selected: Option<(String, u64)>,
    /// Scores of the validation set, where there is one.
    pub validation: Option<Scores>,
    /// Scores of the test set.
    pub test: Scores,
    /// What was predicted of the test set.
    pub predictions: Vec<HeadPredictions>,
    /// What happened while training.
    pub history: History,
    /// The network.
    pub model: ModelView,
    /// Names and texts about the exported file.
    pub onnx: Vec<(String, String)>,
    /// A figure to stand beside the result.
    pub expect: Option<ExpectView>,
    /// Names and texts about the data.
    pub data: Vec<(String, String)>,
    /// Copies and overlaps between the sets.
    pub leaks: Vec<LeakFigure>,
    /// The columns of targets.
    pub columns: Vec<ColumnView>,
    /// The resolved experiment.
    pub config: String,
    /// Names and texts.
    pub provenance: Vec<(String, String)>,
}

/// Writes `plots/` and `report.html`, whose path is returned.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, view: &HeadsView) -> Result<PathBuf> {
    let mut figures: Vec<(String, Figure)> = Vec::new();
    if !view.history.epochs.is_empty() {
        figures.push(("loss".into(), plots::loss_curves(&view.history)));
        let names: Vec<String> = view.test.heads.iter().map(main_metric).collect();
        figures
            .push(("scores".into(), plots::score_curves(&view.history, &names, view.selected.as_ref().map(|s| s.1))));
        figures.push(("learning_rate".into(), plots::learning_rate(&view.history)));
    }
    for head in &view.test.heads {
        let table = view.predictions.iter().find(|table| table.head.name == head.name);
        let figure = match (&head.kind, &head.classes, table) {
            (TargetKind::Labels, _, _) => plots::label_scores(head),
            (TargetKind::Continuous { .. }, _, Some(table)) => plots::scatter(table, head),
            (_, Some(scores), _) => plots::confusion_matrix(scores),
            _ => continue,
        };
        figures.push((format!("head_{}", head.name), figure));
    }
    write_figures(&folder.join("plots"), &figures)?;
    let report = folder.join("report.html");
    write_atomic(&report, page(view, &figures)?.as_bytes())?;
    Ok(report)
}

/// The last lines of a run.
pub fn terminal(view: &HeadsView, report: &str) -> String {
    let mut lines = vec![(String::from("run"), view.name.clone())];
    for head in &view.test.heads {
        for about in metrics::of_kind(&head.kind) {
            if let Some(score) = view.test.metrics.get(&format!("{}.{}", head.name, about.name)) {
                lines.push((format!("test {}", head.name), format!("{} {}", about.title, about.format(score.value))));
            }
        }
        for (metric, why) in &head.undefined {
            lines.push((format!("test {}", head.name), format!("{metric} is not defined: {why}")));
        }
    }
    lines.extend(expectation(view).map(|text| ("expected".to_owned(), text)));
    lines.extend(view.onnx.iter().filter(|(name, _)| name == "check").map(|(_, text)| ("ONNX".into(), text.clone())));
    lines.extend(leak_lines(&view.leaks).into_iter().map(|(name, text, _)| (name.to_owned(), text)));
    lines.extend(view.warnings.iter().map(|w| ("warning".to_owned(), w.text.clone())));
    lines.push(("report".into(), report.into()));
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    lines.into_iter().map(|(name, text)| format!("{name:width$}  {text}")).collect::<Vec<_>>().join("\n")
}

/// The expected figure beside the one that came out.
fn expectation(view: &HeadsView) -> Option<String> {
    let expect = view.expect.as_ref()?;
    let score = view.test.get(&expect.metric).ok()?;
    let about = metrics::about(&expect.metric)?;
    let within = (score.value - expect.value).abs() <= expect.tolerance;
    let word = if within { "as expected" } else { "not as expected" };
    Some(format!("{} {}, {word} ({})", about.title, about.format(score.value), about.format(expect.value)))
}

/// The name, among the scores, of the metric that speaks for a head.
fn main_metric(head: &HeadScores) -> String {
    format!("{}.{}", head.name, metrics::main_of(&head.kind))
}

fn page(view: &HeadsView, figures: &[(String, Figure)]) -> Result<String> {
    let rows = |facts: &[(String, String)]| -> Vec<Value> {
        facts.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect()
    };
    let warnings = [view.warnings.clone(), leak_warnings(&view.leaks)].concat();
    let mut data = rows(&view.data);
    data.extend(view.leaks.iter().map(|leak| json!({ "name": "leaks", "text": leak.text() })));
    let drawn = html::drawn(figures)?;
    let plot = |name: &str| drawn.get(name).cloned().unwrap_or(Value::Null);
    let heads: Vec<Value> = view
        .test
        .heads
        .iter()
        .map(|head| {
            json!({
                "name": head.name,
                "kind": head.kind.describe(),
                "metrics": metric_table(view, head),
                "columns": column_table(head),
                "classes": head.classes.as_ref().map(|scores| class_rows(scores)),
                "undefined": undefined(head),
                "plot": plot(&format!("head_{}", head.name)),
            })
        })
        .collect();
    let expected = expectation(view).map(|text| vec![("expected figure", text)]).unwrap_or_default();
    let count = |(known, mean): (u64, f64)| if known == 0 { "0".to_owned() } else { format!("{known} ({mean:.3})") };
    let columns: Vec<Value> =
        view.columns.iter().map(|c| json!({ "name": c.name, "values": c.sets.map(count) })).collect();
    html::render(
        "heads.html",
        json!({
            "name": view.name, "description": view.description, "finished": view.finished,
            "synthetic": view.synthetic, "warnings": warnings, "selection": view.selection,
            "expected": facts(&expected),
            "heads": heads,
            "loss": plot("loss"), "scores": plot("scores"), "learning_rate": plot("learning_rate"),
            "data": data,
            "columns": { "heads": ["target", "training", "validation", "test"], "rows": columns },
            "model": model_facts(&view.model), "onnx": rows(&view.onnx),
            "config": view.config, "provenance": rows(&view.provenance), "fonts": html::fonts(),
        }),
    )
}

/// A head's metrics on both sets, with what they mean.
fn metric_table(view: &HeadsView, head: &HeadScores) -> Vec<Value> {
    let value = |scores: Option<&Scores>, name: &str, about: &About| {
        scores.and_then(|s| s.metrics.get(name)).map(|s| about.format(s.value)).unwrap_or_default()
    };
    let row = |about: About| {
        let name = format!("{}.{}", head.name, about.name);
        let (validation, test) =
            (value(view.validation.as_ref(), &name, &about), value(Some(&view.test), &name, &about));
        (!validation.is_empty() || !test.is_empty())
            .then(|| json!({ "title": about.title, "meaning": about.meaning, "validation": validation, "test": test }))
    };
    metrics::of_kind(&head.kind).into_iter().filter_map(row).collect()
}

/// Each label's or value's scores on the test set.
fn column_table(head: &HeadScores) -> Value {
    let shown = metrics::of_kind(&head.kind);
    let is_labels = head.kind == TargetKind::Labels;
    let mut heads = vec![if is_labels { "label" } else { "value" }, "rows"];
    heads.extend(is_labels.then_some("with it"));
    heads.extend(shown.iter().map(|about| about.title));
    let row = |c: &ferrotype_evaluation::ColumnScores| {
        let mut values = vec![c.n.to_string()];
        values.extend(c.positives.map(|n| n.to_string()));
        let value = |about: &About| c.metrics.get(about.name).map_or_else(|| "undefined".into(), |v| about.format(*v));
        values.extend(shown.iter().map(value));
        json!({ "name": c.column, "values": values })
    };
    let rows: Vec<Value> = head.columns.iter().map(row).collect();
    json!({ "heads": heads, "rows": rows })
}

/// Why a column has no score, a line each.
fn undefined(head: &HeadScores) -> Vec<String> {
    let column = |c: &ferrotype_evaluation::ColumnScores| -> Vec<String> {
        c.undefined.iter().map(|(metric, why)| format!("{} of {} is not defined: {why}.", metric, c.column)).collect()
    };
    head.columns.iter().flat_map(column).collect()
}
