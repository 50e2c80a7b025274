//! A network as an ONNX file with its preprocessing inside, checked in a second runtime before it is kept.
//!
//! The graph takes `pixels [batch, channels, size, size]`, raw 0..255 at the model's size and channels, and gives
//! `logits` and `probabilities`. Where several views of a picture are averaged, that is inside, too. What stays outside (resizing,
//! and making grey pictures of colour ones) is named in the file's metadata.

mod cosine;
mod gates;
mod heads;
mod layers;
mod lengths;
mod preprocess;
mod proto;
mod reconstruction;
mod recurrent;
mod reduced;
mod sequences;
mod tokens;
mod verify;
mod views;
mod writer;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use prost::Message;

use ferrotype_base::targets::{Head, width};
use ferrotype_data::options::{Colour, Preprocess, SegmentOptions};
use ferrotype_data::preprocess::Views;
use ferrotype_model::{Graph, Network};
use ferrotype_run::files::explain;
use proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use writer::Writer;

pub use reconstruction::{ReconstructionCheck, Sequences, export_reconstruction};
pub use reduced::{Precision, Reduced, ReducedCheck, export_reduced};
pub use sequences::{features_to_onnx, verify_features};
pub use verify::{CheckBatch, ExportCheck, Tie, verify};

/// The operator set that exported graphs use.
pub const OPSET: i64 = 18;

/// What an exported file says besides the computation.
#[derive(Clone, Debug)]
pub struct ModelCard {
    /// Preprocessing: lowered into the graph, and described in the metadata.
    pub preprocess: Preprocess,
    /// The views of each picture that are averaged: inside the graph.
    pub views: Views,
    /// Clips: how an example is made of pictures.
    pub clips: Option<SegmentOptions>,
    /// Class names, in the order of the outputs.
    pub classes: Vec<String>,
    /// Of a model with heads: these; `classes` then are the names of all outputs.
    pub heads: Vec<Head>,
    /// Further properties: dataset, scores, run, commit.
    pub properties: BTreeMap<String, String>,
}

impl ModelCard {
    /// Pictures per example.
    pub fn pictures(&self) -> usize {
        self.clips.as_ref().map_or(1, SegmentOptions::pictures)
    }

    /// `[channels, height, width]` of the file's input: what the views are taken from.
    pub fn input(&self) -> [usize; 3] {
        let side = self.views.side(&self.preprocess);
        [self.preprocess.colour.channels() * self.pictures(), side, side]
    }
}

/// Where the network's layers stand in a file, behind the preprocessing.
struct Body {
    /// The first of their nodes.
    first: usize,
    /// The value that they take.
    input: String,
    /// The value that they give.
    output: &'static str,
}

/// The network as the bytes of an ONNX file.
pub fn to_onnx(network: &Network, card: &ModelCard) -> Result<Vec<u8>> {
    Ok(lowered(network, card)?.0.encode_to_vec())
}

/// The network as an ONNX file, and where its layers stand in it.
fn lowered(network: &Network, card: &ModelCard) -> Result<(ModelProto, Body)> {
    let graph = network.graph();
    let [channels, height, width] = graph.input;
    check_card(network, card)?;
    let mut writer = Writer::default();
    writer.input("pixels", &card.input(), "Pictures at the model's size and channels, values 0..255");
    let pixels = views::lower(&mut writer, card.views, &card.preprocess, "pixels");
    let input = preprocess::lower(&mut writer, &card.preprocess, channels, &pixels)?;
    let (first, output) = (writer.len(), views::outputs(card.views));
    layers::lower(&mut writer, network, &input, output)?;
    let logits = views::mean(&mut writer, card.views, graph.classes, output.into());
    let what = if card.heads.is_empty() {
        writer.node("Softmax", "probabilities", &[&logits], vec![writer::integer("axis", 1)]);
        writer.output("logits", &[graph.classes], "Scores before softmax");
        writer.output("probabilities", &[graph.classes], "Softmax of the logits");
        format!("{} classes", graph.classes)
    } else {
        heads::lower(&mut writer, &card.heads, &logits);
        let of = |head: &Head| format!("{} ({})", head.name, head.kind.describe());
        card.heads.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let mut properties = own_properties(network, card)?;
    properties.extend(card.properties.clone());
    let several = if card.views.are_several() { format!(", {}", card.views.describe()) } else { String::new() };
    let what = format!("{}: pictures of {channels}x{height}x{width} to {what}{several}", graph.name);
    Ok((model(writer, graph, what, properties), Body { first, input, output }))
}

/// A file with this graph.
fn model(writer: Writer, graph: &Graph, what: String, properties: BTreeMap<String, String>) -> ModelProto {
    ModelProto {
        ir_version: Some(8),
        producer_name: "ferrotype".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: what,
        graph: Some(writer.finish(&graph.name)),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: Some(OPSET) }],
        metadata_props: properties.into_iter().map(|(key, value)| StringStringEntryProto { key, value }).collect(),
    }
}

/// Writes the network to `target`, checks the file against the network in a second runtime, and keeps it only when the
/// check passes: look at [`ExportCheck::passed`]. A file that stood there before stays when it does not.
pub fn export(
    network: &Network,
    card: &ModelCard,
    target: &Path,
    tolerance: f64,
    batches: impl IntoIterator<Item = Result<CheckBatch>>,
) -> Result<ExportCheck> {
    let bytes = to_onnx(network, card).with_context(|| format!("lowering {} to ONNX", network.graph().name))?;
    let part = Part::write(target, &bytes)?;
    // A large network's file need not stand in memory twice while it is checked.
    drop(bytes);
    let check = verify(&part.path, network, card, tolerance, batches)?;
    if check.passed {
        part.keep(target)?;
    }
    Ok(check)
}

fn check_card(network: &Network, card: &ModelCard) -> Result<()> {
    let graph = network.graph();
    let channels = card.preprocess.colour.channels() * card.pictures();
    let given = [channels, card.preprocess.size, card.preprocess.size];
    ensure!(
        given == graph.input,
        "the preprocessing gives pictures of {given:?}, but {} takes {:?} (channels, height, width)",
        graph.name,
        graph.input
    );
    ensure!(
        card.classes.len() == graph.classes,
        "{} class names for the {} outputs of {}",
        card.classes.len(),
        graph.classes,
        graph.name
    );
    ensure!(
        card.heads.is_empty() || width(&card.heads) == graph.classes,
        "the heads have {} outputs, and {} has {}",
        width(&card.heads),
        graph.name,
        graph.classes
    );
    Ok(())
}

/// The properties that follow from network and preprocessing.
fn own_properties(network: &Network, card: &ModelCard) -> Result<BTreeMap<String, String>> {
    let graph = network.graph();
    let p = &card.preprocess;
    let json = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    let resize = json(&serde_json::to_value(p.resize)?);
    let colour = match p.colour {
        Colour::Grey => "grey = 0.299 R + 0.587 G + 0.114 B",
        Colour::Rgb => "grey pictures replicated to RGB",
        Colour::Bgr => "grey pictures replicated; channels in the order BGR",
    };
    let mut outside = format!("{colour}; resize to {0}x{0}: {resize}", p.frame());
    if p.crop_from.is_some() && card.views != Views::TenCrop {
        outside += &format!("; the {0}x{0} pixels in the middle", p.size);
    }
    let clips = card.clips.as_ref().map(serde_json::to_string).transpose()?;
    let (names, heads) = match card.heads.is_empty() {
        true => (Some(serde_json::to_string(&card.classes)?), None),
        false => (None, Some(heads::property(&card.heads)?)),
    };
    let views = card.views.are_several().then(|| serde_json::to_value(card.views)).transpose()?;
    let views = views.map(|name| json(&name));
    Ok([("clips", clips), ("class_names", names), ("heads", heads), ("views", views)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .chain([
            ("model", graph.name.clone()),
            ("input_size", card.input()[1].to_string()),
            ("colour", json(&serde_json::to_value(p.colour)?)),
            ("preprocess", serde_json::to_string(p)?),
            ("inside_the_graph", json(&serde_json::to_value(&p.scale)?)),
            ("outside_the_graph", outside),
            ("resize", resize),
        ])
        .map(|(key, value)| (key.to_string(), value))
        .collect())
}

/// A file under a temporary name, removed unless it is kept.
struct Part {
    path: PathBuf,
}

impl Part {
    fn write(target: &Path, bytes: &[u8]) -> Result<Self> {
        let name = target.file_name().with_context(|| format!("{} is not a file name", target.display()))?;
        // Named as every file that is being written, so that what a kill leaves in a run is removed by its next trainer.
        let path = target.with_file_name(format!(".{}.tmp-{}-check", name.to_string_lossy(), std::process::id()));
        let part = Self { path };
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&part.path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| explain(target, &e))?;
        Ok(part)
    }

    fn keep(self, target: &Path) -> Result<()> {
        fs::rename(&self.path, target).map_err(|e| explain(target, &e))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After `keep` there is nothing left under this name.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
