//! Seeds that stand in a published copy already, trained earlier or on another machine: a group takes them over and trains the
//! others. So a repository with its published runs is all that one machine need leave to the next.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::earlier;
use crate::config::AnyExperiment;
use crate::reproduction::{Mark, RecipeComparison, comparison};
use crate::runner::{member, same_data};
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_run::group::{Group, GroupAxis};

/// A published group of seeds that repeats the same entry by the same recipe.
pub struct PublishedSeeds {
    folder: PathBuf,
    group: Group,
}

impl PublishedSeeds {
    /// The copy in the folder of published runs that a group with this mark would have; none where there is none, or where it is of
    /// another experiment, whatever it is called.
    ///
    /// # Errors
    /// When a file of the copy is broken.
    pub fn find(parent: &Path, mark: &Mark, experiment: &AnyExperiment, group: &Group) -> Result<Option<Self>> {
        let folder = parent.join(format!("{}-{}s", mark.published_name(), GroupAxis::Seed.as_str()));
        let Some(there) = Group::open(&folder)?.filter(|_| earlier::is_copy(&folder)) else { return Ok(None) };
        let is_same = |copy: &Mark| copy.entry == mark.entry && copy.comparison == mark.comparison;
        if there.axis != GroupAxis::Seed
            || there.folds != group.folds
            || !Mark::open(&folder)?.is_some_and(|m| is_same(&m))
        {
            return Ok(None);
        }
        let RecipeComparison { epochs, recipe_epochs, changes } =
            comparison(experiment, &any_experiment_of(&RunFolder::open(&folder)?)?);
        Ok((epochs == recipe_epochs && changes.is_empty()).then_some(Self { folder, group: there }))
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it has the scores of this seed.
    pub fn has(&self, seed: u64) -> bool {
        self.group.values.contains(&seed) && self.group.is_member_finished(&self.folder, seed)
    }

    /// Takes those seeds of a group over that were not begun in its folder: their scores and what they were made with, not their
    /// weights and predictions, which stayed where they were trained. A seed that was made of other data is left, with a line on
    /// standard error that says so. Gives those that were taken.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn take(&self, experiment: &AnyExperiment, run: &RunFolder, group: &Group) -> Result<Vec<u64>> {
        let mut taken = Vec::new();
        for &seed in group.values.iter().filter(|&&seed| self.has(seed) && !is_begun(run.path(), group, seed)) {
            let from = self.group.member(&self.folder, seed);
            if let Err(other) = same_data(experiment, std::slice::from_ref(&from)) {
                eprintln!("note: seed {seed} is trained anew: {other:#}");
                continue;
            }
            let to = RunFolder::create_at(&group.member(run.path(), seed))?;
            if let Some(inner) = group.inner() {
                inner.save(&to)?;
            }
            write_atomic(to.config(), member(experiment, group.axis, seed)?.to_yaml().as_bytes())?;
            copy(&from, &to)?;
            taken.push(seed);
        }
        Ok(taken)
    }
}

/// Whether anything was trained of a seed in a group's folder.
fn is_begun(folder: &Path, group: &Group, seed: u64) -> bool {
    let path = group.member(folder, seed);
    let is_scored = path.join("metrics.json").is_file();
    match group.inner() {
        Some(folds) => is_scored || folds.run_folders(&path).iter().any(|run| run.exists()),
        None => is_scored || RunFolder::open(&path).is_ok_and(|run| run.is_begun()),
    }
}

/// Copies a published seed's files, its scores last: they say that it is finished.
fn copy(from: &Path, to: &RunFolder) -> Result<()> {
    let files = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort_by_key(|path| path.file_name() == to.scores().file_name());
    for path in files {
        let name = path.file_name().unwrap_or_default();
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        write_atomic(to.path().join(name), &bytes)?;
    }
    Ok(())
}
