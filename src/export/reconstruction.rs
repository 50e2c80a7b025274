//! A network that gives sequences again, as an ONNX file: `features [batch, steps, columns]` in, `reconstruction` of the
//! same shape out.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use burn::tensor::{Tensor, TensorData};
use prost::Message;
use serde::{Deserialize, Serialize};

use super::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use super::writer::Writer;
use super::{OPSET, Part, layers};
use crate::model::Network;
use crate::ops;

/// Sequences to check a file with.
#[derive(Clone, Debug)]
pub struct Sequences {
    /// Steps of each.
    pub steps: usize,
    /// `[sequences, steps, columns]`.
    pub values: Vec<f32>,
}

/// How an exported file and the network that it came from compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconstructionCheck {
    /// Whether the file may be kept.
    pub passed: bool,
    /// What ran the file.
    pub runtime: String,
    /// Lengths of the sequences that were compared.
    pub lengths: Vec<usize>,
    /// Values compared.
    pub values: usize,
    /// Largest difference of a value.
    pub largest_difference: f64,
    /// The network's largest value minus its smallest.
    pub range: f64,
    /// Largest difference divided by the range.
    pub relative_difference: f64,
    /// Largest relative difference allowed.
    pub tolerance: f64,
}

impl ReconstructionCheck {
    /// The check in a line.
    pub fn text(&self) -> String {
        let lengths: Vec<String> = self.lengths.iter().map(usize::to_string).collect();
        format!(
            "checked in {} on sequences of {} frames: largest difference {:.1e} ({:.1e} of the values' range)",
            self.runtime,
            lengths.join(" and "),
            self.largest_difference,
            self.relative_difference
        )
    }
}

/// Writes the network to `target`, compares the file with it (each piece's own network holds the same weights for another
/// number of steps), and keeps the file only if they agree.
///
/// # Errors
/// When the network cannot be lowered, or the file computes something else.
pub fn export_reconstruction(
    network: &Network,
    columns: &[String],
    any_length: bool,
    target: &Path,
    tolerance: f64,
    pieces: &[(Network, Sequences)],
) -> Result<ReconstructionCheck> {
    let name = &network.graph().name;
    let bytes = to_onnx(network, columns, any_length).with_context(|| format!("lowering {name} to ONNX"))?;
    let part = Part::write(target, &bytes)?;
    let check = verify(&part.path, tolerance, pieces)?;
    if !check.passed {
        bail!(
            "the exported ONNX graph does not compute what {name} computes, so {} was not written: {}. Please report this; \
             export.onnx: false trains without an export",
            target.display(),
            check.text()
        );
    }
    part.keep(target)?;
    Ok(check)
}

fn to_onnx(network: &Network, columns: &[String], any_length: bool) -> Result<Vec<u8>> {
    let [_, steps, width] = network.graph().input;
    let mut writer = Writer::default();
    let fixed = if any_length { None } else { Some(steps) };
    writer.sequence_input("features", fixed, width, "Frames of scaled columns");
    let axes = writer.integers("features.axes", &[1]);
    let x = writer.node("Unsqueeze", "features.plane", &["features", &axes], Vec::new());
    let flat = layers::lower(&mut writer, network, &x)?;
    // As many sequences as came in, and whatever length they have.
    let shape = writer.integers("reconstruction.shape", &[0, -1, width as i64]);
    writer.node("Reshape", "reconstruction", &[&flat, &shape], Vec::new());
    writer.sequence_output("reconstruction", fixed, width, "The same frames as the network gives them again");
    let property = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
    let model = ModelProto {
        ir_version: Some(8),
        producer_name: "ferrotype".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!("{}: gives sequences of {width} columns again", network.graph().name),
        graph: Some(writer.finish(&network.graph().name)),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: Some(OPSET) }],
        metadata_props: vec![
            property("model", network.graph().name.clone()),
            property("columns", serde_json::to_string(columns)?),
        ],
    };
    Ok(model.encode_to_vec())
}

fn verify(path: &Path, tolerance: f64, pieces: &[(Network, Sequences)]) -> Result<ReconstructionCheck> {
    let runtime = super::verify::RUNTIME;
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let model = rten::Model::load(bytes).map_err(|e| anyhow!("{runtime} cannot load {}: {e}", path.display()))?;
    let id = |name: &str| model.node_id(name).map_err(|e| anyhow!("the ONNX file has no value `{name}`: {e}"));
    let (input, output) = (id("features")?, id("reconstruction")?);
    let (mut largest, mut low, mut high, mut values) = (0.0f64, f64::INFINITY, f64::NEG_INFINITY, 0);
    for (network, sequences) in pieces {
        let [_, steps, width] = network.graph().input;
        let n = sequences.values.len() / (steps * width);
        ensure!(n > 0 && sequences.steps == steps, "an export is checked on sequences, but there are none");
        let given = rten::Value::from_shape([n, steps, width].as_slice(), sequences.values.clone()).map_err(|e| anyhow!("{e}"))?;
        let found = model
            .run(vec![(input, given.into())], &[output], None)
            .map_err(|e| anyhow!("{runtime} cannot run the ONNX file on {steps} steps: {e}"))?;
        let found = found.into_iter().next().context("the ONNX file gives nothing")?;
        let (shape, found) = found.into_shape_vec::<f32, 3>().map_err(|e| anyhow!("the ONNX file's output: {e}"))?;
        ensure!(shape == [n, steps, width], "the ONNX file's output has the shape {shape:?}");
        let data = TensorData::new(sequences.values.clone(), [n, 1, steps, width]);
        let own = ops::host(network.forward(Tensor::<4>::from_data(data, network.device()))?.flatten(0, 1))?;
        for (&a, &b) in own.iter().zip(&found) {
            let (a, b) = (f64::from(a), f64::from(b));
            ensure!(a.is_finite(), "{} gives values that are no numbers", network.graph().name);
            largest = if b.is_finite() { largest.max((a - b).abs()) } else { f64::MAX };
            (low, high) = (low.min(a), high.max(a));
        }
        values += own.len();
    }
    let range = high - low;
    let relative_difference = if largest == 0.0 { 0.0 } else { (largest / range).min(f64::MAX) };
    Ok(ReconstructionCheck {
        passed: relative_difference <= tolerance,
        runtime: runtime.into(),
        lengths: pieces.iter().map(|(_, s)| s.steps).collect(),
        values,
        largest_difference: largest,
        range,
        relative_difference,
        tolerance,
    })
}
