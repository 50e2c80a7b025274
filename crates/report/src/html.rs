//! The HTML pages: one file each, with nothing fetched from elsewhere.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

use super::context as text;
use super::evaluation;
use super::figure::Figure;
use super::sections;
use super::terminal::{all_warnings, leak_warnings};
use super::view::{AggregateView, RunView};
use ferrotype_evaluation::metrics::{find, format_value};
use ferrotype_evaluation::{Aggregate, Scores};

/// A page's plots by name.
type Plots = [(&'static str, Figure)];

/// The page of one run.
pub fn run_page(run: &RunView, figures: &Plots) -> Result<String> {
    let (scored, set) = match (&run.test, &run.validation) {
        (Some(test), _) => (Some(test), "Test"),
        (None, validation) => (validation.as_ref(), "Validation"),
    };
    let headline = scored.map(|s| text::headline(set, s, run.expect.as_ref())).transpose()?.flatten();
    let mut warnings = all_warnings(run);
    warnings.extend(leak_warnings(&run.dataset.leaks));
    render(
        "run.html",
        json!({
            "run": run,
            "set": set.to_lowercase(),
            "headline": headline,
            "synthetic": run.dataset.synthetic,
            "warnings": warnings,
            "selection": text::selection(run),
            "calibration": text::calibration(run),
            "metrics": text::metric_rows(run.validation.as_ref(), run.test.as_ref()),
            "classes": scored.map(text::class_rows),
            "dataset": text::dataset_facts(&run.dataset),
            "sets": text::set_rows(&run.dataset),
            "model": text::model_facts(&run.model),
            "onnx": run.onnx.as_ref().map(text::onnx_facts),
            "mistakes": text::mistake_tiles(&run.mistakes)?,
            "saliency": sections::saliency(&run.saliency),
            "evaluations": run.evaluations.iter().map(evaluation::section).collect::<Result<Vec<_>>>()?,
            "attacks": run.attacks.iter().map(sections::attack).collect::<Result<Vec<_>>>()?,
            "plots": drawn(figures)?,
            "fonts": fonts(),
        }),
    )
}

/// The page of several seeds or folds.
pub fn aggregate_page(view: &AggregateView, sum: &Aggregate, figures: &Plots) -> Result<String> {
    let headline =
        view.pooled.as_ref().map(|p| text::headline("Pooled", p, view.expect.as_ref())).transpose()?.flatten();
    let headline = match headline {
        Some(pooled) => Some(pooled),
        None => mean_headline(view, sum)?,
    };
    render(
        "aggregate.html",
        json!({
            "view": view,
            "headline": headline,
            "synthetic": view.synthetic,
            "warnings": view.warnings,
            "spread": text::spread_rows(sum, view.pooled.as_ref()),
            "columns": columns(sum),
            "runs": run_rows(view, sum),
            "classes": view.pooled.as_ref().map(text::class_rows),
            "plots": drawn(figures)?,
            "fonts": fonts(),
        }),
    )
}

fn mean_headline(view: &AggregateView, sum: &Aggregate) -> Result<Option<text::Headline>> {
    if sum.metrics.keys().any(|name| name.contains('.')) {
        // The heads have no one figure that speaks for all; the table has each.
        return Ok(None);
    }
    let metric = find(view.expect.as_ref().map_or("accuracy", |e| &e.metric))?;
    let Some(spread) = sum.metrics.get(metric.name()) else { return Ok(None) };
    let expect = view.expect.as_ref();
    let n = spread.values.len();
    let count = if n == 1 { format!("1 {}", view.over) } else { format!("{n} {}s", view.over) };
    Ok(Some(text::Headline {
        name: format!("Mean test {}", metric.title()),
        value: format_value(metric, spread.mean),
        interval: spread.interval.map_or(count.clone(), |i| {
            format!("95 % interval of the mean {}, {count}", text::between(metric.name(), i))
        }),
        verdict: expect.map(|e| super::verdict(e, spread.mean, spread.interval)).transpose()?,
        source: expect.map(|e| e.source.clone()).unwrap_or_default(),
        note: expect.map(|e| e.note.clone()).unwrap_or_default(),
    }))
}

/// The metrics that the table of runs shows: more do not fit a page.
const COLUMNS: [&str; 5] = ["accuracy", "uar", "macro_f1", "log_loss", "ece"];

fn columns(sum: &Aggregate) -> Vec<&'static str> {
    let shown = COLUMNS.iter().filter(|name| sum.metrics.contains_key(**name));
    shown.filter_map(|name| Some(find(name).ok()?.title())).collect()
}

fn run_rows(view: &AggregateView, sum: &Aggregate) -> Vec<Value> {
    let value = |scores: &Scores, name: &str| {
        let score = scores.metrics.get(name)?;
        Some(format_value(find(name).ok()?, score.value))
    };
    let row = |run: &super::RunRow| {
        let shown = COLUMNS.iter().filter(|name| sum.metrics.contains_key(**name));
        let values: Vec<String> = shown.map(|name| value(&run.scores, name).unwrap_or_default()).collect();
        json!({ "label": run.label, "path": run.path, "n": run.scores.n, "values": values })
    };
    view.runs.iter().map(row).collect()
}

/// Plots as they stand in a page, by name.
pub(super) fn drawn<N: ToString>(figures: &[(N, Figure)]) -> Result<Value> {
    let drawn = figures.iter().map(|(name, figure)| Ok((name.to_string(), wrapped(figure)?.into())));
    Ok(Value::Object(drawn.collect::<Result<_>>()?))
}

/// A plot in the box that limits its width.
pub(super) fn wrapped(figure: &Figure) -> Result<String> {
    // Narrower than this, labels cannot be read: a phone scrolls the wider plots.
    let width = figure.size().0;
    let style = format!("max-width:{width}px;min-width:{:.0}px", 0.6 * width);
    Ok(format!("<div style=\"{style}\">{}</div>", figure.svg()?))
}

/// The plots' font, so that they look alike on every machine.
pub(super) fn fonts() -> String {
    let face = |weight: &str, bytes: &[u8]| {
        format!(
            "@font-face{{font-family:\"DejaVu Sans\";font-weight:{weight};\
             src:url(data:font/ttf;base64,{}) format(\"truetype\")}}\n",
            STANDARD.encode(bytes)
        )
    };
    face("normal", include_bytes!("fonts/DejaVuSans-subset.ttf"))
        + &face("bold", include_bytes!("fonts/DejaVuSans-Bold-subset.ttf"))
}

/// A page of a template.
pub(super) fn render(name: &str, values: Value) -> Result<String> {
    let mut environment = Environment::new();
    // A name that the context lacks is a mistake in the template, which must not pass as an empty space.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // Lines that hold only a tag leave no empty lines behind.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    for (file, source) in [
        ("base.html", include_str!("templates/base.html")),
        ("style.css", include_str!("templates/style.css")),
        ("parts.html", include_str!("templates/parts.html")),
        ("run.html", include_str!("templates/run.html")),
        ("aggregate.html", include_str!("templates/aggregate.html")),
        ("heads.html", include_str!("templates/heads.html")),
        ("analysis.html", include_str!("templates/analysis.html")),
        ("anomalies.html", include_str!("templates/anomalies.html")),
        ("card.md", include_str!("templates/card.md")),
        ("sweep.html", include_str!("templates/sweep.html")),
        ("real_fake.html", include_str!("templates/real_fake.html")),
    ] {
        environment.add_template(file, source).with_context(|| format!("the template {file} is damaged"))?;
    }
    environment.get_template(name)?.render(template_value(values)).context("the report's page cannot be made")
}

/// The engine's own values (it reads serde's only with a feature that nothing else here needs).
fn template_value(value: Value) -> minijinja::Value {
    match value {
        Value::Null => ().into(),
        Value::Bool(b) => b.into(),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, number) => number.unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => items.into_iter().map(template_value).collect::<Vec<_>>().into(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, template_value(value)));
            fields.collect::<BTreeMap<_, _>>().into()
        }
    }
}
