//! What the predictors are handed: the histograms of the aligned face, and its shape.

use anyhow::{Context, Result, ensure};

use crate::align::{Aligner, Picture};
use crate::pdm::{COORDINATES, Fit, Parameters, ShapeModel};
use crate::{Landmarks, MODES, hog};

/// Numbers of the histograms: `(12, 12, 31)`.
pub const HOG: usize = hog::LENGTH;
/// Numbers of the shape: how far each coordinate is moved (`C p`, 204, millimetres), and `p` (34).
pub const GEOMETRY: usize = COORDINATES + MODES;
/// All numbers, histograms first.
pub const ALL: usize = HOG + GEOMETRY;

/// The features of one face in one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    hog: Vec<f32>,
    geometry: Vec<f64>,
}

impl Features {
    /// Features of histograms `(12, 12, 31)`, row by row, and the shape parameters.
    ///
    /// # Errors
    /// When there are more or fewer than 4,464 numbers, or one is not finite.
    pub fn new(hog: Vec<f32>, shape: &[f64; MODES], model: &ShapeModel) -> Result<Self> {
        ensure!(hog.len() == HOG, "a face has {HOG} numbers of histograms, not {}", hog.len());
        let geometry = [model.deformation(shape), shape.to_vec()].concat();
        let finite = hog.iter().all(|v| v.is_finite()) && geometry.iter().all(|v| v.is_finite());
        ensure!(finite, "a number of the face's features is not finite");
        Ok(Self { hog, geometry })
    }

    /// The histograms, 4,464 numbers from 0 to about 1.
    pub fn hog(&self) -> &[f32] {
        &self.hog
    }

    /// The shape, 238 numbers in millimetres.
    pub fn geometry(&self) -> &[f64] {
        &self.geometry
    }

    /// All 4,702 numbers.
    pub fn all(&self) -> Vec<f64> {
        self.hog.iter().map(|&v| f64::from(v)).chain(self.geometry.iter().copied()).collect()
    }
}

/// Takes features of faces in pictures.
#[derive(Clone, Debug)]
pub struct Extractor {
    model: ShapeModel,
    aligner: Aligner,
}

impl Extractor {
    /// An extractor with a shape model and the triangles of the face.
    pub fn new(model: ShapeModel, triangles: Vec<[usize; 3]>) -> Self {
        Self { aligner: Aligner::new(&model, triangles), model }
    }

    /// The shape model.
    pub fn model(&self) -> &ShapeModel {
        &self.model
    }

    /// What aligns faces.
    pub fn aligner(&self) -> &Aligner {
        &self.aligner
    }

    /// The features of a face of which another detector found the landmarks: the shape model is fitted to them, from the
    /// parameters of the frame before where they are given. The face is aligned by the landmarks of the fit, as OpenFace's
    /// always are those of its model.
    ///
    /// # Errors
    /// When the landmarks are no face's (see [`ShapeModel::fit`]).
    pub fn of_landmarks(
        &self,
        picture: &Picture,
        landmarks: &Landmarks,
        before: Option<&Parameters>,
    ) -> Result<(Features, Fit)> {
        let fit = self.model.fit(landmarks, before)?;
        Ok((self.of_parameters(picture, &fit.parameters)?, fit))
    }

    /// The features of a face whose parameters are known.
    ///
    /// # Errors
    /// When the parameters are not finite or the face has no size.
    pub fn of_parameters(&self, picture: &Picture, parameters: &Parameters) -> Result<Features> {
        self.of_face(picture, &self.model.landmarks(parameters), parameters)
    }

    /// The features of a face whose parameters are known, aligned by the landmarks given, which may have more digits than
    /// the parameters (as in tables that OpenFace wrote).
    ///
    /// # Errors
    /// As [`Extractor::of_parameters`].
    pub fn of_face(&self, picture: &Picture, landmarks: &Landmarks, parameters: &Parameters) -> Result<Features> {
        let face = self.aligner.align(picture, landmarks, parameters.translation)?;
        Features::new(hog::hog(&face.bgr)?, &parameters.shape, &self.model).context("the face's shape is unusable")
    }
}
