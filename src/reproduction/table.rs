//! All published results with what came of them, as Markdown and CSV.

use std::path::Path;

use anyhow::{Context, Result};
use ferrotype_base::energy::watt_hours;

use super::{Entry, Outcome, Registry, Unfinished, verdict};

/// One line: an entry with one of its runs, or without any.
#[derive(Clone, Debug)]
pub struct Line<'r> {
    /// The published result.
    pub entry: &'r Entry,
    /// What was run; none: nothing was.
    pub outcome: Option<&'r Outcome>,
    /// The verdict, or why there is none.
    pub verdict: String,
}

/// Why nothing was run: what it needs and costs. The same on every machine, whatever data lie there, for the table is published.
fn not_run(entry: &Entry) -> String {
    let needs: Vec<String> = entry.needs.iter().map(super::Need::text).collect();
    let needs = if needs.is_empty() { String::new() } else { format!("needs {}; ", needs.join(" and ")) };
    match &entry.recipe {
        None => format!("not run: {needs}{}", entry.no_run),
        Some(recipe) => format!("not run yet: {needs}about {} a seed on two cores", duration(recipe.seconds)),
    }
}

/// Why nothing was run on this machine: what is missing here, or that nobody has begun.
pub fn not_run_here(entry: &Entry, root: &Path) -> String {
    let Some(recipe) = &entry.recipe else { return not_run(entry) };
    let experiment = entry.experiment(root, &[]);
    let missing = entry.missing(experiment.as_ref().ok());
    if !missing.is_empty() {
        let needs: Vec<String> = missing.into_iter().map(super::Need::text).collect();
        return format!("not run: needs {}", needs.join(" and "));
    }
    match experiment {
        Ok(_) => format!("not run yet: about {} a seed on two cores", duration(recipe.seconds)),
        Err(e) => format!("not run: {e:#}"),
    }
}

/// The lines of all entries in their order, each with its runs, full recipes first.
///
/// # Errors
/// When a metric does not exist.
pub fn lines<'r>(registry: &'r Registry, outcomes: &'r [Outcome]) -> Result<Vec<Line<'r>>> {
    let mut all = Vec::new();
    for entry in &registry.entries {
        let mine = |o: &&Outcome| o.mark.as_ref().is_some_and(|m| m.entry == entry.name);
        let mut runs: Vec<&Outcome> = outcomes.iter().filter(mine).collect();
        runs.sort_by_key(|o| (!o.comparison.is_full(), std::cmp::Reverse(o.comparison.epochs), o.folder.clone()));
        if runs.is_empty() {
            all.push(Line { entry, outcome: None, verdict: not_run(entry) });
        }
        for run in runs {
            let text = verdict(entry, run)?.map(|v| v.text);
            all.push(Line { entry, outcome: Some(run), verdict: text.unwrap_or_else(|| unfinished(run)) });
        }
    }
    Ok(all)
}

fn unfinished(outcome: &Outcome) -> String {
    let all = outcome.values.len() + outcome.unfinished.len();
    if outcome.unfinished.is_empty() {
        return format!(
            "**no figure**: all {all} runs are finished, and no {} over them is in the report; `ferrotype report --run {}` writes it \
             anew",
            outcome.metric,
            outcome.folder.display()
        );
    }
    let come = outcome.unfinished.iter().map(|so_far| match so_far {
        Unfinished::Epochs(done) => format!("{done} of {} epochs", outcome.comparison.epochs),
        Unfinished::Folds(done, all) => format!("{done} of {all} folds"),
    });
    let come: Vec<String> = come.collect();
    format!(
        "**unfinished**: {} of {all} runs are finished, the others came to {}; `ferrotype train --resume {}` goes on",
        outcome.values.len(),
        come.join(", "),
        outcome.folder.display()
    )
}

/// The tables of a page that lies in `page`.
///
/// # Errors
/// When a number cannot be written.
pub fn markdown(lines: &[Line<'_>], page: &Path) -> Result<String> {
    let mut text = String::from(
        "| result | run | published | selected on | ours | selected on | epochs | verdict |\n|---|---|---|---|---|---|---|---|\n",
    );
    for line in lines {
        let figure = line.entry.figure();
        let cells = [
            format!("{}: {}", line.entry.name, line.entry.title),
            line.outcome.map_or_else(|| "-".into(), |o| link(o, page)),
            figure.map_or_else(|| "none".into(), |f| format!("{} ({})", f.text(), f.source)),
            figure.map_or("-", |f| f.selected_on.as_str()).replace("test", "**test**"),
            line.outcome.map_or_else(|| "-".into(), ours),
            line.outcome.map_or("-", |o| o.selected_on.in_table()).to_owned(),
            line.outcome.map_or_else(|| "-".into(), epochs),
            line.verdict.clone(),
        ];
        text += &row(&cells);
    }
    let run: Vec<(&Line<'_>, &Outcome)> = lines.iter().filter_map(|l| Some((l, l.outcome?))).collect();
    if !run.is_empty() {
        text += "\n### How they were made\n\n| result | run | seeds | run time, all runs | processor time | energy | device | data sha256 \
                 | config sha256 |\n|---|---|---:|---:|---:|---:|---|---|---|\n";
    }
    for (line, o) in run {
        let short =
            |sha: &str| if sha.is_empty() { "-".to_owned() } else { format!("`{}`", &sha[..sha.len().min(12)]) };
        let cells = [
            line.entry.name.clone(),
            link(o, page),
            o.runs(),
            duration(o.wall_seconds),
            o.processor_seconds.filter(|_| !o.values.is_empty()).map_or_else(|| "-".into(), duration),
            o.energy_joules.filter(|_| !o.values.is_empty()).map_or_else(|| "-".into(), watt_hours),
            if o.devices.is_empty() { "-".into() } else { o.made_on() },
            if o.data.is_empty() {
                "-".into()
            } else {
                o.data.iter().map(|sha| short(sha)).collect::<Vec<_>>().join(", ")
            },
            short(&o.config),
        ];
        text += &row(&cells);
    }
    Ok(text)
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|").replace('\n', " ")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The folder's name, as a link where it lies beside the page.
fn link(outcome: &Outcome, page: &Path) -> String {
    let name = outcome.folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if outcome.folder.parent() == Some(page) {
        format!("[{name}]({name}/)")
    } else {
        format!("`{}`", outcome.folder.display())
    }
}

/// `62.86 %, sd 0.41 (61.84 to 63.88), n = 3`; a single run's interval is over test rows.
fn ours(o: &Outcome) -> String {
    let Some(value) = o.value.filter(|_| o.is_finished()) else { return "-".into() };
    let sd = o.sd.map_or_else(String::new, |sd| format!(", sd {:.2}", 100.0 * sd));
    let interval =
        o.interval.map_or_else(String::new, |[low, high]| format!(" ({:.2} to {:.2})", 100.0 * low, 100.0 * high));
    let what = if o.over == Some(ferrotype_run::group::GroupAxis::Fold) { " folds, pooled" } else { "" };
    format!("{:.2} %{sd}{interval}, n = {}{what}", 100.0 * value, o.values.len())
}

fn epochs(o: &Outcome) -> String {
    o.comparison.shortened().map_or_else(|| o.comparison.epochs.to_string(), |text| format!("**{text}**"))
}

/// `45 s`, `12 min`, `3.1 h`.
pub fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// Columns of the CSV.
const COLUMNS: [&str; 30] = [
    "entry",
    "run",
    "status",
    "metric",
    "published",
    "published_spread",
    "published_runs",
    "published_confirmed",
    "published_selected_on",
    "published_source",
    "ours",
    "sd",
    "low",
    "high",
    "n",
    "values",
    "test_rows",
    "ours_selected_on",
    "epochs",
    "recipe_epochs",
    "changes",
    "tolerance",
    "verdict",
    "wall_seconds",
    "processor_seconds",
    "energy_joules",
    "device",
    "data_sha256",
    "config_sha256",
    "synthetic",
];

/// All lines, and other runs that repeat nothing, as CSV.
///
/// # Errors
/// When a record cannot be written.
pub fn csv(lines: &[Line<'_>], others: &[Outcome]) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS)?;
    for line in lines {
        out.write_record(record(Some(line.entry), line.outcome, &line.verdict))?;
    }
    for other in others {
        out.write_record(record(None, Some(other), ""))?;
    }
    out.into_inner().context("the results cannot be written as CSV")
}

fn record(entry: Option<&Entry>, outcome: Option<&Outcome>, verdict: &str) -> Vec<String> {
    let figure = entry.and_then(Entry::figure);
    let text = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
    let of = |f: &dyn Fn(&Outcome) -> String| outcome.map_or_else(String::new, f);
    let status = match outcome {
        None => "not run",
        Some(o) if o.is_finished() => "finished",
        Some(_) => "unfinished",
    };
    // An unfinished group has no figure: what is missing would change it.
    let value = outcome.filter(|o| o.is_finished());
    vec![
        entry.map_or_else(String::new, |e| e.name.clone()),
        of(&|o| o.folder.display().to_string()),
        status.to_owned(),
        outcome.map_or_else(|| figure.map_or_else(String::new, |f| f.metric.clone()), |o| o.metric.clone()),
        text(figure.map(|f| f.value)),
        text(figure.and_then(|f| f.spread)),
        figure.and_then(|f| f.runs).map_or_else(String::new, |n| n.to_string()),
        figure.map_or_else(String::new, |f| f.confirmed.to_string()),
        figure.map_or_else(String::new, |f| f.selected_on.as_str().to_owned()),
        figure.map_or_else(String::new, |f| f.source.clone()),
        text(value.and_then(|o| o.value)),
        text(value.and_then(|o| o.sd)),
        text(value.and_then(|o| o.interval).map(|i| i[0])),
        text(value.and_then(|o| o.interval).map(|i| i[1])),
        of(&|o| o.seeds().to_string()),
        of(&|o| o.values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")),
        of(&|o| o.rows.to_string()),
        of(&|o| o.selected_on.as_str().to_owned()),
        of(&|o| if o.mark.is_some() { o.comparison.epochs.to_string() } else { String::new() }),
        of(&|o| if o.mark.is_some() { o.comparison.recipe_epochs.to_string() } else { String::new() }),
        of(&|o| o.comparison.changes.join("; ")),
        text(entry.map(|e| e.tolerance)),
        verdict.replace("**", ""),
        text(outcome.map(|o| o.wall_seconds)),
        text(outcome.and_then(|o| o.processor_seconds)),
        text(outcome.and_then(|o| o.energy_joules)),
        of(&Outcome::made_on),
        of(&|o| o.data.join(" ")),
        of(&|o| o.config.clone()),
        of(&|o| o.synthetic.to_string()),
    ]
}
