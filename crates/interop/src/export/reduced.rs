//! Files of fewer bits: weights and values in half precision, or in 8-bit integers. Such a file computes something else than the
//! network, so it is kept only where its accuracy on labelled rows is within a bound that the user sets.

mod half_precision;
mod int8;
mod ranges;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use ferrotype_base::statistics::first_largest;
use prost::Message;
use serde::{Deserialize, Serialize};

use super::proto::{ModelProto, StringStringEntryProto};
use super::verify::{CheckBatch, RUNTIME, check_batch, run_network, run_onnx, worse};
use super::{Body, ModelCard, Part, lowered};
use ferrotype_model::Network;

/// The format of a file's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats: the file computes what the network computes.
    #[default]
    Fp32,
    /// 16-bit floats: half the size. Runtimes without half-precision kernels compute in 32 bits with the rounded weights.
    Fp16,
    /// 8-bit integers (QDQ form): weights per channel, values by their ranges on training rows. A quarter of the size.
    Int8,
}

impl Precision {
    /// As the command line names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        }
    }
}

/// How a file of fewer bits and the network that it came from compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReducedCheck {
    /// Whether the file may be kept: `loss <= allowed`.
    pub passed: bool,
    /// The format of its numbers.
    pub precision: Precision,
    /// What ran the file.
    pub runtime: String,
    /// Rows that the ranges of the values were seen on; 0 where none were needed.
    pub calibration_rows: usize,
    /// Labelled rows compared.
    pub rows: usize,
    /// Rows in which file and network give the same class.
    pub same_class: usize,
    /// Largest difference of a logit divided by the range of the network's logits.
    pub relative_difference: f64,
    /// The network's accuracy.
    pub accuracy_network: f64,
    /// The file's accuracy.
    pub accuracy_onnx: f64,
    /// What it lost, in points of accuracy; negative where it is better by chance.
    pub loss: f64,
    /// The loss that was allowed, in points.
    pub allowed: f64,
    /// Bytes of the file.
    pub bytes: usize,
    /// Bytes of the file in 32-bit floats.
    pub bytes_fp32: usize,
    /// Milliseconds per picture in this runtime.
    pub milliseconds: f64,
    /// The same of the file in 32-bit floats.
    pub milliseconds_fp32: f64,
}

/// What is asked of a file of fewer bits.
#[derive(Clone, Debug)]
pub struct Reduced<'a> {
    /// The format; [`Precision::Fp32`] is none of them.
    pub precision: Precision,
    /// Pictures, without labels, whose values' ranges the 8-bit integers span; not needed otherwise.
    pub calibration: &'a [CheckBatch],
    /// Points of accuracy that may be lost.
    pub allowed: f64,
}

impl Reduced<'_> {
    fn calibration_rows(&self) -> usize {
        self.calibration.iter().map(|batch| batch.rows.len()).sum()
    }
}

/// Writes the network to `target` in fewer bits and keeps the file where it loses no more accuracy on the labelled `batches` than
/// allowed: look at [`ReducedCheck::passed`]. A file that stood there before stays when it does.
///
/// # Errors
/// When the network has heads or cannot be lowered, its values do not fit the format, or rows are missing or without labels.
pub fn export_reduced(
    network: &Network,
    card: &ModelCard,
    target: &Path,
    wanted: &Reduced,
    batches: impl IntoIterator<Item = Result<CheckBatch>>,
) -> Result<ReducedCheck> {
    let precision = wanted.precision;
    ensure!(
        card.heads.is_empty(),
        "{} has several heads: only models of one set of classes are written as {}",
        network.graph().name,
        precision.as_str()
    );
    let name = &network.graph().name;
    let (plain, body) = lowered(network, card).with_context(|| format!("lowering {name} to ONNX"))?;
    let bytes = reduce(network, card, &plain, &body, wanted)
        .with_context(|| format!("writing {name} as {}", precision.as_str()))?;
    let part = Part::write(target, &bytes)?;
    let check = compare(network, card, wanted, bytes, plain.encode_to_vec(), batches)?;
    if check.passed {
        part.keep(target)?;
    }
    Ok(check)
}

/// The bytes of the file in fewer bits; `plain` is the file in 32-bit floats.
fn reduce(network: &Network, card: &ModelCard, plain: &ModelProto, body: &Body, wanted: &Reduced) -> Result<Vec<u8>> {
    let mut notes = vec![("precision", wanted.precision.as_str().to_owned())];
    let mut model = match wanted.precision {
        Precision::Fp32 => plain.clone(),
        Precision::Fp16 => half_precision::convert(plain.clone(), body)?,
        Precision::Int8 => {
            // Normalisation becomes part of the convolutions' weights: what is left between them is rounded once.
            let (mut model, body) = lowered(&network.folded()?, card)?;
            let values = int8::values(graph(&mut model)?, &body);
            let ranges = ranges::of(&model.encode_to_vec(), network, card, &values, wanted.calibration)?;
            int8::quantise(graph(&mut model)?, &body, &ranges)?;
            notes.insert(0, ("calibration_rows", wanted.calibration_rows().to_string()));
            model
        }
    };
    let notes = notes.into_iter().map(|(key, value)| StringStringEntryProto { key: key.to_owned(), value });
    model.metadata_props.extend(notes);
    Ok(model.encode_to_vec())
}

fn graph(model: &mut ModelProto) -> Result<&mut super::proto::GraphProto> {
    model.graph.as_mut().context("the file has no graph")
}

/// Runs both files and the network on every batch.
fn compare(
    network: &Network,
    card: &ModelCard,
    wanted: &Reduced,
    reduced: Vec<u8>,
    plain: Vec<u8>,
    batches: impl IntoIterator<Item = Result<CheckBatch>>,
) -> Result<ReducedCheck> {
    let load = |bytes: Vec<u8>| rten::Model::load(bytes).map_err(|e| anyhow!("{RUNTIME} cannot load the file: {e}"));
    let (bytes, bytes_fp32) = (reduced.len(), plain.len());
    let (reduced, plain) = (load(reduced)?, load(plain)?);
    let classes = network.graph().classes;
    let (mut rows, mut same, mut right, mut right_onnx) = (0usize, 0usize, 0usize, 0usize);
    let (mut difference, mut low, mut high) = (0.0f64, f64::INFINITY, f64::NEG_INFINITY);
    let mut seconds = [0.0f64; 2];
    for batch in batches {
        let batch = batch?;
        check_batch(network, card, &batch)?;
        if batch.rows.is_empty() {
            continue;
        }
        ensure!(batch.labels.len() == batch.rows.len(), "what a file of fewer bits loses takes labelled rows (--data)");
        let timed = |model: &rten::Model, seconds: &mut f64| {
            let started = Instant::now();
            let (logits, _) = run_onnx(model, card, &batch)?;
            *seconds += started.elapsed().as_secs_f64();
            anyhow::Ok(logits)
        };
        timed(&plain, &mut seconds[1])?;
        let logits = timed(&reduced, &mut seconds[0])?;
        let own = run_network(network, card.views, &batch)?;
        for ((own, file), &label) in own.chunks_exact(classes).zip(&logits).zip(&batch.labels) {
            let (ours, theirs) = (first_largest(own), first_largest(file));
            same += usize::from(ours == theirs);
            right += usize::from(ours == label);
            right_onnx += usize::from(theirs == label);
            for (&a, &b) in own.iter().zip(file) {
                let a = f64::from(a);
                difference = worse(difference, (a - f64::from(b)).abs());
                (low, high) = (low.min(a), high.max(a));
            }
        }
        rows += batch.rows.len();
    }
    ensure!(rows > 0, "an export is checked on pictures, but there are none");
    let accuracy = |right: usize| right as f64 / rows as f64;
    let loss = 100.0 * (accuracy(right) - accuracy(right_onnx));
    let [milliseconds, milliseconds_fp32] = seconds.map(|s| 1e3 * s / rows as f64);
    Ok(ReducedCheck {
        passed: loss <= wanted.allowed && difference.is_finite(),
        precision: wanted.precision,
        runtime: RUNTIME.into(),
        calibration_rows: wanted.calibration_rows(),
        rows,
        same_class: same,
        relative_difference: difference / (high - low).max(f64::MIN_POSITIVE),
        accuracy_network: accuracy(right),
        accuracy_onnx: accuracy(right_onnx),
        loss,
        allowed: wanted.allowed,
        bytes,
        bytes_fp32,
        milliseconds,
        milliseconds_fp32,
    })
}
