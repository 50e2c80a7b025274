//! Published models in the place of runs and files of weights: `hub:NAME`.
//!
//! A file in the cache of models is checked by its sha256 in every process; the run that is made of it is held against it
//! each time, so that nothing else can come to stand in its place.

pub mod bundle;
mod known_answer;
mod weights;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ferrotype_hub::Entry;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;
use ferrotype_training::checkpoint::Checkpoint;

use crate::commands::import::ImportCommand;
use crate::commands::models::hub::{Files, Network};

pub use known_answer::KnownAnswer;
pub use weights::initial;

/// Before the name of a published model where a path could stand.
const PREFIX: &str = "hub:";

/// The file that a path means: itself, or for `hub:NAME` that of the published model, loaded where it is not in the cache.
///
/// # Errors
/// With `what`, when no such model is known or it cannot be had.
pub fn file_of(what: &str, path: &Path) -> Result<PathBuf> {
    let text = path.to_string_lossy();
    if !text.starts_with(PREFIX) {
        return Ok(path.to_path_buf());
    }
    Files::open(Network::default())?.of(what, &text)
}

/// The run folder that a path means: itself, or for `hub:NAME` one in the cache that is made of the published model.
///
/// # Errors
/// When no such model is known, it cannot be had or no run can be made of it, or its known answer is not what comes out.
pub fn run_of(path: &Path) -> Result<PathBuf> {
    let text = path.to_string_lossy();
    let Some(name) = text.strip_prefix(PREFIX) else { return Ok(path.to_path_buf()) };
    let files = Files::open(Network::default())?;
    let file = files.of("the run", &text)?;
    let (entry, home) = (files.entry(name)?, files.home());
    let made = tempfile::tempdir().context("cannot make a folder for temporary files")?;
    // A run is called after its folder.
    let fresh = made.path().join(name);
    make(entry, &file, &fresh).with_context(|| format!("the published model {name} cannot be used as a run"))?;
    let kept = home.join("runs").join(name).join(&entry.sha256[..16]).join(name);
    let wanted = contents(&fresh)?;
    if contents(&kept).is_ok_and(|there| there == wanted) {
        return Ok(kept);
    }
    keep(&kept, &wanted).with_context(|| format!("cannot keep the run of {name} in {}", kept.display()))?;
    Ok(kept)
}

/// Makes the run of a published file.
fn make(entry: &Entry, file: &Path, folder: &Path) -> Result<()> {
    if Checkpoint::is_one(file) {
        return bundle::unpack(file, folder);
    }
    ensure!(
        !entry.network.is_empty(),
        "it is of the kind `{}`, and no run is made of it by its name. Runs can be given by name of: models that `ferrotype \
         models publish` wrote, and those whose entry says `network`",
        entry.kind.name()
    );
    ImportCommand::of(&entry.network, file, folder).make().map(drop)
}

/// The files that make up what a run computes and says, by their path in its folder. When it was made is not among them.
fn contents(run: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let run = RunFolder::open(run)?;
    let files = [
        run.best_weights(),
        run.facts(),
        run.scores(),
        run.calibration(),
        run.seen(),
        run.template(),
        run.onnx_check(),
        run.imported(),
        run.config(),
    ];
    let mut contents = BTreeMap::new();
    for path in files.iter().filter(|path| path.is_file()) {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        contents.insert(path.strip_prefix(run.path())?.to_path_buf(), bytes);
    }
    Ok(contents)
}

/// Writes a run's files, the experiment last: its presence makes the folder a run.
fn keep(folder: &Path, contents: &BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let run = RunFolder::create_at(folder)?;
    fs::create_dir_all(run.checkpoints())?;
    let (last, files): (Vec<_>, Vec<_>) = contents.iter().partition(|(path, _)| run.path().join(path) == run.config());
    for (path, bytes) in files.into_iter().chain(last) {
        write_atomic(run.path().join(path), bytes)?;
    }
    Ok(())
}
