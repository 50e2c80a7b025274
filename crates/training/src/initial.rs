//! Weights that a training begins with: those of another run, by name and shape.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::{Tensor, TensorData};
use ferrotype_base::digest;
use ferrotype_base::text::listed;

use super::checkpoint::{Checkpoint, KNOWN_ANSWER, Meta};
use ferrotype_model::{Network, StateTensor, patterns};
use ferrotype_run::RunFolder;

/// The weights of another run.
pub struct Source {
    /// The file that holds them.
    pub file: PathBuf,
    /// sha256 of that file.
    pub sha256: String,
    /// What the file says of them.
    pub meta: Meta,
    tensors: Vec<StateTensor>,
}

/// What became of a source's weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// Tensors of the network that were filled.
    pub taken: usize,
    /// Tensors of the network that begin with new initial values, with the reason.
    pub reinit: Vec<String>,
    /// Tensors of the source that were of no use.
    pub unused: Vec<String>,
}

/// The file of weights that `path` means: the selected weights of a run folder, or the file itself.
///
/// # Errors
/// When there is none.
pub fn weights_file(path: &Path) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    if !path.exists() {
        bail!("there is no run folder or file of weights {}: make it first, or correct the path", path.display());
    }
    let run = RunFolder::open(path)?;
    let file = run.best_weights();
    if !file.is_file() {
        bail!("{} has no selected weights yet: let that training validate an epoch first", path.display());
    }
    Ok(file)
}

/// sha256 of the weights that `path` means, where they are there.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let file = weights_file(path)?;
    digest::sha256_file(&file).with_context(|| format!("cannot read {}", file.display()))
}

impl Source {
    /// Reads the weights of a run folder, or a file of them.
    ///
    /// # Errors
    /// When there are none, or the file is damaged or of another program.
    pub fn read(path: &Path) -> Result<Self> {
        let file = weights_file(path)?;
        let mut checkpoint = Checkpoint::load(&file).with_context(|| {
            format!(
                "cannot begin with the weights of {} (published ones are made a run by `ferrotype import`)",
                path.display()
            )
        })?;
        let sha256 = sha256_of(&file)?;
        // Of a checkpoint to resume from, the optimizer's memory and the average are no weights to begin with.
        checkpoint.take("optimizer/");
        checkpoint.take("ema/");
        checkpoint.take("swa/");
        checkpoint.take(KNOWN_ANSWER);
        Ok(Self { file, sha256, meta: checkpoint.meta, tensors: checkpoint.tensors })
    }

    /// Weights that another program wrote, brought to the names of this network.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_tensors(file: PathBuf, meta: Meta, tensors: Vec<StateTensor>) -> Result<Self> {
        Ok(Self { sha256: sha256_of(&file)?, file, meta, tensors })
    }

    /// Fills the network. What the source does not have in the right shape begins with new initial values if it belongs to the head or
    /// matches one of the `reinit` patterns.
    ///
    /// # Errors
    /// When anything else is missing or misshapen: all of it is named, and the network is left as it was.
    pub fn fill(self, network: &mut Network, reinit: &[String]) -> Result<Taken> {
        let graph = network.graph().clone();
        let head = graph.head();
        let mut in_head = head.clone();
        in_head.extend(graph.frozen_buffers(&head));
        let parameters = graph.parameters.iter().map(|p| (&p.name, &p.shape));
        let wanted: Vec<(&String, &Vec<usize>)> =
            parameters.chain(graph.buffers.iter().map(|b| (&b.name, &b.shape))).collect();
        patterns::check("train.reinit", reinit, wanted.iter().map(|(name, _)| name.as_str()))?;
        let mut given: HashMap<String, StateTensor> = self.tensors.into_iter().map(|t| (t.name.clone(), t)).collect();
        let mut report = Taken::default();
        let mut faults = Vec::new();
        let mut fitting = vec![None; wanted.len()];
        for (i, (name, shape)) in wanted.iter().enumerate() {
            let reason = match given.remove(*name) {
                Some(tensor) if tensor.shape == **shape => {
                    fitting[i] = Some(tensor.values);
                    report.taken += 1;
                    continue;
                }
                Some(tensor) => format!("{name} (is {:?} there, {shape:?} here)", tensor.shape),
                None => format!("{name} (not there)"),
            };
            let allowed = in_head[i] || patterns::any(reinit, name);
            if allowed { report.reinit.push(reason) } else { faults.push(reason) }
        }
        if !faults.is_empty() {
            bail!(
                "{} does not fit this {}: {}; only the head may differ. Choose the options of `model` as they are there \
                 ({} with {} classes), or let these begin with new initial values with train.reinit",
                self.file.display(),
                graph.name,
                listed(&faults, 8),
                self.meta.model,
                self.meta.classes.len()
            );
        }
        place(network, fitting);
        report.unused = given.into_keys().collect();
        report.unused.sort_unstable();
        Ok(report)
    }
}

/// Puts values in their places; those without stay.
fn place(network: &mut Network, values: Vec<Option<Vec<f32>>>) {
    let device = network.device().clone();
    let parameters = network.parameters.iter_mut().map(|p| &mut p.tensor);
    let slots = parameters.chain(network.buffers.iter_mut().map(|b| &mut b.tensor));
    for (slot, values) in slots.zip(values) {
        if let Some(values) = values {
            let length = values.len();
            *slot = Tensor::from_data(TensorData::new(values, [length]), &device);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;

    use super::*;
    use ferrotype_model::ModelOptions;

    fn network(classes: usize, seed: u64) -> Network {
        let graph = ModelOptions::TinyXception(Default::default()).build([1, 32, 32], classes).unwrap();
        Network::new(Arc::new(graph), seed, &Device::flex())
    }

    fn saved(folder: &Path, network: &Network) -> PathBuf {
        let path = folder.join("a.safetensors");
        let mut state = network.state().unwrap();
        state.push(StateTensor { name: "optimizer/momentum/x".into(), shape: vec![1], values: vec![1.0] });
        Checkpoint { tensors: state, meta: Meta { model: "tiny_xception".into(), ..Meta::default() } }
            .save(&path)
            .unwrap();
        path
    }

    fn values(network: &Network, name: &str) -> Vec<f32> {
        network.state().unwrap().into_iter().find(|t| t.name == name).unwrap().values
    }

    #[test]
    fn another_head_begins_fresh_and_all_else_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (source, mut target) = (network(7, 1), network(5, 2));
        let before = target.clone();
        let read = Source::read(&saved(folder.path(), &source)).unwrap();
        assert_eq!(read.sha256.len(), 64);
        let taken = read.fill(&mut target, &[]).unwrap();
        assert_eq!(taken.reinit.len(), 2, "{taken:?}");
        assert!(taken.reinit[0].contains("head.conv.weight") && taken.unused.is_empty());
        assert_eq!(taken.taken, source.parameters.len() + source.buffers.len() - 2);
        assert_eq!(values(&target, "base.conv1.weight"), values(&source, "base.conv1.weight"));
        assert_eq!(values(&target, "head.conv.weight"), values(&before, "head.conv.weight"));
    }

    #[test]
    fn anything_else_that_does_not_fit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let graph = ModelOptions::MiniXception(Default::default()).build([1, 32, 32], 7).unwrap();
        let mut other = Network::new(Arc::new(graph), 1, &Device::flex());
        let path = saved(folder.path(), &network(7, 1));
        let refused = Source::read(&path).unwrap().fill(&mut other, &[]).unwrap_err().to_string();
        assert!(refused.contains("base.conv1.weight") && refused.contains("train.reinit"), "{refused}");
        let taken = Source::read(&path).unwrap().fill(&mut other, &["*".into()]).unwrap();
        assert!(!taken.reinit.is_empty());
        let refused = Source::read(&path).unwrap().fill(&mut other, &["bse*".into()]).unwrap_err().to_string();
        assert!(refused.contains("matches no parameter"), "{refused}");
        assert!(Source::read(&folder.path().join("no")).err().unwrap().to_string().contains("there is no run folder"));
    }
}
