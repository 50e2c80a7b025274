//! Weights that others published: their files as lists of named tensors, and those as values of a network of the zoo.
//!
//! One file per format reads (`keras`, `torch`, `tensors`); none runs code that a file contains, and none
//! believes a size in a header before it was held against the length of the file. `apply` then asks the network's
//! [`published`](ferrotype_model::published) forms where each parameter stands: every tensor of the file must be used or
//! be one that is no weight, and every parameter filled.

mod apply;
mod declared;
mod keras;
mod match_form;
mod pickle;
mod tensors;
mod torch;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::{lfs, zip};

pub use declared::Declared;
pub use match_form::{ExpectedForm, Head, Matched, match_form, own_form};

/// A file may unpack to so many times its own length (Keras deflates now and then) and a megabyte; more is no weights.
const LARGEST_RATIO: u64 = 64;
/// Longer files are none of weights of this zoo.
const LONGEST_FILE: u64 = 4 << 30;

/// A tensor of somebody else's file.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignTensor {
    /// Its name; for Keras `layer/weight`.
    pub name: String,
    /// Its shape, in the file's order of axes.
    pub shape: Vec<usize>,
    /// Its values, the last axis running fastest.
    pub values: Vec<f32>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Foreign {
    /// The format, in words.
    pub format: &'static str,
    /// What it says of the network's input and classes.
    pub declared: Declared,
    /// Weights and running statistics.
    pub tensors: Vec<ForeignTensor>,
    /// What is there too, but is no weight: an optimizer's memory, counters.
    pub ignored: Vec<String>,
}

impl Foreign {
    /// Adds a tensor, or its name alone if that says that it is no weight.
    fn push(&mut self, tensor: ForeignTensor) {
        if is_no_weight(&tensor.name) { self.ignored.push(tensor.name) } else { self.tensors.push(tensor) }
    }
}

/// Reads a file of weights; its first bytes tell the format.
///
/// # Errors
/// When it is missing, cut off, damaged, hostile, or in no known format.
pub fn read(path: &Path) -> Result<Foreign> {
    let shown = path.display();
    ensure!(!path.is_dir(), "{shown} is a folder: name the file with the weights");
    lfs::refuse_file(path)?;
    let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let length = file.metadata().with_context(|| format!("cannot read {shown}"))?.len();
    ensure!(length <= LONGEST_FILE, "{shown} has {length} bytes: weights of these networks take some megabytes");
    let mut head = [0; 16];
    let known = file.read(&mut head).with_context(|| format!("cannot read {shown}"))?;
    let head = &head[..known];
    let read = if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        keras::read(path, length)
    } else if head.starts_with(b"PK") {
        std::fs::read(path).map_err(Into::into).and_then(|bytes| archive(&bytes))
    } else if head.get(8) == Some(&b'{') {
        std::fs::read(path).map_err(Into::into).and_then(|bytes| tensors::read(&bytes))
    } else if head.starts_with(b"\x80") {
        bail!(
            "{shown} is a PyTorch file from before version 1.6, or another pickle: load it in PyTorch and save it again \
             (torch.save(torch.load(file), new_file)), and import that"
        )
    } else {
        bail!(
            "{shown} is no file of weights: Keras' .keras and HDF5 (.h5, .hdf5), PyTorch's .pt or .pth and safetensors can be \
             imported"
        )
    };
    let mut foreign = read.with_context(|| format!("cannot import {shown}"))?;
    ensure!(!foreign.tensors.is_empty(), "{shown} holds no weights");
    shorten_names(&mut foreign);
    Ok(foreign)
}

/// A zip archive: Keras 3's, or PyTorch's.
fn archive(bytes: &[u8]) -> Result<Foreign> {
    let members = zip::members(bytes).context("its zip archive cannot be read")?;
    if keras::archive::is_archive(&members) { keras::archive::read(&members) } else { torch::read(bytes) }
}

/// How many bytes a file of this length may hold unpacked.
fn most_bytes(length: u64) -> u64 {
    length.saturating_mul(LARGEST_RATIO).saturating_add(1 << 20)
}

/// The product of a shape, if it is a number at all.
fn count(shape: &[usize]) -> Result<usize> {
    let product = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    product.with_context(|| format!("a shape of {shape:?} is impossible: the file is damaged or hostile"))
}

/// Whether a name says that the tensor is no weight: an optimizer's memory, a counter, a moving average beside the
/// weights.
fn is_no_weight(name: &str) -> bool {
    const SLOTS: [&str; 6] = ["Adam", "Adam_1", "Momentum", "RMSProp", "RMSProp_1", "ExponentialMovingAverage"];
    let last = name.rsplit(['/', '.']).next().unwrap_or(name);
    last == "num_batches_tracked"
        || ["optimizer_weights/", "optimizer/", "ema/"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "global_step" | "beta1_power" | "beta2_power")
        || (name.contains('/') && SLOTS.contains(&last))
}

/// Removes what `DataParallel` and `torch.compile` put before every name.
fn shorten_names(foreign: &mut Foreign) {
    for prefix in ["module.", "_orig_mod.", "model."] {
        if foreign.tensors.iter().all(|t| t.name.starts_with(prefix)) {
            foreign.tensors.iter_mut().for_each(|t| drop(t.name.drain(..prefix.len())));
        }
    }
}
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
