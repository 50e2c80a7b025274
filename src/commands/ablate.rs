//! `ferrotype ablate`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::grid::{MOST, keys, label, points};
use super::say;
use crate::config::Experiment;
use crate::runner::{GroupOptions, Jobs, Planned, Runner, begin_members, report};
use crate::systems::expressions::view;
use crate::systems::loaded::load;
use ferrotype_data::task::DatasetSummary;
use ferrotype_report::ablation::{Ablation, Variant, csv, markdown};
use ferrotype_report::read_metrics;
use ferrotype_run::files::write_atomic;
use ferrotype_run::group::Group;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::Style;

/// Train variants of an experiment and write one table of their test scores: what happens when parts are left out.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype ablate --config configs/baum/microx_gap.yaml --folds --grid 'data.clips.parts=[mouth]|[full_face]|[mouth, full_face]'
  ferrotype ablate --config configs/fer2013/mini_xception.yaml --seeds 0..3 --grid 'data.augment.flip=0|0.5'")]
pub struct AblateCommand {
    /// The experiment file.
    #[arg(long, value_name = "YAML")]
    config: PathBuf,
    /// Change a key in every variant; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Values of a key, separated by `|`; of several keys, every combination.
    #[arg(long = "grid", required = true, value_name = "KEY=V1|V2")]
    grid: Vec<String>,
    #[command(flatten)]
    group: GroupOptions,
    #[command(flatten)]
    jobs: Jobs,
    /// The folder of the runs and the tables. What is finished in it is not trained again.
    #[arg(long, value_name = "FOLDER", default_value = "runs/ablation")]
    out: PathBuf,
}

impl AblateCommand {
    /// Trains everything that is not finished, and writes `ablation.md` and `ablation.csv`.
    ///
    /// # Errors
    /// For bad input, a failed run, or an interruption; the same command goes on.
    pub fn run(self) -> Result<()> {
        // All before the first is trained: a slip in the last value must not cost the others' time.
        let points = points(&self.grid)?;
        let variants: Vec<Member> = points.iter().map(|point| self.member(point)).collect::<Result<_>>()?;
        let Some(first) = variants.first() else { bail!("--grid names no value") };
        let runs = variants.iter().map(|v| v.group.as_ref().map_or(1, Group::runs)).max().unwrap_or(1);
        ensure!(variants.len() * runs <= MOST, "more than {MOST} runs: give fewer values");
        let mut ablation = Ablation {
            name: first.run.experiment.name().to_owned(),
            keys: keys(&self.grid),
            over: first.group.as_ref().map(|g| g.axis.as_str()),
            ..Ablation::default()
        };
        let runner =
            Runner { jobs: self.jobs.clone(), names_runs: true, ..Runner::new(Interrupt::listen()?, Style::Quiet) };
        let runs = variants.iter().map(Member::runs).collect::<Result<Vec<_>>>()?.concat();
        runner.all(&runs, "the same command goes on")?;
        for member in &variants {
            let (variant, synthetic) = member.outcome().with_context(|| member.run.label.clone())?;
            ablation.synthetic |= synthetic;
            ablation.variants.push(variant);
        }
        let text = markdown(&ablation);
        let table = self.out.join("ablation.md");
        write_atomic(&table, text.as_bytes())?;
        write_atomic(self.out.join("ablation.csv"), &csv(&ablation)?)?;
        say(format_args!("{text}\ntable   {}", table.display()))
    }

    /// The variant of a point of the grid.
    fn member(&self, point: &[String]) -> Result<Member> {
        let experiment = load(&self.config, &[self.sets.clone(), point.to_vec()].concat())?;
        let group = self.group.group(&experiment)?;
        let tail = group.as_ref().map_or_else(String::new, |g| format!("-{}s", g.axis.as_str()));
        let folder = self.out.join(format!("{}-{}{tail}", experiment.name(), &experiment.digest()[..8]));
        Ok(Member { run: Planned { label: label(point), folder, experiment }, group })
    }
}

/// A variant: a run, or the group of all its runs.
struct Member {
    run: Planned,
    group: Option<Group>,
}

impl Member {
    /// All runs of the variant.
    fn runs(&self) -> Result<Vec<Planned>> {
        let Some(group) = &self.group else { return Ok(vec![self.run.clone()]) };
        let folder = RunFolder::create_at(&self.run.folder)?;
        let runs = begin_members(&self.run.experiment, &folder, group)?;
        Ok(runs.into_iter().map(|run| Planned { label: format!("{}, {}", self.run.label, run.label), ..run }).collect())
    }

    /// What came out of it; also whether its faces are synthetic.
    fn outcome(&self) -> Result<(Variant, bool)> {
        let Planned { label, folder, experiment } = &self.run;
        let run = RunFolder::open(folder)?;
        let expressions = experiment.clone().expressions()?;
        let Some(group) = &self.group else {
            let mut variant = variant_of(label, &expressions, &[&run])?;
            variant.pooled = read_metrics(run.scores())?.remove("test");
            return Ok((variant, facts(&run)?.synthetic));
        };
        let _lock = run.lock()?;
        report(experiment, &run, group)?;
        let seen = view::of_group(view::Described::of(&expressions), &run, group)?;
        let members: Vec<RunFolder> =
            group.values.iter().map(|&v| RunFolder::open(&group.member(run.path(), v))).collect::<Result<_>>()?;
        let mut variant = variant_of(label, &expressions, &members.iter().collect::<Vec<_>>())?;
        variant.pooled = seen.pooled;
        variant.members = seen.runs;
        Ok((variant, seen.synthetic))
    }
}

/// What is known of a variant besides its scores.
fn variant_of(label: &str, experiment: &Experiment, runs: &[&RunFolder]) -> Result<Variant> {
    let Some(&first) = runs.first() else { bail!("{label} has no runs") };
    let facts = facts(first)?;
    Ok(Variant {
        label: label.to_owned(),
        parameters: experiment.graph(facts.input, facts.classes.len())?.parameter_count(),
        seconds: runs.iter().map(|&run| Provenance::load(run).training_seconds).sum(),
        ..Variant::default()
    })
}

fn facts(run: &RunFolder) -> Result<DatasetSummary> {
    let path: &Path = &run.facts();
    serde_json::from_str(&run.read(path)?).with_context(|| format!("{} is not what a run writes", path.display()))
}
