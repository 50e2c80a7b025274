//! `ferrotype compare`

mod side;
mod text;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::inputs::{Inputs, JSON};
use super::say;
use crate::systems::loaded::any_experiment_of;
use crate::systems::real_fake;
use ferrotype_evaluation::compare::{Bootstrap, McNemar, Paired, Rates, bootstrap};
use ferrotype_evaluation::statistics::{Welch, mean, welch};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;
use ferrotype_run::group::GroupAxis;
use side::Side;

/// Compare two runs, or two groups of seeds or folds, on the test rows that both have: McNemar's test, a paired
/// bootstrap over the rows, and Welch's test over seeds. Of the system real_fake, any number of runs in one table: accuracy
/// with interval, AUROC, McNemar's test against logistic regression on AU means, and what clip length alone tells.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype compare runs/fer2013-mini_xception-20260101-120000 runs/fer2013-tiny_xception-20260101-130000
  ferrotype compare runs/fer2013-micro_exp_net-alone-seeds-20260101-120000 \\
      runs/fer2013-micro_exp_net-distilled-seeds-20260101-130000 --json compared.json
  ferrotype compare runs/smiles-* --out experiments/smiles --title \"Genuine and posed smiles\"")]
pub struct CompareCommand {
    /// Two finished runs, or groups of seeds or folds; for a table any number.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Also write the figures into this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Drawings of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = RangedU64ValueParser::<usize>::new().range(100..=1_000_000))]
    resamples: usize,
    /// Fixes the bootstrap's drawings.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Put runs of the system real_fake, any number, into one table; more than two, --out and --title ask for it, too.
    #[arg(long, conflicts_with = "json")]
    table: bool,
    /// The folder for methods.md and methods.csv, of runs of the system real_fake [default: methods].
    #[arg(long, value_name = "FOLDER", conflicts_with = "json")]
    out: Option<PathBuf>,
    /// The title of that table.
    #[arg(long, conflicts_with = "json")]
    title: Option<String>,
}

/// All figures of a comparison: the content of `--json FILE`. Differences are first minus second.
#[derive(Debug, Serialize)]
struct Comparison {
    first: Summary,
    second: Summary,
    /// Test rows that every run of both sides scored.
    common_rows: usize,
    /// One per pair of runs.
    mcnemar: Vec<PairTest>,
    bootstrap: Bootstrap,
    /// Over seeds; absent where a side has no two.
    welch: Option<OverSeeds>,
    /// What is to be known of the figures.
    notes: Vec<String>,
}

/// One side on the common rows.
#[derive(Debug, Serialize)]
struct Summary {
    name: String,
    /// `seed` or `fold`, where it is a group.
    over: Option<GroupAxis>,
    /// What each run is called: `seed 0`; empty for a single one.
    members: Vec<String>,
    /// Test rows in all, the common ones included.
    rows: usize,
    /// Each run's scores on the common rows.
    scores: Vec<Rates>,
    /// Their means.
    mean: Rates,
}

/// McNemar's test of a run of the first side against one of the second.
#[derive(Debug, Serialize)]
struct PairTest {
    first: String,
    second: String,
    #[serde(flatten)]
    test: McNemar,
}

/// Welch's test over the seeds of both sides.
#[derive(Debug, Serialize)]
struct OverSeeds {
    accuracy: Option<Welch>,
    uar: Option<Welch>,
}

impl CompareCommand {
    /// Compares and prints.
    ///
    /// # Errors
    /// When a side is not finished, or the two were not scored on the same rows of the same data with the same classes.
    pub fn run(self) -> Result<()> {
        if self.table || self.out.is_some() || self.title.is_some() || self.runs.len() > 2 {
            return self.methods();
        }
        match &self.runs[..] {
            [first, second] => self.two(first, second),
            runs => bail!("two runs or groups are compared, and {} is given", runs.len()),
        }
    }

    /// Puts runs of the system real_fake into one table.
    fn methods(&self) -> Result<()> {
        if self.json.is_some() {
            bail!("--json is for two runs; methods.csv holds the figures of a table");
        }
        for path in &self.runs {
            let system = any_experiment_of(&RunFolder::open(path)?)?.system();
            ensure!(
                system == "real_fake",
                "one table is made of runs of the system real_fake, and {} is of the system {system}: name two runs, without \
                 --table, --out and --title",
                path.display()
            );
        }
        let out = self.out.as_deref().unwrap_or(Path::new("methods"));
        let title = self.title.as_deref().unwrap_or("Genuine or posed: methods compared");
        let inputs = self.runs.iter().fold(Inputs::new(), |all, run| all.run(run));
        ["methods.md", "methods.csv"].iter().try_for_each(|name| inputs.spare_file("--out", &out.join(name)))?;
        say(real_fake::compare(&self.runs, out, title)?)
    }

    fn two(&self, first_path: &Path, second_path: &Path) -> Result<()> {
        let (first, second) = (Side::open(first_path)?, Side::open(second_path)?);
        let same = |a: &Path| a.canonicalize().ok();
        if same(first_path).is_some_and(|a| same(second_path) == Some(a)) {
            bail!("{} would be compared with itself", first_path.display());
        }
        let inputs = Inputs::new().run(first_path).run(second_path);
        inputs.spare(&[("--json", self.json.as_deref(), JSON)])?;
        let comparison = self.compare(&first, &second)?;
        if let Some(path) = &self.json {
            write_json(path, &comparison)?;
        }
        say(text::of(&comparison))
    }

    fn compare(&self, first: &Side, second: &Side) -> Result<Comparison> {
        let mut notes = side::same_data(first, second)?;
        let about = |e: anyhow::Error| e.context(format!("cannot compare {} with {}", first.name, second.name));
        let paired = Paired::of(&first.decisions(), &second.decisions()).map_err(about)?;
        for side in [first, second] {
            notes.extend(side.cautions.iter().map(|text| format!("{}: {text}", side.name)));
        }
        let (a, b) = (summary(first, &paired, &paired.first), summary(second, &paired, &paired.second));
        let pairs = pairs(first, second);
        if pairs.len() > 1 {
            notes.push("the tests of single pairs share their rows: they are not independent of each other".into());
        }
        let welch = over_seeds(&a, &b);
        if welch.is_none() {
            notes.push(no_welch(&a, &b));
        }
        let mcnemar = pairs
            .into_iter()
            .map(|(i, j)| PairTest {
                first: first.members[i].label.clone(),
                second: second.members[j].label.clone(),
                test: McNemar::of(&paired.first[i], &paired.second[j]),
            })
            .collect();
        let bootstrap = bootstrap(&paired, self.resamples, self.seed);
        Ok(Comparison { first: a, second: b, common_rows: paired.rows.len(), mcnemar, bootstrap, welch, notes })
    }
}

fn summary(side: &Side, paired: &Paired, hits: &[Vec<bool>]) -> Summary {
    let scores: Vec<Rates> = hits.iter().map(|right| paired.rates_of(right)).collect();
    let middle = |of: fn(&Rates) -> f64| mean(&scores.iter().map(of).collect::<Vec<_>>()).unwrap_or_default();
    Summary {
        name: side.name.clone(),
        over: side.over,
        members: side.members.iter().map(|m| m.label.clone()).collect(),
        rows: side.members.first().map_or(0, |m| m.decisions.rows.len()),
        mean: Rates { accuracy: middle(|r| r.accuracy), uar: middle(|r| r.uar) },
        scores,
    }
}

/// Which runs are tested against each other: those of the same seed; where no seed is common, in order; a single run
/// against each.
fn pairs(first: &Side, second: &Side) -> Vec<(usize, usize)> {
    let (n, m) = (first.members.len(), second.members.len());
    if n == 1 || m == 1 {
        return (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).collect();
    }
    let place = |seed: u64| second.members.iter().position(|other| other.seed == Some(seed));
    let common: Vec<(usize, usize)> =
        first.members.iter().enumerate().filter_map(|(i, m)| Some((i, place(m.seed?)?))).collect();
    if common.is_empty() { (0..n.min(m)).map(|i| (i, i)).collect() } else { common }
}

fn over_seeds(first: &Summary, second: &Summary) -> Option<OverSeeds> {
    let test = |of: fn(&Rates) -> f64| {
        let values = |s: &Summary| s.scores.iter().map(of).collect::<Vec<f64>>();
        welch(&values(first), &values(second))
    };
    let both = OverSeeds { accuracy: test(|r| r.accuracy), uar: test(|r| r.uar) };
    (both.accuracy.is_some() || both.uar.is_some()).then_some(both)
}

/// Why there is no test over seeds.
fn no_welch(first: &Summary, second: &Summary) -> String {
    let why = match [first, second].iter().find(|s| s.scores.len() < 2) {
        Some(side) if side.over == Some(GroupAxis::Fold) => {
            format!("{} is one set of folds, which share their training rows", side.name)
        }
        Some(side) => format!("{} has one seed only", side.name),
        None => "neither side varies".to_owned(),
    };
    format!("no test over seeds: {why}; how training varies with its seed is not in these figures")
}
