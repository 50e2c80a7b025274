//! Seeds that stand in a published copy already, trained earlier or on another machine: a group takes them over and trains the
//! others. So a repository with its published runs is all that one machine need leave to the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::earlier;
use crate::config::AnyExperiment;
use crate::reproduction::{Mark, RecipeComparison, comparison};
use crate::runner::{member, same_data};
use crate::systems::{self, loaded::any_experiment_of};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_run::group::{Group, GroupAxis};

/// Seeds that were published of an entry, trained by the same recipe.
pub struct PublishedSeeds {
    /// Those of the data that would be trained on now, with their folders.
    seeds: BTreeMap<u64, PathBuf>,
    /// Those of other data, and what is said of it.
    others: BTreeMap<u64, String>,
}

impl PublishedSeeds {
    /// Those in the folder of published runs that a group with this mark could take over: members of its copy, and a single run.
    /// What is there of another experiment, whatever it is called, does not count.
    ///
    /// # Errors
    /// When a file of a copy is broken.
    pub fn find(parent: &Path, mark: &Mark, experiment: &AnyExperiment, group: &Group) -> Result<Self> {
        let mut seeds = BTreeMap::new();
        let single = parent.join(mark.published_name());
        if group.folds.is_none() && is_of(&single, mark, experiment)? && Group::open(&single)?.is_none() {
            let run = RunFolder::open(&single)?;
            if run.is_finished() {
                seeds.insert(*any_experiment_of(&run)?.shared().seed, single);
            }
        }
        let folder = parent.join(format!("{}-{}s", mark.published_name(), GroupAxis::Seed.as_str()));
        if is_of(&folder, mark, experiment)?
            && let Some(there) =
                Group::open(&folder)?.filter(|there| there.axis == group.axis && there.folds == group.folds)
        {
            let finished = there.values.iter().filter(|&&seed| there.is_member_finished(&folder, seed));
            seeds.extend(finished.map(|&seed| (seed, there.member(&folder, seed))));
        }
        let mut others = BTreeMap::new();
        if same_data(experiment, &seeds.values().cloned().collect::<Vec<_>>()).is_err() {
            for (&seed, folder) in &seeds {
                if let Err(told) = same_data(experiment, std::slice::from_ref(folder)) {
                    others.insert(seed, format!("{told:#}"));
                }
            }
            seeds.retain(|seed, _| !others.contains_key(seed));
        }
        Ok(Self { seeds, others })
    }

    /// All of them, of whatever data.
    pub fn values(&self) -> Vec<u64> {
        self.seeds.keys().chain(self.others.keys()).copied().collect()
    }

    /// Whether it has the scores of all of these seeds.
    pub fn has_all(&self, seeds: &[u64]) -> bool {
        seeds.iter().all(|seed| self.seeds.contains_key(seed))
    }

    /// Takes those seeds of a group over that were not begun in its folder: their scores and what they were made with, not their
    /// weights and predictions, which stayed where they were trained. A seed that was made of other data is left, with a line on
    /// standard error that says so.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn take(&self, experiment: &AnyExperiment, run: &RunFolder, group: &Group) -> Result<()> {
        for &seed in group.values.iter().filter(|&&seed| !is_begun(run.path(), group, seed)) {
            if let Some(told) = self.others.get(&seed) {
                eprintln!("note: seed {seed} is trained anew: {told}");
            }
            let Some(from) = self.seeds.get(&seed) else { continue };
            let to = RunFolder::create_at(&group.member(run.path(), seed))?;
            if let Some(inner) = group.inner() {
                inner.save(&to)?;
            }
            write_atomic(to.config(), member(experiment, group.axis, seed)?.to_yaml().as_bytes())?;
            copy(experiment, from, &to)?;
            eprintln!("seed {seed} is taken from {}", from.display());
        }
        Ok(())
    }
}

/// Whether a folder is the published copy of what repeats the same entry by the same recipe.
fn is_of(folder: &Path, mark: &Mark, experiment: &AnyExperiment) -> Result<bool> {
    let is_same = |copy: &Mark| copy.entry == mark.entry && copy.comparison == mark.comparison;
    if !earlier::is_copy(folder) || !Mark::open(folder)?.is_some_and(|copy| is_same(&copy)) {
        return Ok(false);
    }
    let RecipeComparison { epochs, recipe_epochs, changes } =
        comparison(experiment, &any_experiment_of(&RunFolder::open(folder)?)?);
    Ok(epochs == recipe_epochs && changes.is_empty())
}

/// Whether anything was trained of a seed in a group's folder.
fn is_begun(folder: &Path, group: &Group, seed: u64) -> bool {
    let path = group.member(folder, seed);
    group.is_member_finished(folder, seed)
        || match group.inner() {
            Some(folds) => folds.run_folders(&path).iter().any(|run| run.exists()),
            None => RunFolder::open(&path).is_ok_and(|run| run.is_begun()),
        }
}

/// Copies what is published of a group's member, its scores last: they say that it is finished.
fn copy(experiment: &AnyExperiment, from: &Path, to: &RunFolder) -> Result<()> {
    let from = RunFolder::create_at(from)?;
    let mut files = systems::of(experiment).member_files(&from);
    files.sort_by_key(|path| *path == from.scores());
    for path in files.iter().filter(|path| path.is_file()) {
        write_atomic(to.path().join(path.file_name().unwrap_or_default()), from.read(path)?.as_bytes())?;
    }
    Ok(())
}
