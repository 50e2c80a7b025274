//! Published runs: what may leave the machine, and the table of all of them.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::loaded::{any_experiment_of, experiment_of};
use super::view;
use crate::config::AnyExperiment;
use crate::data::task::Facts;
use crate::evaluation::{Scores, aggregate};
use crate::report;
use crate::run::files::{explain, write_atomic};
use crate::run::group::Group;
use crate::run::{Provenance, RunFolder};

/// Writes what may be published of a run to `<parent>/<experiment's name>`, and the table of `parent` anew.
/// Photographs of people stay behind.
///
/// # Errors
/// When a file of the run is missing, or one cannot be written.
pub fn publish(run: &RunFolder, parent: &Path) -> Result<PathBuf> {
    let target = parent.join(experiment_of(run)?.name);
    let mut view = view::of_run(run)?;
    if !view.dataset.synthetic {
        view.mistakes.iter_mut().for_each(|m| m.face = None);
        view.saliency.strip_faces();
        view.attacks.iter_mut().for_each(|a| a.examples = None);
    }
    report::write_run(&target, &view, None)?;
    // The report holds the plots; as files they would only swell the repository.
    let plots = target.join("plots");
    std::fs::remove_dir_all(&plots).map_err(|e| explain(&plots, &e))?;
    copy(&[run.config(), run.history(), run.provenance(), run.facts(), run.onnx_check()], run, &target)?;
    for folder in view::attack_folders(run) {
        let name = folder.file_name().unwrap_or_default();
        let out = target.join(name);
        std::fs::create_dir_all(&out).map_err(|e| explain(&out, &e))?;
        for file in ["attack.json", "attack.csv"] {
            write_atomic(out.join(file), run.read(&folder.join(file))?.as_bytes())?;
        }
    }
    write_atomic(parent.join("README.md"), table(parent)?.as_bytes())?;
    Ok(target)
}

/// As [`publish`], for seeds or folds: `<parent>/<experiment's name>-<folds or seeds>` with the report of the group, and
/// what is known of each member but its pictures and weights.
///
/// # Errors
/// As [`publish`].
pub fn publish_group(folder: &RunFolder, group: &Group, parent: &Path) -> Result<PathBuf> {
    let target = parent.join(format!("{}-{}s", experiment_of(folder)?.name, group.varied.word()));
    report::write_aggregate(&target, &view::of_group(folder, group)?)?;
    let plots = target.join("plots");
    if plots.is_dir() {
        std::fs::remove_dir_all(&plots).map_err(|e| explain(&plots, &e))?;
    }
    write_atomic(target.join("config.yaml"), folder.read(&folder.config())?.as_bytes())?;
    group.save(&RunFolder::create_at(&target)?)?;
    for &value in &group.values {
        let run = RunFolder::open(&group.member(folder.path(), value))?;
        let out = group.member(&target, value);
        std::fs::create_dir_all(&out).map_err(|e| explain(&out, &e))?;
        copy(&[run.scores(), run.provenance(), run.facts(), run.onnx_check()], &run, &out)?;
    }
    write_atomic(parent.join("README.md"), table(parent)?.as_bytes())?;
    Ok(target)
}

/// Copies those of a run's files that there are.
fn copy(files: &[PathBuf], run: &RunFolder, target: &Path) -> Result<()> {
    for path in files {
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            write_atomic(target.join(name), run.read(path)?.as_bytes())?;
        }
    }
    Ok(())
}

/// The table of all runs published in a folder, in order of name.
fn table(parent: &Path) -> Result<String> {
    let entries = std::fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    let mut text = String::from(
        "# Experiments\n\nWritten by `ferrotype report --run RUN --publish experiments`, from the files of each run; nothing \
         is typed by hand.\nTest scores of the selected weights; accuracy with its 95 % interval. Of folds \
         the pooled scores, of seeds the means with their standard deviation and 95 % interval over seeds. **Drawn**: drawn faces or clips, whose scores say nothing of real ones.\n\n\
         | experiment | model | test rows | accuracy | UAR | macro-F1 | expected | selected on | training time | machine |\n\
         |---|---|---:|---|---:|---:|---|---|---:|---|\n",
    );
    for folder in folders {
        let Ok(run) = RunFolder::open(&folder) else { continue };
        // Other systems have other measures; their reports stand beside.
        if matches!(any_experiment_of(&run)?, AnyExperiment::Expressions(_)) {
            text += &row(&run)?;
        }
    }
    Ok(text)
}

fn row(run: &RunFolder) -> Result<String> {
    let experiment = experiment_of(run)?;
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
    let selected = if view::is_selected_on_test(&experiment) { "**test**" } else { "validation" };
    let name = run.name();
    Ok(format!(
        "| [{name}]({name}/report.html){} | `{}` | {n} | {accuracy} | {uar} | {macro_f1} | {expected} | {selected} | {:.0} s | {}, {} threads, {} |\n",
        if drawn { " **drawn**" } else { "" },
        experiment.model.name(),
        seconds,
        provenance.processor,
        provenance.threads,
        provenance.kernels,
    ))
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
    let set = if is_group { "pooled" } else { "test" };
    let scores = if run.scores().is_file() {
        report::read_metrics(run.scores())?.remove(set).unwrap_or_default()
    } else {
        Scores::default()
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
        tests.extend(report::read_metrics(run.scores())?.remove("test"));
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

/// Where the runs were trained, for how many seconds together, and whether on drawn faces.
fn of_members(members: &[RunFolder]) -> Result<(Provenance, f64, bool)> {
    let mut seconds = 0.0;
    let mut drawn = false;
    for run in members {
        seconds += Provenance::load(run).training_seconds;
        if run.facts().is_file() {
            let facts: Facts = serde_json::from_str(&run.read(&run.facts())?)
                .with_context(|| format!("{} is not what a run writes", run.facts().display()))?;
            drawn |= facts.synthetic;
        }
    }
    let provenance = members.first().map(Provenance::load).unwrap_or_default();
    Ok((provenance, seconds, drawn))
}
