//! More seeds for what was trained already: nothing is trained twice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{begin_group, same_data};
use crate::reproduction::Mark;
use crate::systems::loaded::any_experiment_of;
use ferrotype_run::RunFolder;
use ferrotype_run::group::{Group, GroupAxis};

/// Makes a group of seeds of what was trained: to a group of seeds those are added that it lacks; a single run, or the folds
/// of one seed, becomes a member of a new group beside it. Gives the group's folder; its new members are not begun.
///
/// # Errors
/// When the folder is in use, is itself part of a group, was imported, or cannot be written; when the data are others now than
/// those that it was trained on.
pub fn with_seeds(path: &Path, seeds: &[u64]) -> Result<PathBuf> {
    match Group::open(path)? {
        Some(group) if group.axis == GroupAxis::Seed => add(path, group, seeds),
        inner => enclose(path, inner.as_ref(), seeds),
    }
}

/// Adds seeds to a group of seeds.
fn add(path: &Path, group: Group, seeds: &[u64]) -> Result<PathBuf> {
    let folder = RunFolder::open(path)?;
    let _lock = folder.lock()?;
    let values = union(&group.values, seeds);
    if values.len() > group.values.len() {
        same_data(&any_experiment_of(&folder)?, &group.run_folders(path))?;
        Group { values, ..group }.save(&folder)?;
    }
    Ok(path.to_path_buf())
}

/// Moves a run, or the folds of one seed, into a new group of seeds.
fn enclose(path: &Path, inner: Option<&Group>, seeds: &[u64]) -> Result<PathBuf> {
    let run = RunFolder::open(path)?;
    if run.is_imported() {
        bail!("{} was imported, not trained: it has no other seeds", path.display());
    }
    let path = fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))?;
    let Some(parent) = path.parent() else { bail!("{} has no folder above it", path.display()) };
    if Group::open(parent)?.is_some() {
        bail!("{} is part of the group {}: add the seeds to that", path.display(), parent.display());
    }
    let mut experiment = any_experiment_of(&run)?;
    let seed = *experiment.shared().seed;
    let group =
        Group { folds: inner.map(|g| g.values.len() as u64), ..Group::of(GroupAxis::Seed, union(&[seed], seeds)) };
    let held = run.lock()?;
    let runs = inner.map_or_else(|| vec![path.clone()], |folds| folds.run_folders(&path));
    same_data(&experiment, &runs)?;
    let folder = begin_group(&experiment, parent, &group)?;
    let member = group.member(folder.path(), seed);
    // Windows moves no folder that holds an open file.
    #[cfg(windows)]
    drop(held);
    if let Err(error) = fs::rename(&path, &member) {
        folder.remove();
        bail!("cannot move {} to {}: {error}", path.display(), member.display());
    }
    #[cfg(not(windows))]
    drop(held);
    // What one seed repeats, the group repeats.
    let mark = Mark::file(&member);
    if mark.is_file() {
        fs::rename(&mark, Mark::file(folder.path()))
            .with_context(|| format!("cannot move {} to {}", mark.display(), folder.path().display()))?;
    }
    eprintln!("{} is now {}", path.display(), member.display());
    Ok(folder.path().to_path_buf())
}

/// The seeds of both, each once, in ascending order: as if all had been asked for at first.
pub fn union(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}
