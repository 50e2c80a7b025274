//! A study's folder, made from a sweep file or found again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ferrotype_sweep::study::{Frozen, Study};

use crate::config::{self, LoadedSweep};
use ferrotype_run::files::{explain, write_atomic};

/// The study of a sweep: a new one, or the one that is there if it is of the same sweep. More trials may be asked for.
///
/// # Errors
/// When another sweep's study is in its place: the differences are shown.
pub fn create(loaded: &LoadedSweep, folder: &Path) -> Result<Study> {
    let wanted = config::freeze(loaded);
    let file = Study::file(folder);
    if !file.exists() {
        let taken = folder.is_dir() && std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if taken {
            bail!("{} is a folder with other files in it: give another one with --out", folder.display());
        }
        std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))?;
        write_atomic(&file, config::frozen_to_yaml(&wanted).as_bytes())?;
        return Study::open(folder, wanted);
    }
    let there = read(folder)?;
    if there.digest != wanted.digest {
        let differences = there.differences(&wanted).join("\n  ");
        bail!(
            "{} is the study of another sweep: its trials cannot be ranked with those of this one. The differences (there \
             -> here) are\n  {differences}\nGive another folder with --out, or go on with that study by `ferrotype sweep \
             resume {}`",
            folder.display(),
            folder.display()
        );
    }
    save(folder, wanted)
}

/// The study in a folder.
///
/// # Errors
/// When there is none, or its file was damaged.
pub fn open(folder: &Path) -> Result<Study> {
    if !Study::file(folder).is_file() {
        bail!("{} is not a study: it has no study.yaml", folder.display());
    }
    Study::open(folder, read(folder)?)
}

/// The study in a folder, to have so many trials from now on.
///
/// # Errors
/// As [`open`], or when the file cannot be written.
pub fn open_with_trials(folder: &Path, trials: Option<usize>) -> Result<Study> {
    let study = open(folder)?;
    match trials {
        None => Ok(study),
        Some(0) => bail!("--trials 0: at least one"),
        Some(_) => {
            let mut frozen = study.frozen().clone();
            frozen.sweep.trials = trials;
            save(folder, frozen)
        }
    }
}

fn save(folder: &Path, frozen: Frozen) -> Result<Study> {
    write_atomic(Study::file(folder), config::frozen_to_yaml(&frozen).as_bytes())?;
    Study::open(folder, frozen)
}

fn read(folder: &Path) -> Result<Frozen> {
    let file = Study::file(folder);
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(config::frozen_from_yaml(&file.display().to_string(), &text)?)
}

/// Where the study of a sweep is by default.
pub fn default_folder(loaded: &LoadedSweep) -> PathBuf {
    Path::new("sweeps").join(&loaded.options.name)
}
