//! A run of the system `real_fake` as the report sees it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::files::{self, DatasetSummary, Outcome};
use crate::config::{self, AnyExperiment, RealFakeExperiment};
use crate::systems::{evaluations, expressions::view::expected};
use ferrotype_evaluation::Score;
use ferrotype_evaluation::compare::McNemar;
use ferrotype_real_fake::baselines::{AU_MEANS, LENGTH, title};
use ferrotype_real_fake::clip::CLASSES;
use ferrotype_real_fake::results::{BaselineComparison, Measures};
use ferrotype_report::real_fake::{self, RealFakeView, Table, TableRow};
use ferrotype_report::{self as report, Warning};
use ferrotype_run::{Provenance, RunFolder};

/// A difference of at most so improbable a kind counts as one.
const SIGNIFICANT: f64 = 0.05;

/// The experiment of a run of this system.
///
/// # Errors
/// When it is missing, damaged, or one of another system.
pub fn experiment_of(run: &RunFolder) -> Result<RealFakeExperiment> {
    match crate::systems::loaded::any_experiment_of(run)? {
        AnyExperiment::RealFake(e) => Ok(*e),
        other => {
            bail!("{} holds an experiment of the system {}, not of real_fake", run.path().display(), other.system())
        }
    }
}

/// Builds the report of a finished run; gives its last lines.
///
/// # Errors
/// When a file of the run is missing or broken, or the report cannot be written.
pub fn report_run(run: &RunFolder) -> Result<String> {
    let view = of_run(run)?;
    let report = real_fake::write(run.path(), &view)?;
    let mut lines = vec![aligned(&view.methods)];
    lines.extend(unlabelled(&Outcome::load(run)?).map(|text| format!("Unlabelled clips: {text}.")));
    lines.extend(view.verdicts.clone());
    lines.extend(view.warnings.iter().map(|w| format!("warning: {}", w.text)));
    lines.push(format!("clips   {}", files::clips(run).display()));
    lines.push(format!("report  {}", report.display()));
    Ok(lines.join("\n"))
}

/// Everything that the folder of a finished run knows.
fn of_run(run: &RunFolder) -> Result<RealFakeView> {
    let experiment = experiment_of(run)?;
    let facts = DatasetSummary::load(run)?;
    let outcome = Outcome::load(run)?;
    let provenance = Provenance::load(run);
    let test = report::read_metrics(run.scores())?.remove("test").context("the run has no scores of test clips")?;
    let measures = outcome.sets.get("test").context("the run has no measures of test clips")?;
    Ok(RealFakeView {
        name: run.title(),
        description: experiment.description.clone(),
        finished: provenance.finished.clone(),
        synthetic: facts.synthetic,
        warnings: warnings(&outcome),
        verdicts: verdicts(measures, &outcome.method, &outcome.baselines),
        expect: expected(experiment.expect.as_ref()),
        test,
        methods: methods(&outcome.method, measures, &outcome.baselines),
        sets: sets(&outcome),
        evaluations: evaluations::of_run(run)?,
        emotions: emotions(measures),
        data: data(&facts),
        notes: facts.notes.clone(),
        method: method(&experiment, &outcome),
        config: config::to_yaml(&experiment),
        provenance: provenance.rows(),
    })
}

fn row(name: impl Into<String>, values: Vec<String>) -> TableRow {
    TableRow { name: name.into(), values }
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

/// `62.50 % (49.41 to 74.00)`.
pub(super) fn share(score: &Score) -> String {
    match score.interval {
        Some([low, high]) => format!("{:.2} % ({:.2} to {:.2})", 100.0 * score.value, 100.0 * low, 100.0 * high),
        None => format!("{:.2} %", 100.0 * score.value),
    }
}

pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{:.2} %", 100.0 * v))
}

pub(super) fn area(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.3}"))
}

/// `7 : 2, p = 0.180`: clips that only the first and only the second has right.
pub(super) fn uneven(m: &McNemar) -> String {
    format!("{} : {}, {}", m.only_first, m.only_second, probability(m.p))
}

/// `p = 0.180` or `p < 0.001`.
pub(super) fn probability(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p = {p:.3}") }
}

/// The method and the baselines on the same clips.
pub(super) fn methods(method: &str, measures: &Measures, baselines: &[BaselineComparison]) -> Table {
    let line = |m: &Measures| {
        vec![m.n.to_string(), m.accuracy.as_ref().map_or_else(|| "-".into(), share), percent(m.uar), area(m.auroc)]
    };
    let mut rows = vec![row(method, [line(measures), vec!["-".into()]].concat())];
    for b in baselines {
        rows.push(row(title(&b.name), [line(&b.test), vec![uneven(&b.mcnemar)]].concat()));
    }
    let names = ["", "clips", "accuracy (95 % interval)", "UAR", "AUROC", "method right : it right (McNemar)"];
    Table { heads: heads(&names), rows }
}

/// Whether the method beats the baseline: `Some(true)` where it has more clips right, and hardly by chance.
pub(super) fn beats(beside: &BaselineComparison) -> bool {
    beside.mcnemar.only_first > beside.mcnemar.only_second && beside.mcnemar.p < SIGNIFICANT
}

/// How far so many tested clips can be trusted, in words.
pub(super) fn sharpness(measures: &Measures) -> Option<String> {
    let Some(Score { interval: Some([low, high]), n, .. }) = &measures.accuracy else { return None };
    let half = 50.0 * (high - low);
    let few = if half > 5.0 { ": differences smaller than that are not to be read as such" } else { "" };
    Some(format!("{n} tested clips: the accuracy is known to about ±{half:.0} points{few}."))
}

/// How much the figures can be trusted, in words.
pub(super) fn verdicts(measures: &Measures, method: &str, baselines: &[BaselineComparison]) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(sharpness(measures));
    let find = |name: &str| baselines.iter().find(|b| b.name == name);
    let accuracy = |m: &Measures| m.accuracy.as_ref().map_or(f64::NAN, |s| 100.0 * s.value);
    if let Some(b) = find(AU_MEANS) {
        let own = accuracy(&b.test);
        all.push(if b.mcnemar.only_first + b.mcnemar.only_second == 0 {
            format!("{method} decides as logistic regression on AU means does, clip by clip ({own:.2} %).")
        } else if beats(b) {
            format!(
                "{method} works: it beats logistic regression on AU means ({own:.2} %; McNemar {}).",
                probability(b.mcnemar.p)
            )
        } else {
            format!(
                "{method} cannot be called working: it does not beat logistic regression on AU means ({own:.2} %) by more \
                 than chance allows (McNemar {}).",
                probability(b.mcnemar.p)
            )
        });
    }
    if let Some(b) = find(LENGTH) {
        let auroc = b.test.auroc.map_or_else(String::new, |a| format!(", AUROC {a:.3}"));
        all.push(format!(
            "Clip length alone separates the tested clips with {:.2} % accuracy{auroc}: {}.",
            accuracy(&b.test),
            if b.test.accuracy.as_ref().and_then(|s| s.interval).is_some_and(|[low, _]| low > 0.5) {
                "a confound; what else differs between the recordings may be one, too"
            } else {
                "within what chance allows"
            }
        ));
    }
    all
}

fn warnings(outcome: &Outcome) -> Vec<Warning> {
    let mut all = Vec::new();
    if outcome.method == LENGTH {
        let text = "This run looks at nothing but the length of clips. It shows a confound of the recordings and tells \
                    nothing of expressions.";
        all.push(Warning { serious: true, text: text.into() });
    }
    all
}

fn sets(outcome: &Outcome) -> Table {
    let line = |(name, m): (&String, &Measures)| {
        let name = if name == "validation" { "validation (selects weights)" } else { name };
        row(
            name,
            vec![m.n.to_string(), m.accuracy.as_ref().map_or_else(|| "-".into(), share), percent(m.uar), area(m.auroc)],
        )
    };
    let order = ["training", "validation", "test"];
    let rows = order.iter().filter_map(|name| outcome.sets.get_key_value(*name)).map(line).collect();
    Table { heads: heads(&["set", "clips", "accuracy (95 % interval)", "UAR", "AUROC"]), rows }
}

pub(super) fn emotions(measures: &Measures) -> Table {
    let rows = measures.by_emotion.iter().map(|(name, s)| row(name, vec![s.n.to_string(), share(s)])).collect();
    Table { heads: heads(&["emotion", "clips", "accuracy (95 % interval)"]), rows }
}

fn data(facts: &DatasetSummary) -> Vec<(String, String)> {
    let mut rows = vec![("Source", facts.source.clone()), ("Clips", facts.sizes()), ("Split", facts.split.clone())];
    if facts.subjects > 0 {
        rows.push(("Subjects", facts.subjects.to_string()));
    }
    if !facts.emotions.is_empty() {
        rows.push(("Emotions", facts.emotions.join(", ")));
    }
    if !facts.units.is_empty() {
        rows.push(("Action units", facts.units.join(" ")));
    }
    if facts.landmarks {
        rows.push(("Landmarks", "68".into()));
    }
    if let Some(size) = facts.descriptor {
        rows.push(("Descriptor", format!("{size} values")));
    }
    rows.push(("Frames per second", facts.rate.map_or_else(|| "as measured".into(), |r| r.to_string())));
    let median = |i: usize| facts.median_seconds[i].map_or_else(|| "-".into(), |s| format!("{s:.2} s"));
    rows.push(("Median length", format!("{} {}, {} {}", CLASSES[0], median(0), CLASSES[1], median(1))));
    rows.push(("sha256", facts.sha256.clone()));
    rows.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

fn method(experiment: &RealFakeExperiment, outcome: &Outcome) -> Vec<(String, String)> {
    let mut rows = vec![
        ("Method".to_owned(), experiment.method.name().to_owned()),
        ("Fitted values".to_owned(), outcome.parameters.to_string()),
    ];
    for (file, check) in &outcome.onnx {
        rows.push((format!("ONNX: {file}"), check.text()));
    }
    if let Some(text) = unlabelled(outcome) {
        rows.push(("Unlabelled clips".to_owned(), text));
    }
    rows
}

/// What the clips without a public truth are called.
fn unlabelled(outcome: &Outcome) -> Option<String> {
    let [fake, real] = outcome.unlabelled?;
    Some(format!("{real} called {}, {fake} called {}", CLASSES[1], CLASSES[0]))
}

/// A table for the terminal, its columns aligned.
pub(super) fn aligned(table: &Table) -> String {
    let lines: Vec<Vec<&str>> = std::iter::once(table.heads.iter().map(String::as_str).collect())
        .chain(
            table
                .rows
                .iter()
                .map(|r| std::iter::once(r.name.as_str()).chain(r.values.iter().map(String::as_str)).collect()),
        )
        .collect();
    let width = |c: usize| lines.iter().filter_map(|l| l.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
    let padded = |line: &Vec<&str>| {
        let cells = line.iter().enumerate().map(|(c, text)| format!("{text:<width$}", width = width(c)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}

/// A table in Markdown.
pub(super) fn markdown(table: &Table) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(table.heads.iter().map(String::as_str).collect());
    text += &format!("|{}\n", "---|".repeat(table.heads.len()));
    for r in &table.rows {
        text += &line(std::iter::once(r.name.as_str()).chain(r.values.iter().map(String::as_str)).collect());
    }
    text
}

/// The files of a run that others may see: of synthetic clips also the table of clips.
///
/// # Errors
/// When a file of the run is missing or broken.
pub fn published(run: &RunFolder) -> Result<Vec<PathBuf>> {
    let mut all = vec![run.scores(), files::outcome(run)];
    all.extend(of_run(run)?.synthetic.then(|| files::clips(run)));
    Ok(all)
}
