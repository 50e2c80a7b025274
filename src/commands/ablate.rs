//! `ferrotype ablate`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::grid::{MOST, keys, label, points};
use super::loaded::load;
use super::say;
use super::train::Runner;
use super::view;
use crate::config::{self, AnyExperiment, Experiment};
use crate::systems::expressions::Expressions;
use crate::systems::{RunScope, System};
use ferrotype_data::task::DatasetSummary;
use ferrotype_report::ablation::{Ablation, Variant, csv, markdown};
use ferrotype_report::read_metrics;
use ferrotype_run::files::write_atomic;
use ferrotype_run::group::{Group, GroupAxis, parse_values};
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
    /// Train every fold of the split, and pool them.
    #[arg(long, conflicts_with = "seeds")]
    folds: bool,
    /// Train once per seed: 0..5, 0..=4 or 1,3,7.
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
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
        let mut variants = Vec::new();
        for point in &points {
            let sets = [self.sets.clone(), point.clone()].concat();
            variants.push((label(point), load(&self.config, &sets)?.expressions()?));
        }
        let Some((_, first)) = variants.first() else { bail!("--grid names no value") };
        let name = first.name.clone();
        let runner = Runner {
            interrupt: Interrupt::listen()?,
            style: Style::Quiet,
            other_kernels: false,
            scope: RunScope::Whole,
        };
        let mut ablation =
            Ablation { name, keys: keys(&self.grid), over: self.axis().map(GroupAxis::as_str), ..Ablation::default() };
        for (i, (label, experiment)) in variants.iter().enumerate() {
            eprintln!("== {label} ({} of {})", i + 1, variants.len());
            let group = self.group(experiment)?;
            ensure!(
                variants.len() * group.as_ref().map_or(1, |g| g.values.len()) <= MOST,
                "more than {MOST} runs: give fewer values"
            );
            let (variant, synthetic) =
                self.variant(&runner, label, experiment, group).with_context(|| label.clone())?;
            ablation.synthetic |= synthetic;
            ablation.variants.push(variant);
        }
        let text = markdown(&ablation);
        let table = self.out.join("ablation.md");
        write_atomic(&table, text.as_bytes())?;
        write_atomic(self.out.join("ablation.csv"), &csv(&ablation)?)?;
        say(format_args!("{text}\ntable   {}", table.display()))
    }

    fn axis(&self) -> Option<GroupAxis> {
        match (&self.seeds, self.folds) {
            (Some(_), _) => Some(GroupAxis::Seed),
            (None, true) => Some(GroupAxis::Fold),
            (None, false) => None,
        }
    }

    /// The runs of a variant; none where it is a single one.
    fn group(&self, experiment: &Experiment) -> Result<Option<Group>> {
        let Some(axis) = self.axis() else { return Ok(None) };
        let values = match &self.seeds {
            Some(text) => parse_values(text)?,
            None => (0..Expressions(experiment).fold_count()? as u64).collect(),
        };
        Ok(Some(Group { axis, values }))
    }

    /// Trains a variant where it is not finished; also says whether its faces are drawn.
    fn variant(
        &self,
        runner: &Runner,
        label: &str,
        experiment: &Experiment,
        group: Option<Group>,
    ) -> Result<(Variant, bool)> {
        let tail = group.as_ref().map_or_else(String::new, |g| format!("-{}s", g.axis.as_str()));
        let digest = config::digest(experiment);
        let folder = self.out.join(format!("{}-{}{tail}", experiment.name, &digest[..8]));
        let any = AnyExperiment::Expressions(Box::new(experiment.clone()));
        let run = RunFolder::create_at(&folder)?;
        let Some(group) = group else {
            if !run.is_finished() {
                runner.train(&any, &run)?;
            }
            let mut variant = variant_of(label, experiment, &[&run])?;
            variant.pooled = read_metrics(run.scores())?.remove("test");
            return Ok((variant, facts(&run)?.synthetic));
        };
        runner.train_group(&any, &run, &group)?;
        let seen = view::of_group(&run, &group)?;
        let members: Vec<RunFolder> =
            group.values.iter().map(|&v| RunFolder::open(&group.member(&folder, v))).collect::<Result<_>>()?;
        let mut variant = variant_of(label, experiment, &members.iter().collect::<Vec<_>>())?;
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
