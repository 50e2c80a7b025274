//! `ferrotype reproduce`

mod all;
mod list;
mod queue;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};

use super::launcher::{self, LauncherOptions};
use super::report::ReportCommand;
use super::say;
use super::verdict::judged;
use crate::config::AnyExperiment;
use crate::publication::{PublishedSeeds, experiments};
use crate::reproduction::queue::Queue;
use crate::reproduction::{self, Costs, Entry, Mark, Registry, comparison};
use crate::runner::{GroupOptions, Jobs, Runner, begin_group, union};
use crate::systems::Summary;
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::Style;

/// Repeat a published result and say how ours stands to it; or list them, run all within a budget, or write the table.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  ferrotype reproduce list
  ferrotype reproduce fer2013-mini_xception --seeds 0..3
  ferrotype reproduce fer2013-mini_xception --seeds 0..5 --publish experiments     (trains those that are not published)
  ferrotype reproduce ferplus-vgg13-majority --seeds 0..5 --set train.epochs=10     (listed as shortened)
  ferrotype reproduce all --budget 2h
  ferrotype reproduce all --background --publish experiments
  ferrotype reproduce status
  ferrotype reproduce table")]
pub struct ReproduceCommand {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The entry of the registry.
    #[arg(value_name = "NAME", required = true)]
    name: Option<String>,
    /// Another registry than the one in `reproductions/`, or, where there is none, the one inside the program.
    #[arg(long, value_name = "FOLDER", global = true)]
    registry: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    launcher: LauncherOptions,
    /// How jobs are submitted: a YAML file with the keys of a sweep's section of the launcher's name (see docs/sweeps.md).
    #[arg(long, value_name = "YAML", alias = "slurm")]
    launcher_options: Option<PathBuf>,
}

/// How an entry is run.
#[derive(Clone, Debug, Args)]
struct How {
    /// Seeds in place of the entry's: 0..5, 0..=4 or 1,3,7.
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Change a key of the experiment; may be given several times. The run then counts as changed or shortened.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Where run folders are made.
    #[arg(long, value_name = "FOLDER", default_value = experiments::RUNS)]
    out: PathBuf,
    #[command(flatten)]
    jobs: Jobs,
    /// Publish into this folder as `report --publish` does, each seed as soon as it is finished. Seeds of the same recipe that stand
    /// there already, from another machine perhaps, are taken over and not trained again.
    #[arg(long, value_name = "FOLDER")]
    publish: Option<PathBuf>,
    /// Print only warnings and results.
    #[arg(long, short)]
    quiet: bool,
}

/// Whose queue.
#[derive(Clone, Debug, Args)]
struct Runs {
    /// Where its run folders are made.
    #[arg(long, value_name = "FOLDER", default_value = experiments::RUNS)]
    out: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the published results, and whether they can be run here.
    List {
        /// Print one JSON object per entry, with everything that is known of it.
        #[arg(long)]
        json: bool,
    },
    /// Run all entries that can be run here, the cheapest first; what an earlier call left unfinished is gone on with.
    All {
        /// Stop after so long and save: 45m, 2h, 1h30m. The same command goes on from there.
        #[arg(long, value_name = "TIME")]
        budget: Option<String>,
        /// Work in the background at the lowest priority, beyond the end of this terminal. The same command goes on after a kill or
        /// a restart; `reproduce status`, `pause`, `resume` and `stop` are for it, and `bench` has it wait.
        #[arg(long)]
        background: bool,
        /// What the process in the background is started with.
        #[arg(long, hide = true, conflicts_with = "background")]
        queued: bool,
        #[command(flatten)]
        how: How,
    },
    /// Say how far each entry is, what an epoch costs here, and what the queue in the background does.
    Status {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        how: How,
    },
    /// Freeze the queue in the background: it takes no processor time and keeps its memory.
    Pause(Runs),
    /// Let a frozen queue go on.
    Resume(Runs),
    /// Have the queue save and end.
    Stop(Runs),
    /// Write README.md and results.csv of the published experiments from the folders of runs.
    Table {
        /// The published runs, and where the two files are written.
        #[arg(long, value_name = "FOLDER", default_value = "experiments")]
        experiments: PathBuf,
        /// Runs that are not published: those that repeat a result are listed, too.
        #[arg(long, value_name = "FOLDER", default_value = experiments::RUNS)]
        runs: PathBuf,
    },
    /// Mark a run, or a group of runs, that was trained without `reproduce` as one that repeats an entry.
    Mark {
        /// The entry.
        #[arg(value_name = "NAME")]
        name: String,
        /// The run or group.
        #[arg(value_name = "RUN")]
        run: PathBuf,
    },
}

impl ReproduceCommand {
    /// Does what the command line says.
    ///
    /// # Errors
    /// For bad input, missing data, a failed run, or an interruption.
    pub fn run(self) -> Result<()> {
        let registry = Registry::open(self.registry.as_deref())?;
        match &self.verb {
            None => {
                let Some(name) = &self.name else { bail!("name an entry: `ferrotype reproduce list` shows them") };
                self.one(&registry, registry.find(name)?)
            }
            Some(Verb::List { json }) => list::print(&registry, *json),
            Some(Verb::All { background: true, how, .. }) => queue::start(&how.out),
            Some(Verb::All { budget, queued, how, .. }) => {
                let take = || Queue::of(&how.out).take(how.seeds.as_deref(), &how.sets, how.publish.as_deref());
                let _taken = queued.then(take).transpose()?;
                all::run(&registry, budget.as_deref(), how)
            }
            Some(Verb::Status { json, how }) => queue::status(&registry, how, *json),
            Some(Verb::Pause(runs)) => queue::tell(&runs.out, queue::Told::Pause),
            Some(Verb::Resume(runs)) => queue::tell(&runs.out, queue::Told::Resume),
            Some(Verb::Stop(runs)) => queue::tell(&runs.out, queue::Told::Stop),
            Some(Verb::Table { experiments: parent, runs }) => {
                let written = experiments::write(&registry, parent, runs)?;
                say(format_args!(
                    "{}: {} runs of published results, {} results not run, {} other experiments",
                    written.page.display(),
                    written.reproductions,
                    written.not_run,
                    written.others
                ))
            }
            Some(Verb::Mark { name, run }) => mark(&registry, registry.find(name)?, run),
        }
    }

    fn one(&self, registry: &Registry, entry: &Entry) -> Result<()> {
        let plan = Plan::of(registry, entry, &self.how)?;
        if let Some(elsewhere) = self.launcher.elsewhere_with(self.launcher_options.as_deref())? {
            elsewhere.check(self.how.jobs.chosen(), self.how.jobs.devices.as_deref(), None)?;
            ensure!(
                self.how.publish.is_none(),
                "--publish is for runs on this machine: publish those of a launcher with `ferrotype report --run RUN --publish FOLDER`"
            );
            let options = elsewhere.of_file(self.launcher_options.as_deref())?;
            let (folder, jobs) = (plan.begin(&self.how.out)?, self.how.jobs.jobs);
            let begun = launcher::begin_tasks(&elsewhere, &folder, &entry.name, &plan.group, jobs, &options);
            if elsewhere.is_dry_run() {
                folder.remove();
            }
            return begun;
        }
        if let Some(parent) = self.how.publish.as_ref().filter(|_| plan.is_published()) {
            return say(format_args!("{}: published before, in {}", entry.name, parent.display()));
        }
        let runner = self.how.runner(Interrupt::listen()?);
        let folder = plan.begin(&self.how.out)?;
        let summary = plan.train(&runner, &folder, self.how.publish.as_deref())?;
        if self.how.publish.is_none() {
            // With the copy it was said.
            say(summary.text)?;
        }
        say(judged(registry, folder.path())?.unwrap_or_default())
    }
}

impl How {
    fn runner(&self, interrupt: Interrupt) -> Runner {
        let style = if self.quiet { Style::Quiet } else { Style::Auto };
        Runner { jobs: self.jobs.clone(), ..Runner::new(interrupt, style) }
    }
}

/// An entry ready to be run.
struct Plan<'r> {
    entry: &'r Entry,
    experiment: AnyExperiment,
    comparison: reproduction::RecipeComparison,
    /// Where it is published, the seeds that are there among them: no copy is replaced by a smaller one.
    group: Group,
    published: Option<PublishedSeeds>,
}

impl<'r> Plan<'r> {
    /// Resolves an entry, and sees whether what it needs is there.
    ///
    /// # Errors
    /// Why it cannot be run.
    fn of(registry: &Registry, entry: &'r Entry, how: &How) -> Result<Self> {
        // What is missing is said first: a file that nobody may have is no reason to look for an experiment.
        let experiment = entry.experiment(&registry.root, &how.sets);
        let missing = entry.missing(experiment.as_ref().ok());
        ensure!(
            missing.is_empty() || entry.recipe.is_none(),
            "{} is not run: it needs {}",
            entry.name,
            missing.iter().map(|n| n.text()).collect::<Vec<_>>().join(" and ")
        );
        let experiment = experiment?;
        let recipe = entry.recipe.as_ref().context("no recipe")?;
        let options = GroupOptions {
            seeds: Some(how.seeds.clone().unwrap_or_else(|| recipe.seeds.clone())),
            folds: recipe.folds,
        };
        let mut group = options.group(&experiment)?.context("no seeds")?;
        let comparison = comparison(&entry.experiment(&registry.root, &[])?, &experiment);
        let mut published = None;
        if let Some(parent) = &how.publish {
            let mark = Mark::new(&entry.name, parent, comparison.clone());
            let found = PublishedSeeds::find(parent, &mark, &experiment, &group)?;
            group.values = union(&group.values, &found.values());
            published = Some(found);
        }
        Ok(Self { entry, experiment, comparison, group, published })
    }

    /// Seconds that are left of it; without a folder, all but what was published.
    fn left(&self, costs: &Costs, folder: Option<&Path>) -> f64 {
        let is_left = |seed: &u64| folder.is_some() || !self.published.as_ref().is_some_and(|p| p.has_all(&[*seed]));
        let values = self.group.values.iter().copied().filter(is_left).collect();
        costs.left(self.entry, &self.comparison, &Group { values, ..self.group }, folder)
    }

    /// Makes the marked folder of a new group.
    fn begin(&self, out: &Path) -> Result<RunFolder> {
        let folder = begin_group(&self.experiment, out, &self.group)?;
        Mark::new(&self.entry.name, folder.path(), self.comparison.clone()).save(folder.path())?;
        Ok(folder)
    }

    /// Whether all of its seeds were published before.
    fn is_published(&self) -> bool {
        self.published.as_ref().is_some_and(|published| published.has_all(&self.group.values))
    }

    /// Trains what is not finished of a group, in its folder. Where it is published each seed is as soon as it is finished, and those
    /// that were published before are taken over.
    fn train(&self, runner: &Runner, folder: &RunFolder, publish: Option<&Path>) -> Result<Summary> {
        let Some(parent) = publish else { return runner.new_group(&self.experiment, folder, &self.group) };
        if let Some(published) = &self.published {
            published.take(&self.experiment, folder, &self.group)?;
        }
        let count = self.group.values.len();
        // So many that jobs at a time have no less to do than if all seeds were given at once.
        let step = if self.group.folds.is_some() { 1 } else { runner.jobs.jobs };
        let mut ends: Vec<usize> = (step..count).step_by(step).collect();
        ends.push(count);
        let mut last = None;
        for end in ends {
            let values = self.group.values[..end].to_vec();
            let first = Group { values, ..self.group };
            if end < count && first.is_finished(folder.path()) {
                continue;
            }
            last = Some(runner.new_group(&self.experiment, folder, &first)?);
            ReportCommand::published(folder.path(), parent).run()?;
        }
        last.context("no seeds")
    }
}

fn mark(registry: &Registry, entry: &Entry, path: &Path) -> Result<()> {
    let run = RunFolder::open(path)?;
    ensure!(!run.is_imported(), "{} was imported, not trained: it repeats nothing", path.display());
    let recipe = entry.experiment(&registry.root, &[])?;
    let comparison = comparison(&recipe, &any_experiment_of(&run)?);
    let other = comparison.changes.iter().find(|c| ["model", "method", "system"].iter().any(|k| c.starts_with(k)));
    if let Some(change) = other {
        bail!("{} is no run of {}: {change} (recipe -> run)", path.display(), entry.name);
    }
    let said = match (comparison.shortened(), comparison.changes.is_empty()) {
        (None, true) => "the full recipe".to_owned(),
        (short, _) => short.into_iter().chain(comparison.changes.clone()).collect::<Vec<_>>().join(", "),
    };
    Mark::new(&entry.name, path, comparison).save(path)?;
    say(format_args!("{} repeats {}: {said}", path.display(), entry.name))
}
