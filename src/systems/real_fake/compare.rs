//! One table of many methods.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::files::{self, DatasetSummary, Outcome};
use super::group::Members;
use super::view::{aligned, area, beats, experiment_of, markdown, probability, share};
use ferrotype_evaluation::Score;
use ferrotype_evaluation::compare::McNemar;
use ferrotype_evaluation::statistics::{deviation, mean, wilson};
use ferrotype_real_fake::baselines::{AU_MEANS, LENGTH, title};
use ferrotype_real_fake::results::{self, BaselineComparison, Measures, ScoredClip};
use ferrotype_report::real_fake::{Table, TableRow};
use ferrotype_run::RunFolder;
use ferrotype_run::files::{explain, write_atomic};
use ferrotype_run::group::{Group, GroupAxis};

/// A run, the seeds of one, or its folds together.
struct Entry {
    name: String,
    method: String,
    /// One for a run and for folds, one per seed.
    outcomes: Vec<Outcome>,
    /// The tested clips; of the first seed, where there are several.
    clips: Vec<ScoredClip>,
    source: String,
    synthetic: bool,
}

impl Entry {
    fn open(path: &Path) -> Result<Self> {
        let run = RunFolder::open(path)?;
        let experiment = experiment_of(&run)?;
        let group = Group::open(path)?;
        let (outcomes, of) = match &group {
            Some(group) if group.axis == GroupAxis::Seed => {
                let members = Members::of(path, group);
                let first = members.runs.first().map(|(_, run)| run.clone());
                (members.outcomes()?, first.with_context(|| format!("no run of {} is finished", path.display()))?)
            }
            _ => {
                ensure!(
                    files::outcome(&run).is_file() && run.is_finished(),
                    "{} is not finished: go on with `ferrotype train --resume {0}`",
                    path.display()
                );
                (vec![Outcome::load(&run)?], run.clone())
            }
        };
        // A group of folds has no dataset.json of its own.
        let described = match &group {
            Some(group) => Members::of(path, group).runs.into_iter().next().map(|(_, run)| run),
            None => Some(run),
        };
        let facts =
            DatasetSummary::load(&described.with_context(|| format!("no run of {} is finished", path.display()))?)?;
        let (clips, _) = results::read(&files::clips(&of))?;
        Ok(Self {
            name: experiment.name.clone(),
            method: experiment.method.name().to_owned(),
            outcomes,
            clips: clips.into_iter().filter(|c| c.set == "test").collect(),
            source: facts.source,
            synthetic: facts.synthetic,
        })
    }

    fn tests(&self) -> Vec<&Measures> {
        self.outcomes.iter().filter_map(|o| o.sets.get("test")).collect()
    }

    fn beside(&self, name: &str) -> Vec<&BaselineComparison> {
        self.outcomes.iter().filter_map(|o| o.baselines.iter().find(|b| b.name == name)).collect()
    }

    /// Accuracy; of seeds the mean, with the interval that their clips allow.
    fn accuracy(&self) -> Option<Score> {
        let values: Vec<f64> = self.tests().iter().filter_map(|m| m.accuracy.as_ref()).map(|s| s.value).collect();
        let n = self.tests().first()?.n;
        let value = mean(&values)?;
        Some(Score { value, interval: Some(wilson((value * n as f64).round() as u64, n)), n })
    }

    fn row(&self) -> TableRow {
        let tests = self.tests();
        let of = |value: fn(&Measures) -> Option<f64>| tests.iter().filter_map(|m| value(m)).collect::<Vec<f64>>();
        let accuracies = of(|m| m.accuracy.as_ref().map(|s| s.value));
        let spread = deviation(&accuracies).map_or_else(String::new, |sd| format!(" (± {:.2})", 100.0 * sd));
        let against = self.beside(AU_MEANS);
        TableRow {
            name: self.name.clone(),
            values: vec![
                self.method.clone(),
                format!("{}{spread}", self.outcomes.len()),
                tests.first().map_or(0, |m| m.n).to_string(),
                self.accuracy().as_ref().map_or_else(|| "-".into(), share),
                area(mean(&of(|m| m.auroc))),
                working(&self.method, &against),
            ],
        }
    }
}

fn p_values(against: &[&BaselineComparison]) -> String {
    let mut all: Vec<f64> = against.iter().map(|b| b.mcnemar.p).collect();
    all.sort_by(f64::total_cmp);
    match all.as_slice() {
        [] => "-".into(),
        [p] => probability(*p),
        [low, .., high] => format!("{} to {}", probability(*low), probability(*high)),
    }
}

/// Whether a method beats the baseline that it must beat.
fn working(method: &str, against: &[&BaselineComparison]) -> String {
    let won = against.iter().filter(|b| beats(b)).count();
    match (method, against.len()) {
        (LENGTH, _) => "a confound, no method".into(),
        ("logistic", _) => "the baseline's kind".into(),
        (_, 0) => "no action units to compare with".into(),
        (_, 1) => format!("{}, {}", if won == 1 { "yes" } else { "no" }, p_values(against)),
        (_, n) => format!("{won} of {n} seeds, {}", p_values(against)),
    }
}

const HEADS: [&str; 7] =
    ["run", "method", "seeds (± sd)", "clips", "accuracy (95 % interval)", "AUROC", "beats AU means (McNemar)"];

/// Writes the table of these runs into a folder; gives it for the terminal.
///
/// # Errors
/// When a run is not finished or of another system, or a file cannot be written.
pub fn compare(paths: &[PathBuf], out: &Path, heading: &str) -> Result<String> {
    let entries: Vec<Entry> = paths.iter().map(|path| Entry::open(path)).collect::<Result<_>>()?;
    let mut rows: Vec<TableRow> = entries.iter().map(Entry::row).collect();
    let baselines = baseline_rows(&entries);
    let notes = notes(&entries, &baselines);
    rows.extend(baselines);
    let table = Table { heads: HEADS.map(str::to_owned).to_vec(), rows };
    let pairs = pairwise(&entries)?;
    std::fs::create_dir_all(out).map_err(|e| explain(out, &e))?;
    let synthetic = entries.iter().any(|e| e.synthetic);
    let warning = if synthetic { "**Synthetic clips: the scores say nothing of real faces.**\n\n" } else { "" };
    let mut text = format!("# {heading}\n\n{warning}{}", markdown(&table));
    if let Some(pairs) = &pairs {
        text += &format!("\nMcNemar's exact test between the methods (p; seeds: the first):\n\n{}", markdown(pairs));
    }
    notes.iter().for_each(|note| text += &format!("\n{note}\n"));
    write_atomic(out.join("methods.md"), text.as_bytes())?;
    write_atomic(out.join("methods.csv"), &as_csv(&table)?)?;
    Ok(format!("{}\n{}\ntable  {}", aligned(&table), notes.join("\n"), out.join("methods.md").display()))
}

/// The baselines on the clips of each source, once.
fn baseline_rows(entries: &[Entry]) -> Vec<TableRow> {
    let mut rows = BTreeMap::new();
    for entry in entries {
        for b in entry.outcomes.first().map(|o| o.baselines.as_slice()).unwrap_or_default() {
            let accuracy = b.test.accuracy.as_ref().map_or_else(|| "-".into(), share);
            let key = (entry.source.clone(), b.name.clone(), accuracy.clone());
            let mut values = vec![String::from("baseline"), "1".into(), b.test.n.to_string(), accuracy];
            values.extend([area(b.test.auroc), "-".into()]);
            rows.entry(key).or_insert_with(|| TableRow { name: title(&b.name).to_owned(), values });
        }
    }
    rows.into_values().collect()
}

/// p of every two methods that were tested on common clips.
fn pairwise(entries: &[Entry]) -> Result<Option<Table>> {
    if entries.len() < 2 {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for a in entries {
        let mut values = Vec::new();
        for b in entries {
            let own = std::ptr::eq(a, b);
            values.push(if own { "-".into() } else { p_between(a, b)?.map_or_else(|| "-".into(), probability) });
        }
        rows.push(TableRow { name: a.name.clone(), values });
    }
    let heads = std::iter::once(String::new()).chain(entries.iter().map(|e| e.name.clone())).collect();
    Ok(Some(Table { heads, rows }))
}

/// `None` where no clip is common.
fn p_between(a: &Entry, b: &Entry) -> Result<Option<f64>> {
    if a.source != b.source {
        return Ok(None);
    }
    // By name: places in the source differ between runs of other options.
    let by_name: BTreeMap<&str, &ScoredClip> = a.clips.iter().map(|c| (c.clip.as_str(), c)).collect();
    let common = b.clips.iter().filter_map(|c| by_name.get(c.clip.as_str()).map(|own| (*own, c)));
    let (first, second): (Vec<&ScoredClip>, Vec<&ScoredClip>) =
        common.filter(|(own, other)| own.real == other.real && own.real.is_some()).unzip();
    if first.is_empty() {
        return Ok(None);
    }
    Ok(Some(McNemar::of(&results::rights(&first, None)?, &results::rights(&second, None)?).p))
}

fn notes(entries: &[Entry], baselines: &[TableRow]) -> Vec<String> {
    let mut notes = Vec::new();
    let n = entries.iter().filter_map(|e| e.tests().first().map(|m| m.n)).min().unwrap_or_default();
    if n > 0 {
        let [low, high] = wilson(n / 2, n);
        notes.push(format!(
            "With {n} tested clips an accuracy near chance is known to ±{:.0} points: smaller differences are none.",
            50.0 * (high - low)
        ));
    }
    notes.push(
        "A method works if it has more clips right than logistic regression on AU means on the same clips, and McNemar's \
         exact p is below 0.05; of many methods compared, some do so by chance."
            .into(),
    );
    if baselines.iter().filter(|row| row.name == title(AU_MEANS)).count() > 1 {
        notes.push(
            "The baseline is fitted on what each run is fitted on: methods with networks keep back some of the training \
             clips to select weights, and the baseline beside them goes without these, too."
                .into(),
        );
    }
    let mut sources: Vec<&str> = entries.iter().map(|e| e.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    notes.push(format!("Clips: {}.", sources.join("; ")));
    notes
}

fn as_csv(table: &Table) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(&table.heads)?;
    for row in &table.rows {
        out.write_record(std::iter::once(&row.name).chain(&row.values))?;
    }
    out.into_inner().context("the table of methods cannot be made")
}
