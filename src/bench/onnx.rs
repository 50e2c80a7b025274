//! Networks as ONNX files, run by the runtime that checks exports.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};

use ferrotype_data::options::{Colour, Preprocess, Resize};
use ferrotype_data::preprocess::Views;
use ferrotype_interop::export::{ModelCard, to_onnx};
use ferrotype_model::Network;
use ferrotype_run::files::write_atomic;

/// The bytes of the network's ONNX file, its preprocessing inside.
///
/// # Errors
/// When it cannot be lowered.
pub fn bytes(network: &Network) -> Result<Vec<u8>> {
    let graph = network.graph();
    let colour = match graph.input[0] {
        1 => Colour::Grey,
        3 => Colour::Rgb,
        n => return Err(anyhow!("{} takes {n} planes: only networks of single pictures are measured so", graph.name)),
    };
    let preprocess = Preprocess::new(graph.input[1], Resize::default(), colour, Default::default());
    let classes = (0..graph.classes).map(|c| format!("class {c}")).collect();
    to_onnx(
        network,
        &ModelCard {
            preprocess,
            views: Views::Single,
            clips: None,
            heads: Vec::new(),
            classes,
            properties: Default::default(),
        },
    )
}

/// Writes the network's ONNX file.
///
/// # Errors
/// As [`bytes`], and when it cannot be written.
pub fn write(network: &Network, path: &Path) -> Result<()> {
    write_atomic(path, &bytes(network)?)
}

/// An ONNX file loaded into rten, with fixed pictures.
pub struct OnnxSubject {
    model: rten::Model,
    options: rten::RunOptions,
    pixels: Vec<f32>,
    shape: [usize; 4],
    classes: usize,
}

impl OnnxSubject {
    /// Lowers the network and loads it, to run `batch` pictures at a time on so many threads.
    ///
    /// # Errors
    /// When it cannot be lowered or loaded.
    pub fn new(network: &Network, batch: usize, threads: usize) -> Result<Self> {
        ensure!(batch > 0, "a batch needs at least one picture");
        let model = rten::Model::load(bytes(network)?).map_err(|e| anyhow!("rten cannot load the network: {e}"))?;
        let pool = Arc::new(rten::ThreadPool::with_num_threads(threads.max(1)));
        let [channels, height, width] = network.graph().input;
        let shape = [batch, channels, height, width];
        let pixels = (0..shape.iter().product::<usize>()).map(|i| (i * 37 % 256) as f32).collect();
        let options = rten::RunOptions::default().with_thread_pool(Some(pool));
        Ok(Self { model, options, pixels, shape, classes: network.graph().classes })
    }

    /// The time of each of so many passes, in milliseconds, logits as a vector.
    ///
    /// # Errors
    /// When the runtime fails.
    pub fn infer(&self, passes: usize) -> Result<Vec<f64>> {
        (0..passes)
            .map(|_| {
                let began = Instant::now();
                let logits = self.logits()?;
                let took = began.elapsed().as_secs_f64() * 1e3;
                ensure!(logits.len() == self.shape[0] * self.classes, "the runtime gave {} logits", logits.len());
                Ok(took)
            })
            .collect()
    }

    fn logits(&self) -> Result<Vec<f32>> {
        let id = |name: &str| self.model.node_id(name).map_err(|e| anyhow!("the file has no value `{name}`: {e}"));
        let pixels = rten::ValueView::from_shape(self.shape, &self.pixels).map_err(|e| anyhow!("{e}"))?;
        let run = self.model.run_n(vec![(id("pixels")?, pixels.into())], [id("logits")?], Some(self.options.clone()));
        let [logits] = run.map_err(|e| anyhow!("rten cannot run the network: {e}"))?;
        let (_, values) = logits.into_shape_vec::<f32, 2>().map_err(|e| anyhow!("the logits: {e}"))?;
        Ok(values)
    }
}
