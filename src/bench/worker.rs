//! Orders in, times out: one line each, so that several programs can be measured in turns.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use serde_json::{Value, json};

use super::subject::{Optimizer, Subject};
use super::{Loading, OnnxSubject, Recurrent, loader_ms, memory, model, onnx, read_times};
use ferrotype_ops::Compute;
use ferrotype_training::checkpoint::Checkpoint;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// `train MODEL BATCH STEPS`
    Train(String, usize, usize),
    /// `infer MODEL BATCH PASSES`
    Infer(String, usize, usize),
    /// `loader SIZE BATCH BATCHES plain|augmented [FILE]`: pictures of a prepared file, or random ones; as they are, or changed
    /// at random.
    Loader([usize; 3], bool, Option<PathBuf>),
    /// `recurrent LAYER train|infer PASSES`: a recurrent layer by itself. See [`Recurrent`] for its sizes.
    Recurrent(Recurrent, bool, usize),
    /// `weights MODEL BATCH FILE`: write a network with pictures and logits as safetensors.
    Weights(String, usize, PathBuf),
    /// `onnx MODEL BATCH PASSES`: the network's ONNX file in rten.
    Onnx(String, usize, usize),
    /// `graph MODEL FILE`: write the network's ONNX file, for other runtimes.
    Graph(String, PathBuf),
    /// `hdf5 READS [FILE]`: read a prepared file.
    Hdf5(usize, Option<PathBuf>),
    /// `drop`: forget all networks.
    Drop,
}

impl FromStr for Order {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |w: &str| w.parse::<usize>().with_context(|| format!("`{w}` in `{line}` is not a number"));
        Ok(match words[..] {
            ["train", name, batch, steps] => Self::Train(name.into(), number(batch)?, number(steps)?),
            ["infer", name, batch, passes] => Self::Infer(name.into(), number(batch)?, number(passes)?),
            ["loader", size, batch, count, how @ ("plain" | "augmented"), ref file @ ..] if file.len() < 2 => {
                let file = file.first().map(PathBuf::from);
                Self::Loader([number(size)?, number(batch)?, number(count)?], how == "augmented", file)
            }
            ["recurrent", layer, mode @ ("train" | "infer"), passes] => {
                Self::Recurrent(layer.parse()?, mode == "train", number(passes)?)
            }
            ["weights", name, batch, file] => Self::Weights(name.into(), number(batch)?, file.into()),
            ["onnx", name, batch, passes] => Self::Onnx(name.into(), number(batch)?, number(passes)?),
            ["graph", name, file] => Self::Graph(name.into(), file.into()),
            ["hdf5", reads] => Self::Hdf5(number(reads)?, None),
            ["hdf5", reads, file] => Self::Hdf5(number(reads)?, Some(file.into())),
            ["drop"] => Self::Drop,
            _ => bail!(
                "`{line}` is no order: expected train MODEL BATCH STEPS, infer MODEL BATCH PASSES, \
                 loader SIZE BATCH BATCHES plain|augmented [FILE], recurrent LAYER train|infer PASSES, weights MODEL BATCH FILE, \
                 onnx MODEL BATCH PASSES, graph MODEL FILE, hdf5 READS [FILE], drop or quit"
            ),
        })
    }
}

/// Measures networks on one device; keeps those it has built.
pub struct Worker {
    optimizer: Optimizer,
    compute: Compute,
    device: Device,
    workers: usize,
    subjects: HashMap<(String, usize), Subject>,
    files: HashMap<(String, usize), OnnxSubject>,
}

impl Worker {
    /// A worker without networks; `workers` are the threads of the loader and of rten.
    pub fn new(optimizer: Optimizer, compute: Compute, device: Device, workers: usize) -> Self {
        Self { optimizer, compute, device, workers, subjects: HashMap::new(), files: HashMap::new() }
    }

    /// Carries out an order.
    ///
    /// # Errors
    /// When a network does not exist, cannot be built, diverges, or a file cannot be written.
    pub fn answer(&mut self, order: &Order) -> Result<Value> {
        Ok(match order {
            Order::Train(name, batch, steps) => {
                let (subject, first) = self.subject(name, *batch, true)?;
                let parameters = subject.parameters();
                let ms = subject.train(*steps)?;
                json!({ "mode": "train", "model": name, "batch": batch, "parameters": parameters, "ms": ms,
                        "first_ms": first, "peak_mib": memory::peak_mib() })
            }
            Order::Infer(name, batch, passes) => {
                let (subject, first) = self.subject(name, *batch, false)?;
                let ms = subject.infer(*passes)?;
                json!({ "mode": "infer", "model": name, "batch": batch, "ms": ms, "first_ms": first,
                        "peak_mib": memory::peak_mib() })
            }
            Order::Loader([size, batch, count], augments, file) => {
                let what =
                    Loading { size: *size, batch: *batch, count: *count, augments: *augments, file: file.as_deref() };
                let ms = loader_ms(&what, self.workers)?;
                json!({ "mode": "loader", "size": size, "batch": batch, "ms": [ms], "peak_mib": memory::peak_mib() })
            }
            Order::Recurrent(layer, trains, passes) => {
                json!({ "mode": "recurrent", "ms": layer.measure(self.compute, &self.device, *trains, *passes)?,
                        "peak_mib": memory::peak_mib() })
            }
            Order::Weights(name, batch, file) => self.write(name, *batch, file)?,
            Order::Onnx(name, batch, passes) => {
                let key = (name.clone(), *batch);
                let mut first = None;
                if !self.files.contains_key(&key) {
                    let began = Instant::now();
                    let file = OnnxSubject::new(self.fresh(name, *batch)?.network(), *batch, self.workers)?;
                    file.infer(1)?;
                    first = Some(began.elapsed().as_secs_f64() * 1e3);
                    self.files.insert(key.clone(), file);
                }
                let file = self.files.get(&key).context("the file was just put in")?;
                json!({ "mode": "onnx", "model": name, "batch": batch, "ms": file.infer(*passes)?, "first_ms": first })
            }
            Order::Graph(name, file) => {
                onnx::write(self.fresh(name, 1)?.network(), file)?;
                json!({ "mode": "graph", "model": name, "file": file })
            }
            Order::Hdf5(reads, file) => {
                let read = read_times(file.as_deref(), *reads)?;
                json!({ "mode": "hdf5", "batch": read.pictures, "mib": read.mib, "ms": read.ms })
            }
            Order::Drop => {
                self.subjects.clear();
                self.files.clear();
                memory::reset_peak();
                json!({ "mode": "drop", "resident_mib": memory::resident_mib() })
            }
        })
    }

    /// The network, warmed up; for a new one also the milliseconds until its first step or pass was done.
    pub fn subject(&mut self, name: &str, batch: usize, trains: bool) -> Result<(&mut Subject, Option<f64>)> {
        let key = (format!("{name} {trains}"), batch);
        let mut first = None;
        if !self.subjects.contains_key(&key) {
            let began = Instant::now();
            let mut subject = self.fresh(name, batch)?;
            if trains {
                subject.train(1)?
            } else {
                subject.infer(1)?
            };
            first = Some(began.elapsed().as_secs_f64() * 1e3);
            self.subjects.insert(key.clone(), subject);
        }
        let subject = self.subjects.get_mut(&key).context("the network was just put in")?;
        Ok((subject, first))
    }

    fn fresh(&self, name: &str, batch: usize) -> Result<Subject> {
        Subject::new(&model(name)?, batch, self.optimizer, self.compute, &self.device)
    }

    fn write(&self, name: &str, batch: usize, file: &Path) -> Result<Value> {
        let mut subject = self.fresh(name, batch)?;
        let tensors = subject.state()?;
        Checkpoint { tensors, ..Checkpoint::default() }.save(file)?;
        Ok(
            json!({ "mode": "weights", "model": name, "batch": batch, "parameters": subject.parameters(), "file": file }),
        )
    }
}
