//! What a way to tell genuine from posed expressions is.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;

use super::clip::ClipSet;
use ferrotype_interop::export::ReconstructionCheck;
use ferrotype_ops::Compute;
use ferrotype_run::RunFolder;
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::options::TrainOptions;
use ferrotype_training::progress::Progress;

/// What a method works with, beside the clips.
pub struct Work<'a> {
    /// Fixes every random choice.
    pub seed: u64,
    /// How networks are trained; methods without networks do not look at it.
    pub train: &'a TrainOptions,
    /// Where networks compute.
    pub device: Device,
    /// With which kernels.
    pub compute: Compute,
    /// The folder for this fit's files. Networks keep their checkpoints in run folders below it, so that an interrupted
    /// run goes on where it stopped.
    pub run: &'a RunFolder,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
    /// Resume although the kernels differ.
    pub other_kernels: bool,
    /// Shows how far it is.
    pub progress: &'a mut dyn Progress,
}

/// A way to tell genuine from posed expressions, with its options.
pub trait Method {
    /// Whether it has weights that validation clips select. Then a part of the training clips (`data.validation`) is kept
    /// back for that; otherwise it is fitted on all of them.
    fn selects(&self) -> bool {
        false
    }

    /// Options that are impossible: the key below the method's, and what is wrong with it.
    fn problems(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Fits it on training clips, all of which have a truth. `validation` selects the weights of networks (by a loss);
    /// other methods do not look at it. Both are places in `set.clips`.
    ///
    /// # Errors
    /// When the clips lack what the method needs (the message says what, and which clip), hold one class only, or are too
    /// few; for a diverging loss, or an interruption.
    fn fit(&self, set: &ClipSet, training: &[usize], validation: &[usize], work: &mut Work) -> Result<Box<dyn Fitted>>;

    /// Reads what [`Fitted::save`] wrote.
    ///
    /// # Errors
    /// When a file is missing, damaged, of another version, or of other clips than these.
    fn load(&self, set: &ClipSet, folder: &Path, device: &Device, compute: Compute) -> Result<Box<dyn Fitted>>;
}

/// A fitted method.
pub trait Fitted {
    /// One score per clip: above 0 says real. Methods that decide by the median of the clips that are scored together
    /// (NIT-OVGU's) subtract it here.
    ///
    /// # Errors
    /// When a clip lacks what the method needs.
    fn scores(&self, set: &ClipSet, clips: &[usize]) -> Result<Vec<f64>>;

    /// Writes all that is needed to score other clips into a folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn save(&self, folder: &Path) -> Result<()>;

    /// Trained values, for the report: weights of networks, support vectors' weights, splits of trees.
    fn parameters(&self) -> usize;

    /// Writes the method's networks as ONNX files into a folder, each checked in a second runtime on these clips; the
    /// file's name with its check. Methods without networks have none.
    ///
    /// # Errors
    /// When a network cannot be lowered, or the file computes something else.
    fn export(
        &self,
        _set: &ClipSet,
        _clips: &[usize],
        _folder: &Path,
        _tolerance: f64,
    ) -> Result<Vec<(String, ReconstructionCheck)>> {
        Ok(Vec::new())
    }
}
