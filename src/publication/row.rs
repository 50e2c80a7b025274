//! A published run's line in the table of all.

use std::collections::BTreeSet;
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
pub const HEAD: &str = "| experiment | model | test rows | accuracy | UAR | macro-F1 | expected | selected on | training time, all runs | machine |\n\
     |---|---|---:|---|---:|---:|---|---|---:|---|\n";

/// A published run's line; none for other systems, which have other measures: their reports stand beside.
///
/// # Errors
/// When a file of the run is broken.
pub fn row(run: &RunFolder) -> Result<Option<String>> {
    let AnyExperiment::Expressions(experiment) = any_experiment_of(run)? else { return Ok(None) };
    let group = Group::open(run.path())?;
    let members = match &group {
        Some(group) => finished(run, group)?,
        None => vec![run.clone()],
    };
    let Made { machines, builds, seconds, drawn } = of_members(&members)?;
    let builds = if builds.len() > 1 { format!("; {} builds", builds.len()) } else { String::new() };
    let Figures { n, accuracy, uar, macro_f1 } = figures(run, group.is_some(), &members)?;
    let expected = experiment
        .expect
        .as_ref()
        .map_or_else(|| "-".to_owned(), |e| format!("{} {:.2} % ({})", e.metric, 100.0 * e.value, e.source));
    let selected = experiment.selected_on().in_table();
    let name = run.name();
    Ok(Some(format!(
        "| [{name}]({name}/){} | `{}` | {n} | {accuracy} | {uar} | {macro_f1} | {expected} | {selected} | {seconds:.0} s | {}{builds} |\n",
        if drawn { " **synthetic**" } else { "" },
        experiment.model.name(),
        machines.into_iter().collect::<Vec<_>>().join("; "),
    )))
}

/// The members of a group that are finished.
fn finished(run: &RunFolder, group: &Group) -> Result<Vec<RunFolder>> {
    let values = group.values.iter().filter(|&&value| group.is_member_finished(run.path(), value));
    values.map(|&value| RunFolder::create_at(&group.member(run.path(), value))).collect()
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
    for run in members {
        tests.extend(report::read_test_scores(run.scores())?);
    }
    if tests.is_empty() {
        let [accuracy, uar, macro_f1] = ["no seed is finished", "-", "-"].map(str::to_owned);
        return Ok(Figures { n: 0, accuracy, uar, macro_f1 });
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

/// How runs were made.
#[derive(Default)]
struct Made {
    /// Where, each place once.
    machines: BTreeSet<String>,
    /// The commits of the builds.
    builds: BTreeSet<String>,
    /// Seconds of training, summed over all.
    seconds: f64,
    /// Whether on synthetic faces.
    drawn: bool,
}

fn of_members(members: &[RunFolder]) -> Result<Made> {
    let mut made = Made::default();
    for run in members {
        let p = Provenance::load(run);
        made.seconds += p.training_seconds;
        made.machines.insert(p.machine());
        made.builds.extend(p.builds().map(str::to_owned));
        if run.facts().is_file() {
            let facts: DatasetSummary = serde_json::from_str(&run.read(&run.facts())?)
                .with_context(|| format!("{} is not what a run writes", run.facts().display()))?;
            made.drawn |= facts.synthetic;
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use ferrotype_evaluation::Score;
    use ferrotype_run::group::GroupAxis;

    const CONFIG: &str = "name: x\ndata: {path: a.h5, preprocess: {size: 48}}\nmodel: mini_xception\n\
                          train: {epochs: 30, lr: 1e-3}\n";

    #[test]
    fn seeds_without_all_their_folds_do_not_count_and_every_machine_is_named() {
        let place = tempfile::tempdir().unwrap();
        let group = Group { folds: Some(2), ..Group::of(GroupAxis::Seed, vec![0, 1, 2]) };
        std::fs::write(place.path().join("config.yaml"), CONFIG).unwrap();
        let whole = RunFolder::open(place.path()).unwrap();
        group.save(&whole).unwrap();
        for (seed, folds, accuracy, processor, commit) in
            [(0, 2, 0.8, "EPYC", "c0"), (1, 2, 0.6, "Xeon", "c1"), (2, 1, 0.1, "Ryzen", "c2")]
        {
            let run = RunFolder::create_at(&group.member(place.path(), seed)).unwrap();
            let score = Score { value: accuracy, interval: None, n: 40 };
            let metrics = BTreeMap::from([("accuracy".to_owned(), score)]);
            let scores = Scores { n: 40, folds, metrics, ..Scores::default() };
            report::write_metrics(run.scores(), &BTreeMap::from([("pooled".to_owned(), scores)])).unwrap();
            let (processor, commit) = (processor.to_owned(), commit.to_owned());
            let mut made = Provenance::default();
            (made.processor, made.commit, made.training_seconds) = (processor, commit, 7.0);
            made.save(&run).unwrap();
        }
        let line = row(&whole).unwrap().unwrap();
        for part in ["mean of 2 seeds 70.00 %", "| 14 s | EPYC, 0 threads, ; Xeon, 0 threads, ; 2 builds |"] {
            assert!(line.contains(part), "{line}\nlacks {part}");
        }
    }
}
