//! From pictures of faces to probabilities: the stored form, preprocessing, the network, softmax. Every command that shows
//! a run pictures goes through here.

use anyhow::{Result, ensure};
use burn::tensor::{Tensor, TensorData};
use ferrotype_base::targets::Head;
use ferrotype_data::preprocess::Picture;
use ferrotype_data::stored_form::PictureChain;
use ferrotype_evaluation::Predictions;
use ferrotype_model::Network;
use ferrotype_ops as ops;

use crate::loaded::LoadedRun;

/// Pictures that go through the network together.
pub const BATCH: usize = 64;

/// A run's network with the way of a picture to its input.
pub struct Predictor {
    network: Network,
    chain: PictureChain,
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

/// A picture as the network sees it: `[channels, height, width]` at its size, values 0..255, not scaled yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes(pub Vec<f32>);

impl Predictor {
    /// Of a loaded run.
    ///
    /// # Errors
    /// When the run takes no single pictures.
    pub fn new(loaded: LoadedRun) -> Result<Self> {
        let chain = loaded.picture_chain()?;
        Ok(Self { network: loaded.network, chain, classes: loaded.meta.classes, heads: loaded.meta.heads })
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
        self.chain.shape()
    }

    /// Brings a face crop of any size to the network's size and channels.
    pub fn planes(&self, picture: &Picture) -> Planes {
        Planes(self.chain.planes(picture))
    }

    /// The network's input `[n, channels, height, width]`.
    ///
    /// # Errors
    /// When the planes have another size than [`Predictor::shape`].
    pub fn input(&self, pictures: &[Planes]) -> Result<Tensor<4>> {
        let [c, h, w] = self.shape();
        let mut values = Vec::with_capacity(pictures.len() * c * h * w);
        for planes in pictures {
            ensure!(
                planes.0.len() == c * h * w,
                "a picture of {} values for a network that takes {c} x {h} x {w}",
                planes.0.len()
            );
            let from = values.len();
            values.extend_from_slice(&planes.0);
            self.chain.scale(&mut values[from..]);
        }
        Ok(Tensor::from_data(TensorData::new(values, [pictures.len(), c, h, w]), self.network.device()))
    }

    /// Predicts face crops of any size, in their order.
    ///
    /// # Errors
    /// When the network cannot compute.
    pub fn predict(&self, pictures: &[Picture]) -> Result<Vec<Prediction>> {
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
    /// As [`Predictor::input`], and when the network cannot compute.
    pub fn predict_planes(&self, pictures: &[Planes]) -> Result<Vec<Prediction>> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        self.predict_input(self.input(pictures)?)
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
        let outputs = self.network.forward(self.input(pictures)?)?.reshape([pictures.len() * width]);
        let of = |row: &[f32]| self.heads.iter().flat_map(|head| head.kind.values(head.of(row))).collect();
        Ok(ops::host(outputs)?.chunks_exact(width).map(of).collect())
    }

    /// Predicts an input of [`Predictor::input`].
    ///
    /// # Errors
    /// When the network cannot compute, or has heads.
    pub fn predict_input(&self, input: Tensor<4>) -> Result<Vec<Prediction>> {
        ensure!(self.heads.is_empty(), "a model with heads gives no class: ask for its heads (predict_heads)");
        let [n, ..] = input.dims();
        let logits = ops::host(self.network.forward(input)?.reshape([n * self.classes.len()]))?;
        let (classes, rows) = (self.classes.clone(), (0..n as u32).collect());
        let predictions = Predictions { classes, rows, logits, ..Predictions::default() };
        let one = |i| Prediction { class: predictions.predicted(i), probabilities: predictions.probabilities(i) };
        Ok((0..n).map(one).collect())
    }
}
