//! A finished run, loaded for use.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use ferrotype_data::stored_form::PictureChain;
use ferrotype_data::task::DatasetSummary;
use ferrotype_model::Network;
use ferrotype_ops::Compute;
use ferrotype_run::RunFolder;
use ferrotype_training::checkpoint::Meta;
use ferrotype_training::trainer::{fill, selected};

use crate::Experiment;

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
    /// Loads the run in a folder.
    ///
    /// # Errors
    /// When the folder holds no run that classifies expressions, or no selected weights yet.
    pub fn open(path: &Path, device: &Device, compute: Compute) -> Result<Self> {
        let run = RunFolder::open(path)?;
        let config = run.config();
        let experiment = ferrotype_config::from_text(&config.display().to_string(), &run.read(&config)?)?;
        Self::new(run, experiment, device, compute)
    }

    /// Loads a run whose experiment is read already.
    ///
    /// # Errors
    /// When there are no selected weights yet, or they belong to another model.
    pub fn new(run: RunFolder, experiment: Experiment, device: &Device, compute: Compute) -> Result<Self> {
        let selected = selected(&run)?;
        let graph = Arc::new(experiment.graph(experiment.data.input(), selected.meta.classes.len())?);
        let mut network = Network::new(graph, experiment.seed, device).with_compute(compute);
        let meta = fill(&run, &mut network, selected)?;
        let facts = DatasetSummary::load(&run)?;
        Ok(Self { run, experiment, network, meta, facts })
    }

    /// The run, where its model gives one class per picture.
    ///
    /// # Errors
    /// When its model has heads.
    pub fn without_heads(self) -> Result<Self> {
        let heads = &self.meta.heads;
        ensure!(
            heads.is_empty(),
            "{} has a model with heads ({}), and this needs one that gives one class per picture: a run whose experiment has \
             no `heads`. Models with heads can be trained, scored (eval), exported, and used by predict, analyze and serve",
            self.run.path().display(),
            heads.iter().map(|h| format!("{}: {}", h.name, h.kind.describe())).collect::<Vec<_>>().join("; ")
        );
        Ok(self)
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
