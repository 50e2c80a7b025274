//! A run in one file: its selected weights as safetensors, what else belongs to it in the header.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_expressions::LoadedRun;
use ferrotype_run::files::write_atomic;
use ferrotype_run::{PublicFolder, RunFolder};
use ferrotype_training::checkpoint::Checkpoint;

use super::KnownAnswer;
use crate::config;
use crate::systems::loaded;

/// The largest file that a header carries: fingerprints of a million pictures.
const LARGEST: usize = 64 << 20;

/// The files that go along: all that prediction, evaluation and reports need of a run whose data stay where they are.
fn carried(run: &RunFolder) -> [PathBuf; 7] {
    [run.config(), run.facts(), run.scores(), run.calibration(), run.seen(), run.template(), run.onnx_check()]
}

/// Writes a finished run to one file in `folder`; paths of this machine stay behind.
///
/// # Errors
/// When a file of the run cannot be read, or the file cannot be written.
pub fn pack(loaded: &LoadedRun, folder: &PublicFolder, name: &str) -> Result<PathBuf> {
    let mut checkpoint = Checkpoint::load(&loaded.run.best_weights())?;
    let mut files = BTreeMap::new();
    for path in carried(&loaded.run) {
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            files.insert(name.to_string_lossy().into_owned(), folder.shown(&loaded.run.read(&path)?));
        }
    }
    let config = &files["config.yaml"];
    checkpoint.meta.experiment_sha256 = config::digest(&config::from_yaml_str("config.yaml", config)?);
    checkpoint.meta.sources = std::mem::take(&mut checkpoint.meta.sources)
        .into_iter()
        .map(|(path, sha256)| (folder.shown(&path), sha256))
        .collect();
    checkpoint.meta.files = files;
    KnownAnswer::of(loaded)?.put(&mut checkpoint);
    let path = folder.path().join(name);
    checkpoint.save(&path)?;
    Ok(path)
}

/// Makes the run that a file holds, and has its known answer computed here.
///
/// # Errors
/// When the file is none of [`pack`], the folder cannot be written, or the network says something else than it did where the
/// file was made. Then no folder is left.
pub fn unpack(file: &Path, folder: &Path) -> Result<()> {
    let run = RunFolder::create_at(folder)?;
    let made = fill(file, &run);
    if made.is_err() {
        run.remove();
    }
    made
}

fn fill(file: &Path, run: &RunFolder) -> Result<()> {
    let mut checkpoint = Checkpoint::load(file)?;
    let files = std::mem::take(&mut checkpoint.meta.files);
    if files.is_empty() {
        bail!("{} holds weights alone, no run: use it in train.init", file.display());
    }
    let answer = KnownAnswer::take(&mut checkpoint)?;
    std::fs::create_dir_all(run.checkpoints())
        .with_context(|| format!("cannot make the folder {}", run.checkpoints().display()))?;
    checkpoint.save(&run.best_weights())?;
    // The experiment last: its presence makes the folder a run.
    let known = carried(run);
    for path in known.iter().rev() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(text) = files.get(&*name) else { continue };
        ensure!(text.len() <= LARGEST, "its {name} has {} bytes: the file is damaged or hostile", text.len());
        write_atomic(path, text.as_bytes())?;
    }
    ensure!(run.config().is_file(), "{} holds no experiment (config.yaml)", file.display());
    answer.check(&loaded::open_folder(run.path(), None)?)
}
