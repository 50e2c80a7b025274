//! What methods with networks keep: a JSON file that says what was fitted on what, and the networks' weights as
//! safetensors beside it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use ferrotype_model::{Graph, Network};
use ferrotype_ops::Compute;
use ferrotype_run::files::write_json;
use ferrotype_training::checkpoint::{Checkpoint, Meta};

/// The name of the form.
const FORMAT: &str = "ferrotype-real-fake";
/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Document<T> {
    format: String,
    version: u64,
    method: String,
    fitted: T,
}

/// Writes what a method keeps beside its weights.
///
/// # Errors
/// When it cannot be written.
pub fn write<T: Serialize>(path: &Path, method: &str, fitted: &T) -> Result<()> {
    let document = Document { format: FORMAT.into(), version: VERSION, method: method.into(), fitted };
    write_json(path, &document)
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// When the file is missing, damaged, of another version or method.
pub fn read<T: DeserializeOwned>(path: &Path, method: &str) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let damaged = || format!("{} is damaged: put it back as it was written, or fit the method again", path.display());
    let value: Value = serde_json::from_str(&text).with_context(damaged)?;
    let said = |key: &str| value.get(key).cloned().unwrap_or_default();
    ensure!(said("format") == FORMAT, "{} is no file of a fitted method (format `{FORMAT}`)", path.display());
    ensure!(
        said("version") == VERSION,
        "{} is of version {} and this program reads version {VERSION}: read it with the program that wrote it, or fit the \
         method again",
        path.display(),
        said("version")
    );
    ensure!(said("method") == method, "{} was fitted by the method {}, not {method}", path.display(), said("method"));
    let document: Document<T> = serde_json::from_str(&text).with_context(damaged)?;
    Ok(document.fitted)
}

/// Writes a network's weights.
///
/// # Errors
/// When they cannot be read from their device, or the file not written.
pub fn write_network(path: &Path, network: &Network) -> Result<()> {
    let meta = Meta { model: network.graph().name.clone(), ..Meta::default() };
    Checkpoint { tensors: network.state()?, meta }.save(path)
}

/// Reads a network's weights into its graph.
///
/// # Errors
/// When the file is missing, damaged, or of another network.
pub fn read_network(path: &Path, graph: Graph, device: &Device, compute: Compute) -> Result<Network> {
    let mut network = Network::new(Arc::new(graph), 0, device).with_compute(compute);
    let checkpoint = Checkpoint::load(path)?;
    network.load_state(checkpoint.tensors).with_context(|| format!("cannot use the weights of {}", path.display()))?;
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, "lstm", &vec![1.5f32, -0.1]).unwrap();
        assert_eq!(read::<Vec<f32>>(&path, "lstm").unwrap(), [1.5, -0.1]);
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to, told) in [
            (FORMAT, "other", "no file of a fitted method"),
            ("\"version\": 1", "\"version\": 2", "reads version 1"),
            ("\"lstm\"", "\"length\"", "by the method \"length\", not lstm"),
            ("-0.1", "\"x\"", "damaged"),
            ("}", "", "damaged"),
        ] {
            std::fs::write(&path, text.replace(from, to)).unwrap();
            let message = format!("{:#}", read::<Vec<f32>>(&path, "lstm").unwrap_err());
            assert!(message.contains(told), "{message}");
        }
        assert!(format!("{:#}", read::<u8>(&folder.path().join("b"), "lstm").unwrap_err()).contains("cannot read"));
    }
}
