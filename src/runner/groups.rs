//! Groups: the seeds or folds of one experiment, or the folds of several seeds.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::{Planned, Runner, pooled};
use crate::config::AnyExperiment;
use crate::systems::{self, Summary};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_run::group::{Group, GroupAxis, parse_values};
use ferrotype_run::provenance::{data_sha256, in_one};

/// Which runs of an experiment make a group.
#[derive(Clone, Debug, Default, Args)]
pub struct GroupOptions {
    /// Train once per seed and write mean, standard deviation and 95 % interval: 0..5, 0..=4 or 1,3,7.
    #[arg(long, value_name = "SEEDS")]
    pub seeds: Option<String>,
    /// Train every fold of the split and pool the result; with --seeds every fold of every seed.
    #[arg(long)]
    pub folds: bool,
}

impl GroupOptions {
    /// The group of an experiment; none for a single run.
    ///
    /// # Errors
    /// When the seeds are no seeds, or the experiment has no folds.
    pub fn group(&self, experiment: &AnyExperiment) -> Result<Option<Group>> {
        let seeds = self.seeds.as_deref().map(parse_values).transpose()?;
        let folds = match self.folds {
            true => Some(systems::of(experiment).fold_count()? as u64),
            false => None,
        };
        Ok(match (seeds, folds) {
            (Some(seeds), folds) => Some(Group { folds, ..Group::of(GroupAxis::Seed, seeds) }),
            (None, Some(count)) => Some(Group::of(GroupAxis::Fold, (0..count).collect())),
            (None, None) => None,
        })
    }
}

impl Runner {
    /// Trains a group whose folder was just made; where none of its members could begin, the folder is removed.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn new_group(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
        let trained = self.group(experiment, folder, group);
        if trained.is_err() && group.run_folders(folder.path()).iter().all(|run| !run.exists()) {
            folder.remove();
        }
        trained
    }

    /// Trains the members of a group that are not finished, and writes its report.
    ///
    /// # Errors
    /// As [`all`](Self::all), and as [`same_data`] where some have not begun.
    pub fn group(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
        let _lock = folder.lock()?;
        let here = group.with_runs(folder.path());
        let runs = here.run_folders(folder.path());
        // Those that have begun look after their data themselves.
        if runs.iter().any(|run| data_of(run).is_empty()) {
            same_data(experiment, &runs)?;
        }
        write_inner(experiment, folder, group)?;
        self.all(&planned(experiment, folder.path(), &here)?, &go_on(folder))?;
        report(experiment, folder, group)
    }

    /// Trains one run of a group, counted over all of them, or goes on with it. Where it is finished, here or elsewhere, nothing is
    /// done.
    ///
    /// # Errors
    /// As [`all`](Self::all); also when the group has no such run.
    pub fn one_of(&self, experiment: &AnyExperiment, folder: &RunFolder, group: &Group, number: usize) -> Result<()> {
        write_inner(experiment, folder, group)?;
        let runs = planned(experiment, folder.path(), group)?;
        let Some(run) = runs.get(number) else { bail!("the group has {} runs, and no number {number}", runs.len()) };
        if !group.with_runs(folder.path()).run_folders(folder.path()).contains(&run.folder) {
            return Ok(());
        }
        self.all(std::slice::from_ref(run), &go_on(folder))
    }
}

/// Writes the report of a group, after those of the groups in it, and the files that make folds readable as one run. A seed of
/// which some folds are missing has a report of its own and no part in the group's.
///
/// # Errors
/// When none of its members is finished, or a file is broken.
pub fn report(experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Summary> {
    if let Some(inner) = group.inner() {
        for &value in &group.values {
            let path = group.member(folder.path(), value);
            if inner.run_folders(&path).iter().any(|run| is_finished(run)) {
                report(&member(experiment, group.axis, value)?, &RunFolder::open(&path)?, &inner)?;
            }
        }
        let path = folder.path();
        ensure!(
            group.finished(path) > 0,
            "no {0} of {1} has all its folds yet (of one so far the report is {1}/{0}-N/report.html); {2}",
            group.axis.as_str(),
            path.display(),
            go_on(folder)
        );
    }
    if group.axis == GroupAxis::Fold {
        pooled::write(folder, group)?;
    }
    systems::of(experiment).report_group(folder, group)
}

fn go_on(folder: &RunFolder) -> String {
    format!("go on with the whole group: ferrotype train --resume {}", folder.path().display())
}

/// Refuses to train more of a group on other data than its runs were made of: no mean of both would say anything.
///
/// # Errors
/// When the data differ; both sha256 are named.
pub fn same_data(experiment: &AnyExperiment, runs: &[PathBuf]) -> Result<()> {
    let known: Vec<(&PathBuf, String)> =
        runs.iter().map(|run| (run, data_of(run))).filter(|(_, sum)| !sum.is_empty()).collect();
    if known.is_empty() {
        return Ok(());
    }
    // What is not there yet is made by the first run; the group's report says whether it became the same.
    let Some(now) = systems::of(experiment).data_sha256()? else { return Ok(()) };
    let Some((run, then)) = known.iter().find(|(_, sum)| *sum != now) else { return Ok(()) };
    bail!(
        "{} was made of data with the sha256 {then}, and what would be trained now of data with the sha256 {now}: they cannot be \
         summed up. Put back the data file that it was made of, or train all runs anew on the one there is (`ferrotype train \
         --config {}`, with --seeds or --folds as before)",
        run.display(),
        run.join("config.yaml").display()
    )
}

/// sha256 of the data that the run in a folder was made of; empty where none has begun there.
fn data_of(folder: &Path) -> String {
    // A published copy's member has no experiment of its own: there need be no more than the folder.
    let run = folder.is_dir().then(|| RunFolder::create_at(folder).ok()).flatten();
    let sums = run.map(|run| data_sha256(&run)).unwrap_or_default();
    in_one(sums.iter().map(String::as_str))
}

/// Whether a folder holds a finished run.
pub fn is_finished(folder: &Path) -> bool {
    RunFolder::open(folder).is_ok_and(|run| run.is_finished())
}

/// Makes the folder of a new group.
///
/// # Errors
/// When it cannot be made.
pub fn begin_group(experiment: &AnyExperiment, out: &Path, group: &Group) -> Result<RunFolder> {
    let folder = RunFolder::create(out, &format!("{}-{}s", experiment.name(), group.axis.as_str()))?;
    write_group(experiment, &folder, group)?;
    Ok(folder)
}

/// Writes what makes a folder a group's.
fn write_group(experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<()> {
    // Before the experiment: a folder with an experiment and no group would be resumed as a single run.
    group.save(folder)?;
    write_atomic(folder.config(), experiment.to_yaml().as_bytes())
}

/// Makes a folder a group's, where it is not one yet; gives the group's runs.
///
/// # Errors
/// When it cannot be written.
pub fn begin_members(experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<Vec<Planned>> {
    write_group(experiment, folder, group)?;
    write_inner(experiment, folder, group)?;
    planned(experiment, folder.path(), group)
}

/// Makes the folders of the groups in a group, so that each can be gone on with and reported by itself.
fn write_inner(experiment: &AnyExperiment, folder: &RunFolder, group: &Group) -> Result<()> {
    let Some(inner) = group.inner() else { return Ok(()) };
    for &value in &group.values {
        let seed = RunFolder::create_at(&group.member(folder.path(), value))?;
        if !seed.config().is_file() {
            write_group(&member(experiment, group.axis, value)?, &seed, &inner)?;
        }
    }
    Ok(())
}

/// The runs of a group.
fn planned(experiment: &AnyExperiment, folder: &Path, group: &Group) -> Result<Vec<Planned>> {
    let mut runs = Vec::new();
    for &value in &group.values {
        let (label, path) = (format!("{} {value}", group.axis.as_str()), group.member(folder, value));
        let experiment = member(experiment, group.axis, value)?;
        match group.inner() {
            None => runs.push(Planned { label, folder: path, experiment }),
            Some(inner) => {
                let folds = planned(&experiment, &path, &inner)?;
                runs.extend(folds.into_iter().map(|run| Planned { label: format!("{label}, {}", run.label), ..run }));
            }
        }
    }
    Ok(runs)
}

/// The experiment of one member of a group.
///
/// # Errors
/// When members differ by folds and the system has none.
pub fn member(experiment: &AnyExperiment, axis: GroupAxis, value: u64) -> Result<AnyExperiment> {
    let (mut member, system) = (experiment.clone(), experiment.system());
    let shared = member.shared();
    match (axis, shared.fold) {
        (GroupAxis::Seed, _) => *shared.seed = value,
        (GroupAxis::Fold, Some(fold)) => *fold = value as usize,
        (GroupAxis::Fold, None) => bail!("group.json is of folds, and experiments of the system {system} have none"),
    }
    Ok(member)
}
