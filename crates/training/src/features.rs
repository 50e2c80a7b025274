//! The values of the frozen part of a network, computed once and trained on.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use ferrotype_base::digest;
use serde_json::json;

use super::interrupt::{Interrupt, Interrupted};
use super::learner::images;
use super::progress::Progress;
use super::stored_file::{self, Array, digest_of_values};
use ferrotype_data::loader::{Loader, Stored};
use ferrotype_data::task::{Epochs, Subset, Task};
use ferrotype_model::{Network, NodeId, StateTensor};
use ferrotype_ops as ops;

/// The stored values of a network's node.
pub struct Features {
    /// The node.
    pub entry: NodeId,
    /// Of the training pictures, with their views.
    pub train: Arc<Stored>,
    /// Of the pictures that select the weights.
    pub selection: Arc<Stored>,
    /// Of their mirror images, where scores are averaged over both.
    pub mirrored: Option<Arc<Stored>>,
}

/// What features are made of.
pub struct Request<'a> {
    /// The network, with the weights that it begins with.
    pub network: &'a Network,
    /// The node whose values are stored.
    pub entry: NodeId,
    /// The data.
    pub task: &'a Task,
    /// Batch size of the frozen part, seed, and number of views.
    pub epochs: Epochs,
    /// The set that selects the weights.
    pub selection: &'a Subset,
    /// Whether mirror images are scored, too.
    pub mirror: bool,
    /// The words for the code that computes.
    pub kernels: &'a str,
    /// Where the file is.
    pub folder: PathBuf,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
}

impl Request<'_> {
    /// The features, from their file where there is one for the same data, preprocessing, augmentation, weights and
    /// kernels; else computed and written.
    ///
    /// # Errors
    /// When pictures are mixed, or the features cannot be computed or written, or the user asks to stop.
    pub fn obtain(&self, progress: &mut dyn Progress) -> Result<Features> {
        let ranges = self.task.augmentation().ranges();
        if ranges.mixup > 0.0 || ranges.cutmix > 0.0 {
            bail!(
                "data.augment.mixup and cutmix mix pictures, and train.feature_cache trains on stored features of single \
                 pictures: set both to 0, or remove train.feature_cache"
            );
        }
        let views = self.views();
        if views == 1 && ranges.changes() {
            progress.warn(
                "one augmented view is stored of each picture (train.feature_cache.views: 1), so every epoch sees the same \
                 one: more views show more",
            );
        }
        let shape = self.network.feature_shape(self.entry);
        let length: usize = shape.iter().product();
        let mut arrays = vec![
            Array { name: "train", shape: [self.task.train.len(), views, length] },
            Array { name: "selection", shape: [self.selection.len(), 1, length] },
        ];
        if self.mirror {
            arrays.push(Array { name: "selection_mirrored", shape: [self.selection.len(), 1, length] });
        }
        let ingredients = self.ingredients(views)?;
        let make = |progress: &mut dyn Progress| self.make(views, progress);
        let (values, _) = stored_file::obtain(&self.folder, "features", &ingredients, &arrays, progress, make)?;
        let mut values = values.into_iter();
        let mut next = |set: &Subset, views: usize| -> Result<Arc<Stored>> {
            let examples = set.indices.iter().map(|&i| i as u32).collect();
            Ok(Arc::new(Stored::new(examples, values.next().unwrap_or_default(), shape, views)?))
        };
        Ok(Features {
            entry: self.entry,
            train: next(&self.task.train, views)?,
            selection: next(self.selection, 1)?,
            mirrored: if self.mirror { Some(next(self.selection, 1)?) } else { None },
        })
    }

    /// Views that differ: one where nothing is random.
    fn views(&self) -> usize {
        if self.task.augmentation().ranges().changes() { self.epochs.views.unwrap_or(1) as usize } else { 1 }
    }

    /// All that the values depend on.
    fn ingredients(&self, views: usize) -> Result<serde_json::Value> {
        let graph = self.network.graph();
        let before = &graph.nodes[..=self.entry];
        let layers: Vec<String> = before.iter().map(|n| format!("{} {:?} {:?}", n.name, n.layer, n.inputs)).collect();
        let names: Vec<&String> = before
            .iter()
            .flat_map(|n| {
                let parameters = n.parameters.clone().map(|p| &graph.parameters[p].name);
                parameters.chain(n.buffers.clone().map(|b| &graph.buffers[b].name))
            })
            .collect();
        let state: Vec<StateTensor> = self.network.state()?.into_iter().filter(|t| names.contains(&&t.name)).collect();
        let ranges = self.task.augmentation().ranges();
        Ok(json!({
            "ferrotype": env!("CARGO_PKG_VERSION"),
            "kernels": self.kernels,
            "data": self.task.facts.sha256,
            "training_rows": rows_digest(&self.task.train),
            "selection_rows": rows_digest(self.selection),
            "mirror": self.mirror,
            "preprocess": self.task.train.pipeline().options(),
            "augmentation": ranges.changes().then(|| format!("{ranges:?}, seed {}, {views} views", self.epochs.seed)),
            "node": graph.nodes[self.entry].name,
            "layers": digest::sha256(layers.join("\n")),
            "weights": digest_of_values(state.iter().map(|t| t.values.as_slice())),
        }))
    }

    fn make(&self, views: usize, progress: &mut dyn Progress) -> Result<Vec<Vec<f32>>> {
        let train = self.task.view_loader(&self.epochs, None)?;
        let mut all = vec![self.values(&train, views, false, "features", progress)?];
        let selection = self.selection.evaluation_loader(self.epochs.batch_size)?;
        all.push(self.values(&selection, 1, false, "features (selection)", progress)?);
        if self.mirror {
            all.push(self.values(&selection, 1, true, "features (mirrored)", progress)?);
        }
        Ok(all)
    }

    /// `[examples, views, values]` of the node.
    fn values(
        &self,
        loader: &Loader,
        views: usize,
        mirror: bool,
        what: &str,
        progress: &mut dyn Progress,
    ) -> Result<Vec<f32>> {
        let length: usize = self.network.feature_shape(self.entry).iter().product();
        let rows = loader.examples();
        let mut values = vec![0.0; rows * views * length];
        for view in 0..views {
            let mut row = 0;
            for batch in loader.epoch(view as u64, 0) {
                if self.interrupt.is_asked() {
                    let text =
                        "interrupted while features were computed; nothing is kept of them, and training did not begin";
                    return Err(Interrupted(text.into()).into());
                }
                let batch = batch?;
                let x = images(&batch, self.network.device());
                let features = self.network.features(if mirror { x.flip([3]) } else { x }, self.entry)?;
                let features = ops::host(features.reshape([batch.len() * length]))?;
                for block in features.chunks_exact(length) {
                    let at = (row * views + view) * length;
                    values[at..at + length].copy_from_slice(block);
                    row += 1;
                }
                progress.work(what, view * rows + row, views * rows);
            }
        }
        Ok(values)
    }
}

/// sha256 of the rows of a set, in order; where rows are sequences, also of the pictures that each is made of, since another rule
/// makes other sequences of the same number.
pub(super) fn rows_digest(set: &Subset) -> String {
    let mut bytes = Vec::new();
    for row in set.rows() {
        bytes.extend(row.to_le_bytes());
        if let Some(segments) = &set.faces.segments {
            bytes.extend(segments.get(row as usize).iter().flat_map(|number| number.to_le_bytes()));
            bytes.extend(segments.valid[row as usize].to_le_bytes());
        }
    }
    digest::sha256(bytes)
}
