//! `ferrotype ablate`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::grid::{MOST, keys, label, points};
use super::loaded::load;
use super::say;
use super::view;
use crate::config::Experiment;
use crate::runner::{GroupOptions, Planned, Runner, begin_members};
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
    /// Train so many runs at a time, each in a process of its own. Results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=256))]
    jobs: usize,
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
        let variants: Vec<Planned> = points.iter().map(|point| self.planned(point)).collect::<Result<_>>()?;
        let Some(first) = variants.first() else { bail!("--grid names no value") };
        let group = self.group.group(&first.experiment)?;
        ensure!(
            variants.len() * group.as_ref().map_or(1, Group::runs) <= MOST,
            "more than {MOST} runs: give fewer values"
        );
        let axis = group.as_ref().map(|g| g.axis.as_str());
        let mut ablation = Ablation {
            name: first.experiment.name().to_owned(),
            keys: keys(&self.grid),
            over: axis,
            ..Ablation::default()
        };
        let runner = Runner { jobs: self.jobs, ..Runner::new(Interrupt::listen()?, Style::Quiet) };
        self.train(&runner, &variants)?;
        for planned in &variants {
            let (variant, synthetic) = self.variant(&runner, planned).with_context(|| planned.label.clone())?;
            ablation.synthetic |= synthetic;
            ablation.variants.push(variant);
        }
        let text = markdown(&ablation);
        let table = self.out.join("ablation.md");
        write_atomic(&table, text.as_bytes())?;
        write_atomic(self.out.join("ablation.csv"), &csv(&ablation)?)?;
        say(format_args!("{text}\ntable   {}", table.display()))
    }

    /// A variant: a run, or the group of all its runs.
    fn planned(&self, point: &[String]) -> Result<Planned> {
        let experiment = load(&self.config, &[self.sets.clone(), point.to_vec()].concat())?;
        let tail = match (&self.group.seeds, self.group.folds) {
            (Some(_), _) => "-seeds",
            (None, true) => "-folds",
            (None, false) => "",
        };
        let folder = self.out.join(format!("{}-{}{tail}", experiment.name(), &experiment.digest()[..8]));
        Ok(Planned { label: label(point), folder, experiment })
    }

    /// Trains all runs of all variants.
    fn train(&self, runner: &Runner, variants: &[Planned]) -> Result<()> {
        let mut runs = Vec::new();
        for planned in variants {
            match self.group.group(&planned.experiment)? {
                None => runs.push(planned.clone()),
                Some(group) => {
                    let folder = RunFolder::create_at(&planned.folder)?;
                    let members = begin_members(&planned.experiment, &folder, &group)?;
                    let of_variant =
                        |run: Planned| Planned { label: format!("{}, {}", planned.label, run.label), ..run };
                    runs.extend(members.into_iter().map(of_variant));
                }
            }
        }
        runner.all(&runs, "the same command goes on")
    }

    /// What came out of a variant; also whether its faces are synthetic.
    fn variant(&self, runner: &Runner, planned: &Planned) -> Result<(Variant, bool)> {
        let run = RunFolder::open(&planned.folder)?;
        let experiment = planned.experiment.clone().expressions()?;
        let Some(group) = self.group.group(&planned.experiment)? else {
            let mut variant = variant_of(&planned.label, &experiment, &[&run])?;
            variant.pooled = read_metrics(run.scores())?.remove("test");
            return Ok((variant, facts(&run)?.synthetic));
        };
        runner.report(&planned.experiment, &run, &group)?;
        let seen = view::of_group(&run, &group)?;
        let members: Vec<RunFolder> =
            group.values.iter().map(|&v| RunFolder::open(&group.member(run.path(), v))).collect::<Result<_>>()?;
        let mut variant = variant_of(&planned.label, &experiment, &members.iter().collect::<Vec<_>>())?;
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
        parameters: experiment.model.build(facts.input, facts.classes.len())?.parameter_count(),
        seconds: runs.iter().map(|&run| Provenance::load(run).training_seconds).sum(),
        ..Variant::default()
    })
}

fn facts(run: &RunFolder) -> Result<DatasetSummary> {
    let path: &Path = &run.facts();
    serde_json::from_str(&run.read(path)?).with_context(|| format!("{} is not what a run writes", path.display()))
}
