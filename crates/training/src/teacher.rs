//! Teachers of a distillation: networks of other runs, asked about the pictures that the student sees.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::digest;
use serde_json::json;

use super::features::rows_digest;
use super::interrupt::{Interrupt, Interrupted};
use super::learner::images;
use super::progress::Progress;
use super::stored_file::{self, Array, digest_of_values};
use ferrotype_data::loader::{Epoch, Loader, Stored};
use ferrotype_data::options::Preprocess;
use ferrotype_data::preprocess::Pipeline;
use ferrotype_data::task::{Epochs, Task};
use ferrotype_data::{Batch, classes};
use ferrotype_model::Network;
use ferrotype_model::objective::{Average, DistillationOptions, Signal};
use ferrotype_ops as ops;

/// A network that teaches.
pub struct Teacher {
    /// How errors call it.
    pub name: String,
    /// The network with the weights that its run selected.
    pub network: Network,
    /// Its classes, in the order of its outputs.
    pub classes: Vec<String>,
    /// What it does to pictures.
    pub preprocess: Preprocess,
    /// Pictures per example: 1, or those of a sequence.
    pub pictures: usize,
}

/// Teachers that answer together.
pub struct Ensemble {
    members: Vec<Member>,
    /// The different preprocessings of the members.
    pipelines: Vec<Pipeline>,
    temperature: f64,
    average: Average,
    classes: usize,
}

struct Member {
    network: Network,
    /// Its output for each class of the data.
    outputs: Vec<usize>,
    /// Its preprocessing among the ensemble's.
    pipeline: usize,
}

impl Ensemble {
    /// Teachers for data of these classes.
    ///
    /// # Errors
    /// When a teacher has other classes, or a preprocessing that is none.
    pub fn new(teachers: Vec<Teacher>, options: &DistillationOptions, classes: &[String]) -> Result<Self> {
        let mut pipelines: Vec<Pipeline> = Vec::new();
        let mut members = Vec::new();
        for teacher in teachers {
            let outputs = outputs(&teacher, classes)?;
            let known = pipelines.iter().position(|p| *p.options() == teacher.preprocess);
            let pipeline = match known {
                Some(known) => known,
                None => {
                    pipelines.push(Pipeline::new(&teacher.preprocess)?.with_pictures(teacher.pictures));
                    pipelines.len() - 1
                }
            };
            members.push(Member { network: teacher.network, outputs, pipeline });
        }
        ensure!(!members.is_empty(), "objective.distillation.teachers is empty: name at least one run");
        let temperature = f64::from(options.temperature);
        Ok(Self { members, pipelines, temperature, average: options.average, classes: classes.len() })
    }

    /// What the teachers say together of a batch, `[batch, classes]`, each row a distribution at the temperature; one
    /// batch of the same examples per pipeline.
    fn answers(&self, batches: &[&Batch]) -> Result<Vec<f32>> {
        let rows = batches[0].len();
        let mut sums = vec![0.0f64; rows * self.classes];
        for member in &self.members {
            let x = images(batches[member.pipeline], member.network.device());
            let logits = member.network.forward_lengths(x, &batches[member.pipeline].valid)?;
            let logits = ops::host(logits.reshape([rows * self.classes]))?;
            for (row, sum) in logits.chunks_exact(self.classes).zip(sums.chunks_exact_mut(self.classes)) {
                let mut own: Vec<f64> = member.outputs.iter().map(|&o| f64::from(row[o])).collect();
                if self.average == Average::Probabilities {
                    soften(&mut own, self.temperature);
                }
                sum.iter_mut().zip(own).for_each(|(s, v)| *s += v);
            }
        }
        let count = self.members.len() as f64;
        for sum in sums.chunks_exact_mut(self.classes) {
            sum.iter_mut().for_each(|s| *s /= count);
            if self.average == Average::Logits {
                soften(sum, self.temperature);
            }
        }
        ensure!(sums.iter().all(|v| v.is_finite()), "a teacher's logits are not finite numbers");
        Ok(sums.into_iter().map(|v| v as f32).collect())
    }

    fn weights_digest(&self) -> Result<String> {
        let states = self.members.iter().map(|m| m.network.state()).collect::<Result<Vec<_>>>()?;
        Ok(digest_of_values(states.iter().flatten().map(|t| t.values.as_slice())))
    }
}

/// The teacher's output for each class of the data.
fn outputs(teacher: &Teacher, wanted: &[String]) -> Result<Vec<usize>> {
    let places = classes::places(wanted, &teacher.classes).with_context(|| format!("the teacher {}", teacher.name))?;
    let found: Option<Vec<usize>> = places.into_iter().collect();
    match found {
        Some(outputs) if teacher.classes.len() == wanted.len() => Ok(outputs),
        _ => bail!(
            "the teacher {} knows the classes {}, and the data has {}: a teacher must know the same ones (in any order). \
             Choose a teacher trained on such labels",
            teacher.name,
            teacher.classes.join(", "),
            wanted.join(", ")
        ),
    }
}

/// Softmax of the values divided by the temperature, in place.
fn soften(values: &mut [f64], temperature: f64) {
    let most = values.iter().fold(f64::NEG_INFINITY, |m, &v| m.max(v));
    values.iter_mut().for_each(|v| *v = ((*v - most) / temperature).exp());
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|v| *v /= sum);
}

/// Teachers ready for a training: with answers that were stored, or with the pictures to ask about.
pub struct Teaching {
    ensemble: Ensemble,
    /// One loader of stored answers, or one of pictures per pipeline of the ensemble; none where the student's own
    /// pictures serve. They run in step with the student's.
    loaders: Vec<Option<Loader>>,
    is_stored: bool,
}

/// What a [`Teaching`] is made of, besides the teachers.
pub struct DistillContext<'a> {
    /// The data.
    pub task: &'a Task,
    /// The student's batches.
    pub epochs: Epochs,
    /// Whether the student's batches hold pictures rather than stored features.
    pub pictures: bool,
    /// Which pictures the teachers are asked about.
    pub signal: Signal,
    /// The words for the code that computes.
    pub kernels: &'a str,
    /// Where answers are stored.
    pub folder: PathBuf,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
}

impl Teaching {
    /// Makes teachers ready; where their answers are stored, they are asked now, or their file is read.
    ///
    /// # Errors
    /// When the teachers cannot be asked, or answers about single pictures are wanted where pictures are mixed.
    pub fn new(ensemble: Ensemble, place: &DistillContext, progress: &mut dyn Progress) -> Result<Self> {
        let ranges = place.task.augmentation().ranges();
        let is_mixed = ranges.mixup > 0.0 || ranges.cutmix > 0.0;
        let views = match place.signal {
            Signal::Recompute if ranges.changes() || is_mixed => None,
            Signal::Recompute | Signal::Rows => Some(1),
            Signal::Views(_) if !ranges.changes() => Some(1),
            Signal::Views(views) => Some(views),
        };
        let Some(views) = views else {
            let loaders = ensemble.pipelines.iter().map(|pipeline| {
                let own = place.pictures && pipeline.options() == place.task.train.pipeline().options();
                if own { Ok(None) } else { place.task.training_loader_of(&place.epochs, Some(pipeline)).map(Some) }
            });
            let loaders = loaders.collect::<Result<_>>()?;
            return Ok(Self { ensemble, loaders, is_stored: false });
        };
        if is_mixed {
            bail!(
                "objective.distillation.signal stores what teachers say of single pictures, but data.augment mixes pictures \
                 (mixup, cutmix): use signal: recompute, or no mixing"
            );
        }
        let stored = Arc::new(place.stored(&ensemble, views, progress)?);
        let loader = place.task.stored_loader(&place.epochs, stored)?;
        Ok(Self { ensemble, loaders: vec![Some(loader)], is_stored: true })
    }

    /// The teachers in an epoch, from a batch on.
    pub fn epoch(&self, epoch: u64, first_batch: usize) -> TeacherEpoch<'_> {
        let start = |loader: &Option<Loader>| loader.as_ref().map(|l| l.epoch(epoch, first_batch));
        TeacherEpoch { teaching: self, epochs: self.loaders.iter().map(start).collect() }
    }
}

impl DistillContext<'_> {
    /// The answers about so many views of each training picture.
    fn stored(&self, ensemble: &Ensemble, views: usize, progress: &mut dyn Progress) -> Result<Stored> {
        let ranges = self.task.augmentation().ranges();
        let is_changed = self.signal != Signal::Rows && ranges.changes();
        let pipelines: Vec<_> = ensemble.pipelines.iter().map(Pipeline::options).collect();
        let orders: Vec<_> =
            ensemble.members.iter().map(|m| (m.pipeline, &m.outputs, m.network.graph().as_ref())).collect();
        let ingredients = json!({
            "ferrotype": env!("CARGO_PKG_VERSION"),
            "kernels": self.kernels,
            "data": self.task.facts.sha256,
            "training_rows": rows_digest(&self.task.train),
            "preprocess": pipelines,
            "augmentation": is_changed.then(|| format!("{ranges:?}, seed {}, {views} views", self.epochs.seed)),
            "temperature": ensemble.temperature,
            "average": ensemble.average,
            "teachers": digest::sha256(format!("{orders:?}")),
            "weights": ensemble.weights_digest()?,
        });
        let rows = self.task.train.len();
        let arrays = [Array { name: "answers", shape: [rows, views, ensemble.classes] }];
        let make = |progress: &mut dyn Progress| Ok(vec![self.ask(ensemble, views, is_changed, progress)?]);
        let (mut values, _) = stored_file::obtain(&self.folder, "teachers", &ingredients, &arrays, progress, make)?;
        let examples = self.task.train.indices.iter().map(|&i| i as u32).collect();
        Stored::new(examples, values.remove(0), [ensemble.classes, 1, 1], views)
    }

    fn ask(&self, ensemble: &Ensemble, views: usize, changed: bool, progress: &mut dyn Progress) -> Result<Vec<f32>> {
        let loader = |pipeline: &Pipeline| match changed {
            true => self.task.view_loader(&self.epochs, Some(pipeline)),
            false => self.task.plain_loader(&self.epochs, Some(pipeline)),
        };
        let loaders: Vec<Loader> = ensemble.pipelines.iter().map(loader).collect::<Result<_>>()?;
        let (rows, classes) = (self.task.train.len(), ensemble.classes);
        let mut values = vec![0.0; rows * views * classes];
        for view in 0..views {
            let mut epochs: Vec<Epoch> = loaders.iter().map(|l| l.epoch(view as u64, 0)).collect();
            let mut row = 0;
            while row < rows {
                if self.interrupt.is_asked() {
                    let text = "interrupted while the teachers were asked; nothing is kept, and training did not begin";
                    return Err(Interrupted(text.into()).into());
                }
                let batches = epochs.iter_mut().map(next).collect::<Result<Vec<Batch>>>()?;
                let answers = ensemble.answers(&batches.iter().collect::<Vec<_>>())?;
                for block in answers.chunks_exact(classes) {
                    let at = (row * views + view) * classes;
                    values[at..at + classes].copy_from_slice(block);
                    row += 1;
                }
                progress.work("asking the teachers", view * rows + row, views * rows);
            }
        }
        Ok(values)
    }
}

/// The teachers in one epoch.
pub struct TeacherEpoch<'a> {
    teaching: &'a Teaching,
    epochs: Vec<Option<Epoch>>,
}

impl TeacherEpoch<'_> {
    /// Adds to the student's next batch what the teachers say of it.
    ///
    /// # Errors
    /// When the teachers' pictures cannot be loaded, or a teacher's answer is not a number.
    pub fn teach(&mut self, batch: &mut Batch) -> Result<()> {
        let own = |epoch: &mut Option<Epoch>| epoch.as_mut().map(next).transpose();
        let others: Vec<Option<Batch>> = self.epochs.iter_mut().map(own).collect::<Result<_>>()?;
        for other in others.iter().flatten() {
            ensure!(other.rows == batch.rows, "the teachers' batches are not in step with the student's");
        }
        batch.soft = match self.teaching.is_stored {
            true => others.into_iter().flatten().next().map(|b| b.images).unwrap_or_default(),
            false => {
                let shown: Vec<&Batch> = others.iter().map(|o| o.as_ref().unwrap_or(batch)).collect();
                self.teaching.ensemble.answers(&shown)?
            }
        };
        Ok(())
    }
}

fn next(epoch: &mut Epoch) -> Result<Batch> {
    epoch.next().unwrap_or_else(|| bail!("the teachers' batches ended before the student's"))
}

#[cfg(test)]
mod tests;
