//! A finished run, loaded for use. Where a path of a run is taken, `hub:NAME` means that of a published model.

use std::path::Path;

use anyhow::Result;
use ferrotype_expressions::LoadedRun;
use ferrotype_expressions::compute::compute;
use ferrotype_model::device::DeviceName;
use ferrotype_run::RunFolder;

use crate::config::{self, AnyExperiment, Experiment};
use crate::published;

/// Reads an experiment file of any system with `--set` overrides; says on standard error what its writer should know.
///
/// # Errors
/// Whatever is wrong in it, with its place.
pub fn load(path: &Path, sets: &[String]) -> Result<AnyExperiment> {
    let loaded = config::load_any(path, sets)?;
    crate::commands::say_warnings(&loaded.warnings);
    Ok(loaded.experiment)
}

/// The resolved experiment of a run or group of runs, of any system.
///
/// # Errors
/// When its file cannot be read or was damaged.
pub fn any_experiment_of(run: &RunFolder) -> Result<AnyExperiment> {
    let path = run.config();
    Ok(config::read_any(&path.display().to_string(), &run.read(&path)?)?)
}

/// The resolved experiment of a run or group of runs that classifies expressions.
///
/// # Errors
/// When its file cannot be read, was damaged, or is one of another system.
pub fn experiment_of(run: &RunFolder) -> Result<Experiment> {
    let path = run.config();
    Ok(config::from_yaml_str(&path.display().to_string(), &run.read(&path)?)?)
}

/// Loads a run whose model gives one class per picture; `device` overrides the experiment's.
///
/// # Errors
/// When the folder holds no run of that system, or no selected weights yet, or its model has heads.
pub fn open(path: &Path, device: Option<&str>) -> Result<LoadedRun> {
    open_with_heads(path, device)?.without_heads()
}

/// Loads a run of the system expressions, whatever targets its model has; `device` overrides the experiment's.
///
/// # Errors
/// When the folder holds no run of that system, or no selected weights yet.
pub fn open_with_heads(path: &Path, device: Option<&str>) -> Result<LoadedRun> {
    open_folder(&published::run_of(path)?, device)
}

/// As [`open_with_heads`], of a path that is a folder and no published model's name.
///
/// # Errors
/// As [`open_with_heads`].
pub(crate) fn open_folder(path: &Path, device: Option<&str>) -> Result<LoadedRun> {
    let run = RunFolder::open(path)?;
    let experiment = experiment_of(&run)?;
    let device = device.unwrap_or(&experiment.device.0).parse::<DeviceName>()?.open()?;
    let compute = compute(&experiment.kernels, &device)?;
    LoadedRun::new(run, experiment, &device.device, compute)
}
