//! From pictures to probabilities.

use std::path::Path;

use super::{Error, Picture, Result};
use crate::systems::loaded;
use ferrotype_expressions::{Prediction, Predictor as Inner};

/// Options of [`Predictor::open_with`].
///
/// # Examples
/// ```
/// let mut options = ferrotype::PredictorOptions::default();
/// options.device = Some("flex".into());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PredictorOptions {
    /// Where to compute, instead of where the run was trained: `auto`, `flex` (CPU), `cuda:N`, `rocm:N`, `tch`, `tch-cuda:N`, `metal`, `vulkan`, `wgpu`.
    pub device: Option<String>,
    /// One view of each picture, where the run is scored by the mean over its mirror image or ten squares: a half or a tenth of the
    /// work, and not what the run's scores say.
    pub single_view: bool,
}

/// The network of a run that classifies expressions, with its preprocessing. Where the run is scored by the mean over several views
/// of a picture (`evaluate.flip_average`, `evaluate.ten_crop`), so are its predictions.
///
/// # Examples
/// ```no_run
/// use ferrotype::{Picture, Predictor};
///
/// let predictor = Predictor::open("runs/quickstart-20260101-120000")?;
/// for said in predictor.predict(&[Picture::open("face.jpg")?])? {
///     println!("{} {:.1} %", predictor.classes()[said.class], 100.0 * said.probabilities[said.class]);
/// }
/// # Ok::<(), ferrotype::Error>(())
/// ```
pub struct Predictor {
    inner: Inner,
}

impl Predictor {
    /// Loads the selected weights of a run, or of a folder that `ferrotype import` wrote.
    ///
    /// # Errors
    /// [`Error::Run`] where the folder holds no weights, a run of another system, or one that takes clips.
    ///
    /// # Examples
    /// See [`Predictor`].
    pub fn open(run: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(run, &PredictorOptions::default())
    }

    /// As [`Predictor::open`], with options.
    ///
    /// # Errors
    /// As [`Predictor::open`], and where the device cannot be used.
    ///
    /// # Examples
    /// ```
    /// use ferrotype::{Error, Predictor, PredictorOptions};
    ///
    /// let found = Predictor::open_with("no/such/run", &PredictorOptions::default());
    /// assert!(matches!(found, Err(Error::Run { .. })));
    /// ```
    pub fn open_with(run: impl AsRef<Path>, options: &PredictorOptions) -> Result<Self> {
        let path = run.as_ref();
        let open = || Inner::of_any(loaded::open(path, options.device.as_deref())?)?.folded();
        let inner = open().map_err(|e| Error::run(path, e))?;
        Ok(Self { inner: if options.single_view { inner.single_view() } else { inner } })
    }

    /// Names of the classes, in the order of the probabilities.
    ///
    /// # Examples
    /// See [`Predictor`].
    pub fn classes(&self) -> &[String] {
        self.inner.classes()
    }

    /// Predicts face crops of any size, in their order. A run whose data are pictures of motion takes pictures of those: out of a
    /// prepared file.
    ///
    /// # Errors
    /// [`Error::Prediction`] where the device fails, or a run on pictures of motion is shown one of another size than they have.
    ///
    /// # Examples
    /// See [`Predictor`].
    pub fn predict(&self, pictures: &[Picture]) -> Result<Vec<Prediction>> {
        let views: Vec<_> = pictures.iter().map(Picture::view).collect();
        self.inner.predict(&views).map_err(Error::prediction)
    }
}
