//! ONNX files of other people's networks, and the only place where they are opened and run.
//!
//! A damaged or hostile file must not run for ever or fill the memory, so it is judged before the runtime sees it
//! (`bounds`), and loaded and tried once under a limit of time: whatever its numbers are, a run on a picture computes
//! as much as that one did.

mod bounds;
mod proto;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ferrotype_base::lfs;
use rten::{Model, NodeId, Value};

/// Loading a network, or its first run. The largest that are known take a second.
const LONGEST: Duration = Duration::from_secs(30);
/// Pixels per side of an input, at most.
const LARGEST_SIDE: usize = 2048;
/// No message of protobuf, and so no ONNX file, is longer.
const LONGEST_FILE: u64 = 2 << 30;

/// A network of somebody else's ONNX file.
pub struct OnnxNetwork {
    path: PathBuf,
    what: &'static str,
    model: Arc<Model>,
}

impl OnnxNetwork {
    /// Loads the file of `what`, such as a face detector.
    ///
    /// # Errors
    /// When it cannot be read, is not ONNX, is cut off or damaged, or computes without bound.
    pub fn open(path: &Path, what: &'static str) -> Result<Self> {
        let shown = path.display();
        ensure!(!path.is_dir(), "{shown} is a folder; the ONNX file of a {what} is expected");
        let refused = || format!("cannot read the {what} {shown}");
        let length = std::fs::metadata(path).with_context(refused)?.len();
        ensure!(length > 0, "the {what} {shown} is empty: fetch it again");
        ensure!(length <= LONGEST_FILE, "the {what} {shown} has {length} bytes, more than any ONNX file has");
        let bytes = std::fs::read(path).with_context(refused)?;
        lfs::refuse(&bytes).with_context(refused)?;
        bounds::check(&bytes).with_context(|| format!("{shown} cannot be used as a {what}"))?;
        let loaded = limited(LONGEST, move || Model::load(bytes));
        let loaded = loaded.with_context(|| format!("the {what} {shown} cannot be loaded"))?;
        let model = loaded
            .map_err(|e| anyhow!("the {what} {shown} cannot be loaded: it is damaged or cannot be run here: {e}"))?;
        Ok(Self { path: path.to_path_buf(), what, model: Arc::new(model) })
    }

    /// The network.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs the network once on an input of zeros, to see that it can be run and ends.
    ///
    /// # Errors
    /// When it cannot, or takes longer than any network for a picture does.
    pub fn try_once(&self, input: NodeId, shape: &[usize], outputs: &[NodeId]) -> Result<()> {
        ensure!(
            shape.iter().all(|side| (1..=LARGEST_SIDE).contains(side)),
            "{} asks for an input of {shape:?}, larger than any {} takes: the file is damaged",
            self.path.display(),
            self.what
        );
        let (model, shape, outputs) = (self.model.clone(), shape.to_vec(), outputs.to_vec());
        let zeros = vec![0.0; shape.iter().product()];
        limited(LONGEST, move || run(&model, input, &shape, zeros, &outputs).map(drop))
            .and_then(|ran| ran)
            .with_context(|| format!("the {} {} cannot be run", self.what, self.path.display()))
    }

    /// The values of each output for an input of that shape.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn run(&self, input: NodeId, shape: &[usize], values: Vec<f32>, outputs: &[NodeId]) -> Result<Vec<Value>> {
        run(&self.model, input, shape, values, outputs)
    }

    /// What an error of a run is said to be.
    pub fn failed(&self) -> String {
        format!("the {} {} failed", self.what, self.path.display())
    }
}

fn run(model: &Model, input: NodeId, shape: &[usize], values: Vec<f32>, outputs: &[NodeId]) -> Result<Vec<Value>> {
    let values = Value::from_shape(shape, values).map_err(|e| anyhow!("{e}"))?;
    model.run(vec![(input, values.into())], outputs, None).map_err(|e| anyhow!("{e}"))
}

/// What the work gives, if it ends in time and without a panic. A thread cannot be ended from outside: work that takes
/// longer goes on until the process ends, which the error brings about.
fn limited<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().name("onnx".into()).spawn(move || drop(sender.send(work())));
    thread.context("no thread can be started")?;
    match receiver.recv_timeout(limit) {
        Ok(done) => Ok(done),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            bail!("it computes for more than {} s: the file is damaged or hostile", limit.as_secs_f32())
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the runtime cannot work with it: the file is damaged"),
    }
}
