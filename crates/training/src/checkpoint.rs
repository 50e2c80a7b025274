//! Checkpoints: everything needed to go on as if nothing had happened, in one safetensors file.
//!
//! Weights and running statistics stand under their own names, so that Python's `safetensors.numpy.load_file` gives a
//! plain state dictionary; `optimizer/<slot>/<name>`, `ema/<name>` and `swa/<name>` stand beside them. The rest is JSON in the
//! header's metadata under `ferrotype`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use super::schedule;
use super::selection::Selection;
use ferrotype_base::targets::Head;
use ferrotype_model::StateTensor;
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_atomic;

/// Before the names of the tensors by which a published file is checked: pictures, and what the network says of them.
pub const KNOWN_ANSWER: &str = "known_answer/";

/// The version of the layout.
const FORMAT: u32 = 1;

/// Where training stands, and all that is not a tensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Version of the layout.
    pub format: u32,
    /// The model's name in the zoo.
    pub model: String,
    /// Class names in the order of the outputs; of a model with heads, `HEAD.COLUMN` of each output.
    pub classes: Vec<String>,
    /// The heads, where the model has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<Head>,
    /// sha256 of the resolved experiment.
    pub experiment_sha256: String,
    /// The kernels that computed; bits differ between them.
    pub kernels: String,
    /// Epoch to go on with, counted from 0.
    pub epoch: usize,
    /// Batch of that epoch to go on with.
    pub batch: usize,
    /// Optimizer steps done.
    pub step: u64,
    /// Sum over the epoch so far of weighted losses.
    pub loss_sum: f64,
    /// Sum over the epoch so far of weights.
    pub weight_sum: f64,
    /// Right predictions in the epoch so far.
    pub correct: u64,
    /// Examples in the epoch so far.
    pub seen: u64,
    /// Seconds of training so far.
    pub training_seconds: f64,
    /// Seconds of the epoch so far, where it is in its middle.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch_seconds: f64,
    /// How often the run was resumed.
    pub resumed: usize,
    /// What the schedule remembers.
    pub schedule: schedule::Memory,
    /// Best value so far and how long ago.
    pub selection: Selection,
    /// Optimizer steps that parameters missed while they were frozen, by name.
    #[serde(default)]
    pub missed: BTreeMap<String, u64>,
    /// Weights that this training builds on (those it began with, its teachers'): path and sha256.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// What the logits were divided by after training; none where they are as trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Files of the run by name, where the file is a whole run to be handed on and not a checkpoint of one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// A checkpoint in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Weights, running statistics, optimizer state, moving average.
    pub tensors: Vec<StateTensor>,
    /// All else.
    pub meta: Meta,
}

impl Checkpoint {
    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&mut self, path: &Path) -> Result<()> {
        self.meta.format = FORMAT;
        let bytes: Vec<Vec<u8>> =
            self.tensors.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
        let mut views = Vec::with_capacity(bytes.len());
        for (tensor, data) in self.tensors.iter().zip(&bytes) {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), data)
                .map_err(|e| anyhow!("tensor {} does not fit its shape {:?}: {e}", tensor.name, tensor.shape))?;
            views.push((tensor.name.as_str(), view));
        }
        let header = HashMap::from([("ferrotype".to_owned(), serde_json::to_string(&self.meta)?)]);
        let file = serialize(views, Some(header)).map_err(|e| anyhow!("cannot encode {}: {e}", path.display()))?;
        write_atomic(path, &file)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When the file is missing, truncated, no safetensors file, or not written by Ferrotype.
    pub fn load(path: &Path) -> Result<Self> {
        ferrotype_base::lfs::refuse_file(path)?;
        let bytes = std::fs::read(path).with_context(|| format!("cannot read the checkpoint {}", path.display()))?;
        let broken = |e: &dyn std::fmt::Display| {
            anyhow!(
                "the checkpoint {} is truncated or not a safetensors file ({e}): put a whole copy in its place, or train anew",
                path.display()
            )
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| broken(&e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| broken(&e))?;
        let text = header.metadata().as_ref().and_then(|m| m.get("ferrotype")).with_context(|| {
            format!("{} is a safetensors file, but not one of Ferrotype's checkpoints", path.display())
        })?;
        let meta: Meta = serde_json::from_str(text)
            .with_context(|| format!("the header of the checkpoint {} cannot be read", path.display()))?;
        if meta.format != FORMAT {
            bail!(
                "the checkpoint {} has format {}; this version of Ferrotype reads format {FORMAT}",
                path.display(),
                meta.format
            );
        }
        let mut tensors = Vec::with_capacity(file.len());
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                bail!("tensor {name} of {} is {:?} instead of F32", path.display(), view.dtype());
            }
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            tensors.push(StateTensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
        }
        Ok(Self { tensors, meta })
    }

    /// Whether a file is a safetensors file of Ferrotype's, by its header.
    pub fn is_one(path: &Path) -> bool {
        std::fs::read(path).is_ok_and(|bytes| {
            SafeTensors::read_metadata(&bytes)
                .is_ok_and(|(_, header)| header.metadata().as_ref().is_some_and(|m| m.contains_key("ferrotype")))
        })
    }

    /// The checkpoint that a run goes on from, if it has one: of the same model and experiment as `new` says, and
    /// computed by the same kernels unless `other_kernels` allows another.
    ///
    /// # Errors
    /// When it is damaged or belongs to something else, or the folder for checkpoints cannot be made.
    pub fn to_resume(run: &RunFolder, new: &Meta, other_kernels: bool) -> Result<Option<Self>> {
        let path = run.last_checkpoint();
        if !path.is_file() {
            std::fs::create_dir_all(run.checkpoints())
                .with_context(|| format!("cannot make the folder {}", run.checkpoints().display()))?;
            return Ok(None);
        }
        let checkpoint = Self::load(&path)?;
        let (shown, meta) = (path.display(), &checkpoint.meta);
        if meta.model != new.model {
            bail!(
                "the checkpoint {shown} is one of {}, and this run trains {}: put the run's own checkpoint back",
                meta.model,
                new.model
            );
        }
        if meta.kernels != new.kernels && !other_kernels {
            bail!(
                "{} was trained with the kernels `{}`, this machine would go on with `{}`: the bits of the result would \
                 differ; set kernels in {} to match, or accept that with --other-kernels",
                run.path().display(),
                meta.kernels,
                new.kernels,
                run.config().display()
            );
        }
        if meta.experiment_sha256 != new.experiment_sha256 {
            bail!(
                "the checkpoint {shown} belongs to another experiment than {}: one of them was changed after training \
                 began; put it back, or train anew with `ferrotype train --config {}`",
                run.config().display(),
                run.config().display()
            );
        }
        Ok(Some(checkpoint))
    }

    /// Takes out the tensors whose names begin with `prefix`, the prefix removed.
    pub fn take(&mut self, prefix: &str) -> HashMap<String, StateTensor> {
        let (found, rest) = std::mem::take(&mut self.tensors).into_iter().partition(|t| t.name.starts_with(prefix));
        self.tensors = rest;
        let found: Vec<StateTensor> = found;
        found.into_iter().map(|t| (t.name[prefix.len()..].to_owned(), t)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Checkpoint {
        let tensor = |name: &str, v: f32| StateTensor { name: name.into(), shape: vec![1, 2], values: vec![v, -v] };
        Checkpoint {
            tensors: vec![tensor("fc.weight", 1.5), tensor("optimizer/momentum/fc.weight", f32::MIN_POSITIVE)],
            meta: Meta {
                model: "vgg13".into(),
                step: 7,
                loss_sum: 0.1 + 0.2,
                weight_sum: f64::MAX / 3.0,
                ..Default::default()
            },
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let mut checkpoint = example();
        checkpoint.save(&path).unwrap();
        let mut loaded = Checkpoint::load(&path).unwrap();
        assert_eq!(loaded.meta, checkpoint.meta);
        let slots = loaded.take("optimizer/");
        assert_eq!(slots["momentum/fc.weight"].values, checkpoint.tensors[1].values);
        assert_eq!(loaded.tensors, checkpoint.tensors[..1]);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        example().save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let message = Checkpoint::load(&path).unwrap_err().to_string();
            assert!(message.contains("truncated or not a safetensors file"), "{message}");
        }
    }

    #[test]
    fn foreign_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        std::fs::write(&path, serialize(Vec::<(&str, TensorView)>::new(), None).unwrap()).unwrap();
        assert!(Checkpoint::load(&path).unwrap_err().to_string().contains("not one of Ferrotype's"));
    }
}
