//! From pictures of faces to probabilities: the stored form, preprocessing, the network, softmax. Every command that shows
//! a run pictures goes through here.

use anyhow::{Result, ensure};
use burn::tensor::{Tensor, TensorData};
use ferrotype_base::targets::Head;
use ferrotype_data::preprocess::{Picture, Pipeline, Views};
use ferrotype_data::stored_form::PictureChain;
use ferrotype_evaluation::Predictions;
use ferrotype_model::{Network, averaged};
use ferrotype_ops as ops;

use crate::loaded::LoadedRun;

/// Pictures that go through the network together.
pub const BATCH: usize = 64;

/// A run's network with the way of a picture to its input. What it says of a picture is the mean over the same views of it as in
/// the run's scores (`evaluate.flip_average`, `evaluate.ten_crop`).
pub struct Predictor {
    network: Network,
    /// To the picture that the views are taken from.
    chain: PictureChain,
    /// The network's preprocessing.
    pipeline: Pipeline,
    views: Views,
    /// Height and width of the run's pictures, where they hold motion.
    motion: Option<[usize; 2]>,
    classes: Vec<String>,
    heads: Vec<Head>,
}

/// What a network says of a picture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The place of the likeliest class among [`Predictor::classes`]; of several, the first.
    pub class: usize,
    /// The probability of each class; they sum up to 1.
    pub probabilities: Vec<f64>,
}

/// A picture as the network sees it: squares of it, `[channels, height, width]` each at the network's size, values 0..255, not
/// scaled yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// One, or where several are averaged these; the one in the middle is the last.
    squares: Vec<Vec<f32>>,
}

impl Planes {
    /// The square in the middle: `[channels, height, width]`, values 0..255.
    pub fn middle(&self) -> &[f32] {
        self.squares.last().map_or(&[], Vec::as_slice)
    }
}

impl Predictor {
    /// Of a loaded run that takes pictures of faces.
    ///
    /// # Errors
    /// When it takes no single pictures, or pictures of motion: of a photograph it would say something all the same.
    pub fn new(loaded: LoadedRun) -> Result<Self> {
        ensure!(
            loaded.facts.motion.is_none(),
            "{} takes pictures of the motion between two frames, not of faces: `ferrotype predict --onset` makes them from a clip, \
             and `ferrotype eval --data` scores prepared ones",
            loaded.run.path().display()
        );
        Self::of_any(loaded)
    }

    /// As [`Predictor::new`], also of a run whose pictures hold motion: for pictures out of prepared files, or made as these are.
    ///
    /// # Errors
    /// When it takes no single pictures.
    pub fn of_any(loaded: LoadedRun) -> Result<Self> {
        let chain = loaded.picture_chain()?;
        let motion = loaded.facts.motion.as_ref().and(loaded.facts.stored).map(|form| [form.height, form.width]);
        let views = loaded.experiment.evaluate.views();
        Ok(Self {
            network: loaded.network,
            pipeline: chain.pipeline().clone(),
            chain: chain.for_views(views),
            views,
            motion,
            classes: loaded.meta.classes,
            heads: loaded.meta.heads,
        })
    }

    /// The same with one view of each picture, the one in the middle: faster where the run is scored by several, and not what its
    /// scores say.
    pub fn single_view(self) -> Self {
        Self { views: Views::Single, chain: self.chain.with_pipeline(self.pipeline.clone()), ..self }
    }

    /// The same with fewer layers, faster: for probabilities alone, not for maps of the layers. Logits differ by rounding
    /// (of the order of 1e-6 of their range).
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn folded(self) -> Result<Self> {
        Ok(Self { network: self.network.folded()?, ..self })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The heads; none of a model that gives one class per picture.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Names of the classes, in the order of the probabilities; of a model with heads, `HEAD.COLUMN` of each output.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// `[channels, height, width]` of the network's input.
    pub fn shape(&self) -> [usize; 3] {
        self.pipeline.shape()
    }

    /// Whether a picture may be what the run takes. Pictures of motion have one size; a photograph has another.
    ///
    /// # Errors
    /// When it cannot be one of them.
    pub fn check(&self, picture: &Picture) -> Result<()> {
        let Some([height, width]) = self.motion else { return Ok(()) };
        ensure!(
            (picture.height, picture.width) == (height, width),
            "a picture of {} x {} pixels cannot be one of motion, as this run takes them: those have {height} x {width}",
            picture.height,
            picture.width
        );
        Ok(())
    }

    /// Brings a face crop of any size to the network's size and channels.
    pub fn planes(&self, picture: &Picture) -> Planes {
        Planes { squares: self.views.squares(&self.pipeline, self.chain.planes(picture)) }
    }

    /// The network's input `[n, channels, height, width]`: the square in the middle of each picture.
    ///
    /// # Errors
    /// When the planes have another size than [`Predictor::shape`].
    pub fn input(&self, pictures: &[Planes]) -> Result<Tensor<4>> {
        self.tensor(pictures.iter().map(Planes::middle))
    }

    /// Squares, scaled: `[n, channels, height, width]`.
    fn tensor<'a>(&self, squares: impl ExactSizeIterator<Item = &'a [f32]>) -> Result<Tensor<4>> {
        let ([c, h, w], n) = (self.shape(), squares.len());
        let mut values = Vec::with_capacity(n * c * h * w);
        for square in squares {
            let len = square.len();
            ensure!(len == c * h * w, "a picture of {len} values for a network that takes {c} x {h} x {w}");
            let from = values.len();
            values.extend_from_slice(square);
            self.pipeline.scale(&mut values[from..]);
        }
        Ok(Tensor::from_data(TensorData::new(values, [n, c, h, w]), self.network.device()))
    }

    /// The network's outputs `[pictures, outputs]`, row-major, averaged over the views.
    fn outputs(&self, pictures: &[Planes]) -> Result<Vec<f32>> {
        let count = self.views.crops().len();
        ensure!(
            pictures.iter().all(|planes| planes.squares.len() == count),
            "pictures of another predictor: this one looks at {count} squares of each"
        );
        let view = |k: usize| self.tensor(pictures.iter().map(|planes| planes.squares[k].as_slice()));
        let views = (0..count).map(view).collect::<Result<Vec<_>>>()?;
        let z = averaged(self.views.are_mirrored(), views, |x| self.network.forward(x))?;
        ops::host(z.reshape([pictures.len() * self.classes.len()]))
    }

    /// Predicts face crops of any size, in their order.
    ///
    /// # Errors
    /// As [`Predictor::check`], and when the network cannot compute.
    pub fn predict(&self, pictures: &[Picture]) -> Result<Vec<Prediction>> {
        pictures.iter().try_for_each(|picture| self.check(picture))?;
        let mut all = Vec::with_capacity(pictures.len());
        for part in pictures.chunks(BATCH) {
            let planes: Vec<Planes> = part.iter().map(|picture| self.planes(picture)).collect();
            all.extend(self.predict_planes(&planes)?);
        }
        Ok(all)
    }

    /// Predicts pictures that have the network's size already.
    ///
    /// # Errors
    /// As [`Predictor::input`], and when the network cannot compute, or has heads.
    pub fn predict_planes(&self, pictures: &[Planes]) -> Result<Vec<Prediction>> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        ensure!(self.heads.is_empty(), "a model with heads gives no class: ask for its heads (predict_heads)");
        let logits = self.outputs(pictures)?;
        let (classes, rows) = (self.classes.clone(), (0..pictures.len() as u32).collect());
        let predictions = Predictions { classes, rows, logits, ..Predictions::default() };
        let one = |i| Prediction { class: predictions.predicted(i), probabilities: predictions.probabilities(i) };
        Ok((0..pictures.len()).map(one).collect())
    }

    /// What a model with heads says of pictures that have the network's size already: of each the probabilities and values of
    /// all heads, in the order of [`Predictor::classes`].
    ///
    /// # Errors
    /// As [`Predictor::input`], and when the network cannot compute.
    pub fn predict_heads(&self, pictures: &[Planes]) -> Result<Vec<Vec<f64>>> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let width = self.classes.len();
        let of = |row: &[f32]| self.heads.iter().flat_map(|head| head.kind.values(head.of(row))).collect();
        Ok(self.outputs(pictures)?.chunks_exact(width).map(of).collect())
    }
}
