//! What the templates show, as text: all formatting is done here, none in the templates.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::terminal::format_score;
use super::verdict::{Verdict, verdict};
use super::view::{DatasetView, ExpectView, Mistake, ModelView, OnnxView, RunView};
use ferrotype_evaluation::metrics::{self, format_value};
use ferrotype_evaluation::{Aggregate, Score, Scores};

/// A name and a text.
#[derive(Serialize)]
pub struct Fact {
    pub name: String,
    pub text: String,
}

/// DatasetSummary with text, in order.
pub fn facts(pairs: &[(&str, String)]) -> Vec<Fact> {
    let fact = |(name, text): &(&str, String)| Fact { name: name.to_string(), text: text.clone() };
    pairs.iter().filter(|(_, text)| !text.is_empty()).map(fact).collect()
}

/// The line at the top: the score that counts, and what was expected.
#[derive(Serialize)]
pub struct Headline {
    pub name: String,
    pub value: String,
    pub interval: String,
    pub verdict: Option<Verdict>,
    pub source: String,
    pub note: String,
}

/// The headline of scores: the expected metric if there is one, otherwise accuracy.
pub fn headline(set: &str, scores: &Scores, expect: Option<&ExpectView>) -> Result<Option<Headline>> {
    if !scores.heads.is_empty() {
        return Ok(None);
    }
    let metric = metrics::find(expect.map_or("accuracy", |e| &e.metric))?;
    let Some(score) = scores.metrics.get(metric.name()) else { return Ok(None) };
    let interval = score.interval.map(|i| format!("95 % interval {}", between(metric.name(), i)));
    Ok(Some(Headline {
        name: format!("{set} {}", metric.title()),
        value: format_value(metric, score.value),
        interval: interval.map_or(format!("{} rows", score.n), |i| format!("{i}, {} rows", score.n)),
        verdict: expect.map(|e| verdict(e, score.value, score.interval)).transpose()?,
        source: expect.map(|e| e.source.clone()).unwrap_or_default(),
        note: expect.map(|e| e.note.clone()).unwrap_or_default(),
    }))
}

/// `60.18 to 63.40 %`.
pub fn between(name: &str, [low, high]: [f64; 2]) -> String {
    match metrics::find(name) {
        Ok(m) => format!("{} to {}", format_value(m, low).trim_end_matches(" %"), format_value(m, high)),
        Err(_) => format!("{low:.4} to {high:.4}"),
    }
}

/// A metric on both sets.
#[derive(Serialize)]
pub struct MetricRow {
    pub title: &'static str,
    pub meaning: &'static str,
    pub validation: Cell,
    pub test: Cell,
}

/// A value, and its interval where it has one.
#[derive(Default, Serialize)]
pub struct Cell {
    pub value: String,
    pub interval: String,
}

/// All metrics that one of the sets has.
pub fn metric_rows(validation: Option<&Scores>, test: Option<&Scores>) -> Vec<MetricRow> {
    let text = |scores: Option<&Scores>, name: &str| match scores.and_then(|s| s.metrics.get(name)) {
        Some(score) => cell(name, score),
        None => Cell::default(),
    };
    let row = |m: &&'static dyn metrics::Metric| MetricRow {
        title: m.title(),
        meaning: m.meaning(),
        validation: text(validation, m.name()),
        test: text(test, m.name()),
    };
    metrics::all().iter().map(row).filter(|r| !r.validation.value.is_empty() || !r.test.value.is_empty()).collect()
}

fn cell(name: &str, score: &Score) -> Cell {
    Cell {
        value: format_score(name, &Score { interval: None, ..score.clone() }),
        interval: score.interval.map(|i| between(name, i)).unwrap_or_default(),
    }
}

/// A class's scores.
#[derive(Serialize)]
pub struct ClassRow {
    pub class: String,
    pub numbers: Vec<String>,
}

/// Precision, recall, F1, support and number of predictions of each class.
pub fn class_rows(scores: &Scores) -> Vec<ClassRow> {
    let percent = |v: f64| format!("{:.1}", 100.0 * v);
    scores
        .per_class
        .iter()
        .map(|c| ClassRow {
            class: c.class.clone(),
            numbers: vec![
                percent(c.precision),
                percent(c.recall),
                percent(c.f1),
                c.support.to_string(),
                c.predicted.to_string(),
            ],
        })
        .collect()
}

/// A set with its rows of each class and their sum.
#[derive(Serialize)]
pub struct SetRow {
    pub name: String,
    pub counts: Vec<u64>,
    pub total: u64,
}

/// The sets' sizes.
pub fn set_rows(dataset: &DatasetView) -> Vec<SetRow> {
    let row = |s: &super::SetView| SetRow {
        name: s.name.clone(),
        counts: s.per_class.clone(),
        total: s.per_class.iter().sum(),
    };
    dataset.sets.iter().map(row).collect()
}

/// What is known of the data beside its sizes.
pub fn dataset_facts(dataset: &DatasetView) -> Vec<Fact> {
    let name = if dataset.synthetic { format!("{} (synthetic)", dataset.name) } else { dataset.name.clone() };
    facts(&[
        ("dataset", name),
        ("labels", dataset.labels.clone()),
        ("split", dataset.split.clone()),
        ("file", dataset.path.clone()),
        ("sha256", dataset.sha256.clone()),
    ])
}

/// What is known of the network.
pub fn model_facts(model: &ModelView) -> Vec<Fact> {
    let count = |n: u64| if n == 0 { String::new() } else { grouped(n) };
    let mut all = facts(&[
        ("model", model.name.clone()),
        ("input", model.input.clone()),
        ("parameters", count(model.parameters)),
        ("multiply-accumulates per image", count(model.macs)),
        ("source", model.source.clone()),
    ]);
    all.extend(model.details.iter().map(|(name, text)| Fact { name: name.clone(), text: text.clone() }));
    all
}

/// `8,757,704`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How the weights were selected, in a sentence.
pub fn selection(run: &RunView) -> String {
    let Some(s) = &run.selection else { return String::new() };
    if s.set == "none" {
        return format!("Nothing selected the weights: they are those of the last epoch ({}).", s.epoch);
    }
    let (title, value) = match metrics::find(&s.metric) {
        Ok(m) => (m.title().to_string(), format_value(m, s.value)),
        Err(_) => (s.metric.clone(), format!("{:.4}", s.value)),
    };
    format!("Weights of epoch {}, selected by {title} on the {} set ({value}).", s.epoch, s.set)
}

/// What the calibration did to each set, one line of text; empty where there was none.
pub fn calibration(run: &RunView) -> String {
    let Some(c) = &run.calibration else { return String::new() };
    let mut text =
        format!("Logits are divided by {:.3}, fitted on {} rows of the validation set.", c.temperature, c.rows);
    for (set, scores) in [("validation", &run.validation), ("test", &run.test)] {
        let Some((scores, before)) = scores.as_ref().zip(c.before.get(set)) else { continue };
        let change = |(name, &was): (&String, &f64)| {
            let metric = metrics::find(name).ok()?;
            let now = scores.metrics.get(metric.name())?.value;
            Some(format!("{} {} -> {}", metric.title(), format_value(metric, was), format_value(metric, now)))
        };
        let changes: Vec<String> = before.iter().filter_map(change).collect();
        text += &format!(" On the {set} set: {}.", changes.join(", "));
    }
    text
}

/// The check of the exported model.
pub fn onnx_facts(onnx: &OnnxView) -> Vec<Fact> {
    let compared = onnx.rows.saturating_sub(onnx.ties.len() as u64);
    let relative = if onnx.range > 0.0 { onnx.difference / onnx.range } else { onnx.difference };
    let mut ties = onnx.ties.iter().take(20).map(u32::to_string).collect::<Vec<_>>().join(", ");
    if onnx.ties.len() > 20 {
        ties += &format!(" and {} more", onnx.ties.len() - 20);
    }
    let ties = if ties.is_empty() { "none".to_string() } else { format!("{}: rows {ties}", onnx.ties.len()) };
    facts(&[
        ("file", onnx.path.clone()),
        ("runtime", onnx.runtime.clone()),
        ("checked on", onnx.checked_on.clone()),
        (
            "largest logit difference",
            format!(
                "{:.2e}, that is {relative:.1e} of the range of {:.2} (allowed: {:.0e})",
                onnx.difference, onnx.range, onnx.tolerance
            ),
        ),
        ("same class", format!("{} of {compared} rows, ties aside", onnx.agreeing)),
        ("ties", ties),
        (
            "accuracy",
            onnx.accuracy.map_or_else(String::new, |[model, file]| {
                format!("{:.2} % (model), {:.2} % (ONNX)", 100.0 * model, 100.0 * file)
            }),
        ),
        ("note", onnx.note.clone()),
    ])
}

/// A wrong prediction with its picture as a data address.
#[derive(Serialize)]
pub struct MistakeTile {
    pub picture: String,
    pub truth: String,
    pub prediction: String,
    pub confidence: String,
    pub row: u32,
}

/// All mistakes for the page.
pub fn mistake_tiles(mistakes: &[Mistake]) -> Result<Vec<MistakeTile>> {
    let tile = |m: &Mistake| {
        let png = m.face.as_ref().map(|f| f.png()).transpose()?;
        Ok(MistakeTile {
            picture: png.map(|p| format!("data:image/png;base64,{}", STANDARD.encode(p))).unwrap_or_default(),
            truth: m.truth.clone(),
            prediction: m.prediction.clone(),
            confidence: format!("{:.1} %", 100.0 * m.confidence),
            row: m.row,
        })
    };
    mistakes.iter().map(tile).collect()
}

/// A metric over several runs.
#[derive(Serialize)]
pub struct SpreadRow {
    pub title: String,
    pub mean: String,
    pub sd: String,
    pub interval: String,
    /// Runs in which it is defined.
    pub runs: usize,
    pub pooled: Cell,
}

/// All metrics of several runs, with the pooled score of folds.
pub fn spread_rows(sum: &Aggregate, pooled: Option<&Scores>) -> Vec<SpreadRow> {
    let row = |m: &&'static dyn metrics::Metric| {
        let spread = sum.metrics.get(m.name())?;
        Some(SpreadRow {
            title: m.title().to_owned(),
            mean: format_value(*m, spread.mean),
            sd: spread.sd.map(|sd| format_value(*m, sd)).unwrap_or_default(),
            interval: spread.interval.map(|i| between(m.name(), i)).unwrap_or_default(),
            runs: spread.values.len(),
            pooled: pooled.and_then(|p| Some(cell(m.name(), p.metrics.get(m.name())?))).unwrap_or_default(),
        })
    };
    let of_heads = sum.metrics.iter().filter_map(|(name, spread)| {
        let about = metrics::about(name).filter(|_| name.contains('.'))?;
        let show = |v: f64| about.format(v);
        Some(SpreadRow {
            title: format!("{} {}", name.split('.').next().unwrap_or_default(), about.title),
            mean: show(spread.mean),
            sd: spread.sd.map(show).unwrap_or_default(),
            interval: spread.interval.map(|[low, high]| format!("{} to {}", show(low), show(high))).unwrap_or_default(),
            runs: spread.values.len(),
            pooled: pooled
                .and_then(|p| Some(Cell { value: show(p.metrics.get(name)?.value), interval: String::new() }))
                .unwrap_or_default(),
        })
    });
    metrics::all().iter().filter_map(row).chain(of_heads).collect()
}
