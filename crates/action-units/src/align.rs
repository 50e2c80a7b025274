//! The face turned upright and brought to one size, with all but the face black: what the histograms are taken of.
//!
//! 1. The similarity (Procrustes with scale; Kabsch 1976) that brings 24 points that move little with expressions onto
//!    the mean face at 0.7 pixels per millimetre; the model's origin comes to the middle of 112 x 112 pixels.
//! 2. A bilinear warp in fixed point, as OpenCV 4's `warpAffine` does it; outside of the picture is black.
//! 3. A mask: the triangles between the warped landmarks, with the forehead's part moved up by 30 pixels.
//!
//! The scheme is that of Baltrusaitis et al. (2015), section III.

mod mask;
mod similarity;
mod warp;

use anyhow::{Result, ensure};

use crate::pdm::ShapeModel;
use crate::{Landmarks, POINTS};

/// Pixels in a row and in a column of an aligned face.
pub const SIDE: usize = 112;
/// Pixels of an aligned face per millimetre of the shape model.
const PIXELS_PER_MILLIMETRE: f64 = 0.7;

/// How the three bytes of a pixel are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Blue, green, red, as OpenCV has them.
    Bgr,
    /// Red, green, blue.
    Rgb,
}

/// A colour picture of 8 bits, row by row without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    bytes: &'a [u8],
    width: usize,
    order: Order,
}

impl<'a> Picture<'a> {
    /// A picture of `width * height * 3` bytes.
    ///
    /// # Errors
    /// When there are more or fewer bytes than that, or none.
    pub fn new(bytes: &'a [u8], width: usize, height: usize, order: Order) -> Result<Self> {
        let size = width.checked_mul(height).and_then(|n| n.checked_mul(3));
        ensure!(
            size == Some(bytes.len()) && !bytes.is_empty(),
            "a picture of {width} x {height} pixels has three bytes for each; {} are given",
            bytes.len()
        );
        Ok(Self { bytes, width, order })
    }
}

/// An aligned face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignedFace {
    /// 112 x 112 pixels, row by row, each blue, green, red; 0 outside of the face.
    pub bgr: Vec<u8>,
    /// Whether a pixel belongs to the face; row by row.
    pub mask: Vec<bool>,
}

/// Brings faces to the form of the mean face.
#[derive(Clone, Debug)]
pub struct Aligner {
    /// The mean face as aligned faces show it, from its own middle.
    target: Landmarks,
    triangles: Vec<[usize; 3]>,
}

impl Aligner {
    /// An aligner to the mean face of a model, with the triangles that make up the face.
    pub fn new(model: &ShapeModel, triangles: Vec<[usize; 3]>) -> Self {
        let mean = model.mean();
        let target = std::array::from_fn(|i| [mean[i], mean[i + POINTS]].map(|v| PIXELS_PER_MILLIMETRE * v));
        Self { target, triangles }
    }

    /// Aligns a face of `picture`. `origin` is where the shape model's origin lies in the picture
    /// ([`crate::pdm::Parameters::translation`]).
    ///
    /// # Errors
    /// When a number is not finite, or the rigid points lie on one spot.
    pub fn align(&self, picture: &Picture, landmarks: &Landmarks, origin: [f64; 2]) -> Result<AlignedFace> {
        let warp = similarity::onto(landmarks, &self.target, origin)?;
        let mask = mask::of(&similarity::moved(&warp, landmarks), &self.triangles);
        let bgr = warp::warp(picture, &warp, &mask)?;
        Ok(AlignedFace { bgr, mask })
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
