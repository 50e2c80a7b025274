//! A published run's line in the table of all.

use std::fmt::Write;

use anyhow::{Context, Result};

use crate::config::AnyExperiment;
use crate::systems::loaded::any_experiment_of;
use ferrotype_data::task::DatasetSummary;
use ferrotype_evaluation::{Scores, aggregate};
use ferrotype_report as report;
use ferrotype_run::group::Group;
use ferrotype_run::{Provenance, RunFolder};

/// The head of the table of published runs.
pub const HEAD: &str = "| experiment | model | test rows | accuracy | UAR | macro-F1 | expected | selected on | training time | machine |\n\
     |---|---|---:|---|---:|---:|---|---|---:|---|\n";

/// A published run's line; none for other systems, which have other measures: their reports stand beside.
///
/// # Errors
/// When a file of the run is broken.
pub fn row(run: &RunFolder) -> Result<Option<String>> {
    let AnyExperiment::Expressions(experiment) = any_experiment_of(run)? else { return Ok(None) };
    let group = Group::open(run.path())?;
    let members = match &group {
        Some(group) => group.values.iter().map(|&v| RunFolder::create_at(&group.member(run.path(), v))).collect(),
        None => Ok(vec![run.clone()]),
    }?;
    let (provenance, seconds, drawn) = of_members(&members)?;
    let Figures { n, accuracy, uar, macro_f1 } = figures(run, group.is_some(), &members)?;
    let expected = experiment
        .expect
        .as_ref()
        .map_or_else(|| "-".to_owned(), |e| format!("{} {:.2} % ({})", e.metric, 100.0 * e.value, e.source));
    let selected = experiment.selected_on().in_table();
    let name = run.name();
    Ok(Some(format!(
        "| [{name}]({name}/){} | `{}` | {n} | {accuracy} | {uar} | {macro_f1} | {expected} | {selected} | {:.0} s | {}, {} threads, {} |\n",
        if drawn { " **synthetic**" } else { "" },
        experiment.model.name(),
        seconds,
        provenance.processor,
        provenance.threads,
        provenance.kernels,
    )))
}

/// The scores of a line as text.
struct Figures {
    n: u64,
    accuracy: String,
    uar: String,
    macro_f1: String,
}

/// Of a run its test scores, of folds the pooled ones, of seeds the means.
fn figures(run: &RunFolder, is_group: bool, members: &[RunFolder]) -> Result<Figures> {
    if is_group && !run.scores().is_file() {
        return figures_of_seeds(members);
    }
    let scores = match run.scores().is_file() {
        true => report::read_test_scores(run.scores())?.unwrap_or_default(),
        false => Scores::default(),
    };
    let share = |name: &str| scores.metrics.get(name).map_or_else(|| "-".into(), |s| percent(s.value));
    let mut accuracy = share("accuracy");
    if let Some([low, high]) = scores.metrics.get("accuracy").and_then(|s| s.interval) {
        write!(accuracy, " ({:.2} to {:.2})", 100.0 * low, 100.0 * high)?;
    }
    Ok(Figures { n: scores.n, accuracy, uar: share("uar"), macro_f1: share("macro_f1") })
}

fn figures_of_seeds(members: &[RunFolder]) -> Result<Figures> {
    let mut tests = Vec::new();
    for run in members.iter().filter(|run| run.scores().is_file()) {
        tests.extend(report::read_test_scores(run.scores())?);
    }
    let sum = aggregate(&tests)?;
    let mean = |name: &str| sum.metrics.get(name).map_or_else(|| "-".into(), |s| percent(s.mean));
    let mut accuracy = format!("mean of {} seeds {}", sum.runs, mean("accuracy"));
    if let Some((sd, [low, high])) = sum.metrics.get("accuracy").and_then(|s| s.sd.zip(s.interval)) {
        write!(accuracy, ", sd {:.2} ({:.2} to {:.2})", 100.0 * sd, 100.0 * low, 100.0 * high)?;
    }
    Ok(Figures { n: tests.first().map_or(0, |s| s.n), accuracy, uar: mean("uar"), macro_f1: mean("macro_f1") })
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Where the runs were trained, for how many seconds together, and whether on synthetic faces.
fn of_members(members: &[RunFolder]) -> Result<(Provenance, f64, bool)> {
    let mut seconds = 0.0;
    let mut drawn = false;
    for run in members {
        seconds += Provenance::load(run).training_seconds;
        if run.facts().is_file() {
            let facts: DatasetSummary = serde_json::from_str(&run.read(&run.facts())?)
                .with_context(|| format!("{} is not what a run writes", run.facts().display()))?;
            drawn |= facts.synthetic;
        }
    }
    let provenance = members.first().map(Provenance::load).unwrap_or_default();
    Ok((provenance, seconds, drawn))
}
