//! A finished run, loaded for use.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};

use crate::config::{self, AnyExperiment, Experiment};
use crate::systems::compute::compute;
use ferrotype_data::stored_form::PictureChain;
use ferrotype_data::task::DatasetSummary;
use ferrotype_model::Network;
use ferrotype_model::device::DeviceName;
use ferrotype_run::RunFolder;
use ferrotype_training::checkpoint::Meta;
use ferrotype_training::trainer::{load_selected, selected};

/// Reads an experiment file of any system with `--set` overrides; says on standard error what its writer should know.
///
/// # Errors
/// Whatever is wrong in it, with its place.
pub fn load(path: &Path, sets: &[String]) -> Result<AnyExperiment> {
    let loaded = config::load_any(path, sets)?;
    super::say_warnings(&loaded.warnings);
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

/// A run's experiment and its network with the selected weights.
pub struct LoadedRun {
    /// The folder.
    pub run: RunFolder,
    /// The resolved experiment.
    pub experiment: Experiment,
    /// The network with the selected weights.
    pub network: Network,
    /// What the checkpoint says.
    pub meta: Meta,
    /// What is known about its data.
    pub facts: DatasetSummary,
}

impl LoadedRun {
    /// Loads a run; `device` overrides the experiment's.
    ///
    /// # Errors
    /// When the folder holds no run, or no selected weights yet.
    pub fn open(path: &Path, device: Option<&str>) -> Result<Self> {
        let run = RunFolder::open(path)?;
        let experiment = experiment_of(&run)?;
        let device = device.unwrap_or(&experiment.device.0).parse::<DeviceName>()?.open()?;
        let classes = selected(&run)?.meta.classes;
        let graph = Arc::new(experiment.model.build(experiment.data.input(), classes.len())?);
        let compute = compute(&experiment.kernels, &device)?;
        let mut network = Network::new(graph, experiment.seed, &device.device).with_compute(compute);
        let meta = load_selected(&run, &mut network)?;
        let facts = DatasetSummary::load(&run)?;
        Ok(Self { run, experiment, network, meta, facts })
    }

    /// The way of a picture to the network's input, as the run's data took it.
    ///
    /// # Errors
    /// When the run takes no single pictures.
    pub fn picture_chain(&self) -> Result<PictureChain> {
        let chain = PictureChain::new(self.facts.stored, &self.experiment.data.preprocess)?;
        ensure!(
            chain.shape() == self.network.graph().input,
            "{} takes inputs of {:?}, not single pictures",
            self.run.path().display(),
            self.network.graph().input
        );
        Ok(chain)
    }
}
