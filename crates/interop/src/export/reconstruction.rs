//! A network of feature sequences as a checked ONNX file: `features [batch, planes, steps, columns]` in and, where sequences
//! differ in length, `lengths [batch]`; `outputs` out, one vector or one per step.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{Part, features_to_onnx, verify_features};
use ferrotype_model::Network;

/// Sequences to check a file with.
#[derive(Clone, Debug)]
pub struct Sequences {
    /// Steps of each.
    pub steps: usize,
    /// `[sequences, planes, steps, columns]`; mostly one plane.
    pub values: Vec<f32>,
    /// Steps of each that are there, for a file that takes lengths; else empty.
    pub valid: Vec<u32>,
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
    /// Largest difference of a value, divided by the range of the network's values.
    pub relative_difference: f64,
    /// Largest relative difference allowed.
    pub tolerance: f64,
}

impl ReconstructionCheck {
    /// The check in a line.
    pub fn text(&self) -> String {
        let lengths: Vec<String> = self.lengths.iter().map(usize::to_string).collect();
        format!(
            "checked in {} on sequences of {} frames: largest difference {:.1e} of the values' range",
            self.runtime,
            lengths.join(" and "),
            self.relative_difference
        )
    }
}

/// Writes the network to `target`, compares the file with it (each piece's own network holds the same weights for another
/// number of steps), and keeps the file only if they agree. `properties` are said in the file beside the model's name and
/// that of its columns. The file takes lengths where the sequences have them.
///
/// # Errors
/// When the network cannot be lowered, or the file computes something else.
pub fn export_reconstruction(
    network: &Network,
    columns: &[String],
    mut properties: BTreeMap<String, String>,
    target: &Path,
    tolerance: f64,
    pieces: &[(Network, Sequences)],
) -> Result<ReconstructionCheck> {
    let name = &network.graph().name;
    properties.insert("model".to_owned(), name.clone());
    properties.insert("columns".to_owned(), serde_json::to_string(columns)?);
    let lengths = pieces.iter().any(|(_, s)| !s.valid.is_empty());
    let bytes = features_to_onnx(network, properties, lengths).with_context(|| format!("lowering {name} to ONNX"))?;
    let check = verify(&bytes, tolerance, pieces)?;
    if !check.passed {
        bail!(
            "the exported ONNX graph does not compute what {name} computes, so {} was not written: {}. Please report this; \
             export.onnx: false trains without an export",
            target.display(),
            check.text()
        );
    }
    Part::write(target, &bytes)?.keep(target)?;
    Ok(check)
}

/// Runs the file on every piece beside that piece's network.
fn verify(bytes: &[u8], tolerance: f64, pieces: &[(Network, Sequences)]) -> Result<ReconstructionCheck> {
    ensure!(!pieces.is_empty(), "an export is checked on sequences, but there are none");
    let mut worst = 0.0f64;
    let mut values = 0;
    for (network, sequences) in pieces {
        let n = sequences.values.len() / network.graph().input.iter().product::<usize>();
        ensure!(n > 0, "an export is checked on sequences, but there are none");
        let difference = verify_features(bytes.to_vec(), network, n, sequences.values.clone(), &sequences.valid)?;
        worst = if difference.is_finite() { worst.max(difference) } else { f64::MAX };
        values += sequences.values.len();
    }
    Ok(ReconstructionCheck {
        passed: worst <= tolerance,
        runtime: super::verify::RUNTIME.into(),
        lengths: pieces.iter().map(|(_, s)| s.steps).collect(),
        values,
        relative_difference: worst,
        tolerance,
    })
}
