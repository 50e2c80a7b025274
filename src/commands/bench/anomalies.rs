//! `ferrotype bench anomalies`: experiments of the anomaly system side by side, over values of keys and several seeds.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::commands::grid::{MOST, points};
use crate::commands::loaded::load;
use crate::commands::say;
use crate::commands::train::Runner;
use crate::config::{self, AnyExperiment};
use crate::systems::RunScope;
use crate::systems::anomalies::{compare, comparison};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
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
        let runner = Runner {
            interrupt: Interrupt::listen()?,
            style: Style::Quiet,
            other_kernels: false,
            scope: RunScope::Whole,
        };
        let mut table = String::new();
        let mut all = Vec::new();
        for path in &self.configs {
            for point in &points {
                let sets = [self.sets.clone(), point.clone()].concat();
                let AnyExperiment::Anomalies(experiment) = load(path, &sets)? else {
                    bail!("{} is no experiment of the system anomalies", path.display());
                };
                let label =
                    std::iter::once(experiment.name.clone()).chain(point.iter().cloned()).collect::<Vec<_>>().join(" ");
                let mut runs = Vec::new();
                for &seed in &seeds {
                    let mut member = experiment.clone();
                    member.seed = seed;
                    let digest = config::digest(&*member);
                    let run =
                        RunFolder::create_at(&self.out.join(format!("{}-{}-seed-{seed}", member.name, &digest[..8])))?;
                    if !run.is_finished() {
                        eprintln!("{label}, seed {seed}");
                        let trained = runner.train(&AnyExperiment::Anomalies(member), &run);
                        trained.with_context(|| format!("{label}, seed {seed}"))?;
                    }
                    runs.push(run);
                }
                let rows = compare(&runs)?;
                let text = comparison(&label, &rows);
                // One head for the whole table.
                let skip = if table.is_empty() { 0 } else { 2 };
                table.extend(text.lines().skip(skip).map(|line| format!("{line}\n")));
                all.push(serde_json::json!({ "experiment": label, "rows": rows }));
            }
        }
        write_atomic(self.out.join("anomalies.md"), table.as_bytes())?;
        write_atomic(self.out.join("anomalies.json"), (serde_json::to_string_pretty(&all)? + "\n").as_bytes())?;
        say(format_args!("{table}table   {}", self.out.join("anomalies.md").display()))
    }
}
