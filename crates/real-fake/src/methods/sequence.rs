//! Networks of action units over time: what the LSTM and the temporal convolution share. Each sees pieces of a clip,
//! standardised by the training frames, and gives two scores; a clip's score is the mean over its pieces.
//!
//! Pieces keep the clip's length out: a network that reads whole clips can count their frames, and in some datasets the
//! number of frames tells the classes apart by itself.

mod examples;
mod input;
#[cfg(test)]
pub mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files;
use super::training::{Goal, names, train};
use crate::clip::ClipSet;
use crate::method::{Fitted, Work};
use ferrotype_interop::export::{ReconstructionCheck, export_reconstruction};
use ferrotype_model::objective::ObjectiveOptions;
use ferrotype_model::{Graph, GraphBuilder, Network};
use ferrotype_ops::Compute;

pub use examples::Examples;
use examples::Selection;
use input::Input;

/// Clips that an exported file is checked on, at most.
const CHECKED: usize = 16;

/// What a network of action units over time is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeriesOptions {
    /// The pieces that clips are cut into; none: whole clips, whose length the network then sees.
    pub pieces: Option<Pieces>,
    /// Whether a column per emotion says which one is shown, where the dataset tells them apart.
    pub emotion: bool,
}

impl Default for SeriesOptions {
    fn default() -> Self {
        Self { pieces: Some(Pieces::default()), emotion: true }
    }
}

/// Pieces of equal length; a clip that is shorter is one piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pieces {
    /// Frames of a piece.
    pub length: usize,
    /// Frames from the beginning of a piece to that of the next; the last piece stands at the end.
    pub stride: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Self { length: 32, stride: 16 }
    }
}

/// A network of action units over time, with its options.
pub trait SequenceNetwork: Clone + Serialize + DeserializeOwned + 'static {
    /// Its name in the experiment file, and that of its files.
    const NAME: &'static str;

    /// What it is given.
    fn series(&self) -> &SeriesOptions;

    /// Adds its layers: from `[1, steps, columns]` to two scores.
    fn layers(&self, g: &mut GraphBuilder, columns: usize);

    /// Its options that are impossible, and why.
    fn own_problems(&self) -> Vec<(String, String)>;
}

/// Options that are impossible: the key, and what is wrong with it.
pub fn problems<N: SequenceNetwork>(network: &N) -> Vec<(String, String)> {
    let mut found = network.own_problems();
    if let Some(pieces) = &network.series().pieces {
        let mut least = |key: &str, value: usize, least: usize| {
            if value < least {
                found.push((
                    format!("series.pieces.{key}"),
                    format!("{value} is impossible; expected at least {least}"),
                ));
            }
        };
        least("length", pieces.length, 2);
        least("stride", pieces.stride, 1);
    }
    found
}

/// A fitted network.
pub struct FittedSequence<N> {
    network: Network,
    content: Content<N>,
}

/// What stands in its JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Content<N> {
    options: N,
    input: Input,
    /// Steps of the network that was trained; weights do not depend on them.
    steps: usize,
}

fn graph<N: SequenceNetwork>(options: &N, input: &Input, steps: usize) -> Result<Graph> {
    let columns = input.columns();
    let mut g = GraphBuilder::new(N::NAME, [1, steps, columns]);
    options.layers(&mut g, columns);
    let graph = g.build(2)?;
    graph.padding()?;
    Ok(graph)
}

/// As [`Method::fit`](crate::method::Method::fit).
pub fn fit<N: SequenceNetwork>(
    options: &N,
    set: &ClipSet,
    training: &[usize],
    validation: &[usize],
    work: &mut Work,
) -> Result<Box<dyn Fitted>> {
    Ok(Box::new(FittedSequence::fit(options, N::NAME, set, [training, validation], work)?))
}

/// As [`Method::load`](crate::method::Method::load).
pub fn load<N: SequenceNetwork>(
    set: &ClipSet,
    folder: &Path,
    device: &Device,
    compute: Compute,
) -> Result<Box<dyn Fitted>> {
    let fitted = FittedSequence::<N>::load(N::NAME, folder, device, compute)?;
    fitted.content.input.check(set)?;
    Ok(Box::new(fitted))
}

impl<N: SequenceNetwork> FittedSequence<N> {
    /// Trains the network `name` on clips, others of which select its weights.
    ///
    /// # Errors
    /// As [`Method::fit`](crate::method::Method::fit).
    pub fn fit(
        options: &N,
        name: &str,
        set: &ClipSet,
        [training, validation]: [&[usize]; 2],
        work: &mut Work,
    ) -> Result<Self> {
        let input = Input::fit(N::NAME, set, training, options.series().emotion)?;
        let pieces = options.series().pieces.as_ref();
        ensure!(!validation.is_empty(), "{name} needs validation clips to select its weights: raise data.validation");
        let examples = Examples::new(N::NAME, &input, set, training, pieces)?;
        examples.check_classes().with_context(|| format!("{name} cannot be trained"))?;
        let selection =
            Selection { method: N::NAME, examples: Examples::new(N::NAME, &input, set, validation, pieces)? };
        let steps = examples.longest().max(selection.examples.longest());
        let examples = examples.for_training(work.train.batch_size, steps, work.seed);
        let graph = Arc::new(graph(options, &input, steps)?);
        let mut network = Network::new(graph, work.seed, &work.device).with_compute(work.compute);
        let depends_on = (options, names(set, training), names(set, validation));
        let goal = Goal {
            objective: ObjectiveOptions::default().build(),
            class_weights: vec![1.0; 2],
            batches: &examples,
            validation: &selection,
        };
        train(&mut network, name, &depends_on, goal, work)?;
        Ok(Self { network, content: Content { options: options.clone(), input, steps } })
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// When a file is missing, damaged, or of something else.
    pub fn load(name: &str, folder: &Path, device: &Device, compute: Compute) -> Result<Self> {
        let content: Content<N> = files::read(&folder.join(format!("{name}.json")), N::NAME)?;
        let graph = graph(&content.options, &content.input, content.steps)?;
        let network = files::read_network(&folder.join(format!("{name}.safetensors")), graph, device, compute)?;
        Ok(Self { network, content })
    }

    /// Writes weights and description as files of this name.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self, name: &str, folder: &Path) -> Result<()> {
        files::write_network(&folder.join(format!("{name}.safetensors")), &self.network)?;
        files::write(&folder.join(format!("{name}.json")), N::NAME, &self.content)
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The pieces of clips, as the network takes them.
    ///
    /// # Errors
    /// When a clip lacks what it takes.
    pub fn examples(&self, set: &ClipSet, clips: &[usize]) -> Result<Examples> {
        Examples::new(N::NAME, &self.content.input, set, clips, self.content.options.series().pieces.as_ref())
    }

    /// The network for sequences of so many steps.
    fn of_steps(&self, steps: usize) -> Result<Network> {
        self.network.in_graph(Arc::new(graph(&self.content.options, &self.content.input, steps)?))
    }
}

impl<N: SequenceNetwork> Fitted for FittedSequence<N> {
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>> {
        self.content.input.check(set)?;
        if clips.is_empty() {
            return Ok(Vec::new());
        }
        let examples = self.examples(set, clips)?;
        examples.scores(&self.of_steps(examples.longest().max(self.content.steps))?)
    }

    fn save(&self, folder: &Path) -> Result<()> {
        self.write(N::NAME, folder)
    }

    fn parameters(&self) -> usize {
        self.network.graph().parameter_count()
    }

    fn export(
        &self,
        set: &ClipSet,
        clips: &[usize],
        folder: &Path,
        tolerance: f64,
    ) -> Result<Vec<(String, ReconstructionCheck)>> {
        let examples = self.examples(set, &clips[..clips.len().min(CHECKED)])?;
        // The file takes any number of steps: with more padding it has to say the same.
        let steps = examples.longest().max(self.content.steps);
        let piece = |steps: usize| Ok((self.of_steps(steps)?, examples.sequences(steps)));
        let pieces = [steps, steps + 7].into_iter().map(piece).collect::<Result<Vec<_>>>()?;
        let input = &self.content.input;
        let properties = BTreeMap::from([("standardised_by".to_owned(), serde_json::to_string(&input.scaling())?)]);
        let name = format!("{}.onnx", N::NAME);
        let target = folder.join(&name);
        let check = export_reconstruction(&self.network, &input.names(), properties, &target, tolerance, &pieces)
            .with_context(|| format!("exporting {}", N::NAME))?;
        Ok(vec![(name, check)])
    }
}
