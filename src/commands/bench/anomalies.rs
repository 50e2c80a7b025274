//! `ferrotype bench anomalies`: experiments of the anomaly system side by side, over values of keys and several seeds.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use crate::commands::grid::{MOST, points};
use crate::commands::say;
use crate::config::AnyExperiment;
use crate::runner::{Jobs, Planned, Runner};
use crate::systems::anomalies::{compare, comparison};
use crate::systems::loaded::load;
use ferrotype_run::RunFolder;
use ferrotype_run::files::{write_atomic, write_json};
use ferrotype_run::group::parse_values;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::Style;

/// Train anomaly detectors over a grid of values and several seeds, and write one table of how well each finds the
/// injected anomalies, beside two baselines.
#[derive(Clone, Debug, Args)]
pub struct AnomaliesCommand {
    /// The experiment files.
    #[arg(long = "config", required = true, value_name = "YAML")]
    configs: Vec<PathBuf>,
    /// Change a key of every experiment; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Values of a key, separated by `|`: every combination with those of other keys is trained.
    #[arg(long = "grid", value_name = "KEY=V1|V2")]
    grid: Vec<String>,
    /// Seeds: 0..5, 0..=4 or 1,3,7. A seed chooses the synthetic person, too.
    #[arg(long, default_value = "0..3")]
    seeds: String,
    #[command(flatten)]
    jobs: Jobs,
    /// The folder of the runs and the table. What is finished in it is not trained again.
    #[arg(long, value_name = "FOLDER", default_value = "runs/anomalies")]
    out: PathBuf,
}

impl AnomaliesCommand {
    /// Trains everything that is not finished, and writes `anomalies.md` and `anomalies.json`.
    ///
    /// # Errors
    /// For bad input, a failed run, or an interruption; the same command goes on.
    pub fn run(&self) -> Result<()> {
        let seeds = parse_values(&self.seeds)?;
        let points = points(&self.grid)?;
        ensure!(points.len() * self.configs.len() * seeds.len() <= MOST, "more than {MOST} runs: give fewer values");
        let runner =
            Runner { jobs: self.jobs.clone(), names_runs: true, ..Runner::new(Interrupt::listen()?, Style::Quiet) };
        let mut variants = Vec::new();
        for path in &self.configs {
            for point in &points {
                variants.push(self.variant(path, point, &seeds)?);
            }
        }
        let runs: Vec<Planned> = variants.iter().flat_map(|(_, runs)| runs.clone()).collect();
        runner.all(&runs, "the same command goes on")?;
        let mut table = String::new();
        let mut all = Vec::new();
        for (label, runs) in &variants {
            let runs: Vec<RunFolder> = runs.iter().map(|run| RunFolder::open(&run.folder)).collect::<Result<_>>()?;
            let rows = compare(&runs)?;
            let text = comparison(label, &rows);
            // One head for the whole table.
            let skip = if table.is_empty() { 0 } else { 2 };
            table.extend(text.lines().skip(skip).map(|line| format!("{line}\n")));
            all.push(serde_json::json!({ "experiment": label, "rows": rows }));
        }
        write_atomic(self.out.join("anomalies.md"), table.as_bytes())?;
        write_json(self.out.join("anomalies.json"), &all)?;
        say(format_args!("{table}table   {}", self.out.join("anomalies.md").display()))
    }
    /// An experiment with the values of a point: what it is called, and its runs, one per seed.
    fn variant(&self, path: &Path, point: &[String], seeds: &[u64]) -> Result<(String, Vec<Planned>)> {
        let experiment = load(path, &[self.sets.clone(), point.to_vec()].concat())?;
        ensure!(
            matches!(experiment, AnyExperiment::Anomalies(_)),
            "{} is no experiment of the system anomalies",
            path.display()
        );
        let name = experiment.name().to_owned();
        let label = std::iter::once(name.clone()).chain(point.iter().cloned()).collect::<Vec<_>>().join(" ");
        let run = |&seed: &u64| {
            let mut experiment = experiment.clone();
            *experiment.shared().seed = seed;
            let folder = self.out.join(format!("{name}-{}-seed-{seed}", &experiment.digest()[..8]));
            Planned { label: format!("{label}, seed {seed}"), folder, experiment }
        };
        let runs = seeds.iter().map(run).collect();
        Ok((label, runs))
    }
}
