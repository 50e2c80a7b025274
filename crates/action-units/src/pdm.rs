//! The shape model: 68 points in space whose places follow from 34 numbers, seen from afar (weak perspective).
//!
//! `points = scale * R[:2] * (mean + C p) + translation`, with `R = Rx Ry Rz`. The fit to landmarks is regularised
//! Gauss-Newton as in Saragih, Lucey and Cohn (2011), "Deformable model fitting by regularized landmark mean-shift", and
//! Baltrusaitis, Robinson and Morency (2013), "Constrained local neural fields": each mode weighs 1 / its variance.

mod cholesky;
mod fit;
mod rotation;

use crate::dot::dot;
use crate::formats::ShapeFile;
use crate::{Landmarks, MODES, POINTS};

pub(crate) use cholesky::solve;
pub use fit::Fit;
pub use rotation::{Rotation, angles_of, rotation_of};
pub(crate) use rotation::{about, times};

/// Coordinates of the shape in space: 68 x, 68 y, 68 z.
pub const COORDINATES: usize = 3 * POINTS;
/// Parameters in the columns of [`ShapeModel::jacobian`]: scale, three turns, two shifts, the modes.
pub const PARAMETERS: usize = 6 + MODES;

/// Where a face is and what form it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Pixels per millimetre of the model.
    pub scale: f64,
    /// Turns about the x, y and z axis in radians; the rotation is their product in that order.
    pub rotation: [f64; 3],
    /// Where the model's origin lies in the picture, in pixels.
    pub translation: [f64; 2],
    /// Millimetres along each mode.
    pub shape: [f64; MODES],
}

/// The shape model.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapeModel {
    file: ShapeFile,
}

impl ShapeModel {
    /// The model of a file that [`crate::formats::parse_shape_model`] has read.
    pub fn new(file: ShapeFile) -> Self {
        Self { file }
    }

    /// The content of its file.
    pub fn file(&self) -> &ShapeFile {
        &self.file
    }

    /// The mean face: 68 x, 68 y, 68 z in millimetres.
    pub fn mean(&self) -> &[f64] {
        &self.file.mean
    }

    /// The variance of each mode.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.file.eigenvalues
    }

    /// `C p`: how far the shape moves each of the 204 coordinates from the mean, in millimetres.
    pub fn deformation(&self, shape: &[f64; MODES]) -> Vec<f64> {
        let rows = self.file.components.chunks_exact(MODES);
        rows.map(|row| dot(row, shape)).collect()
    }

    /// The shape in space, in millimetres and not turned: 68 x, 68 y, 68 z.
    pub fn shape_in_space(&self, shape: &[f64; MODES]) -> Vec<f64> {
        self.file.mean.iter().zip(self.deformation(shape)).map(|(mean, moved)| mean + moved).collect()
    }

    /// The landmarks that the parameters stand for.
    pub fn landmarks(&self, parameters: &Parameters) -> Landmarks {
        let space = self.shape_in_space(&parameters.shape);
        let r = rotation_of(parameters.rotation);
        std::array::from_fn(|i| {
            let turned = turn(&r, point(&space, i));
            [0, 1].map(|axis| parameters.scale * turned[axis] + parameters.translation[axis])
        })
    }

    /// The derivative of the landmarks, 136 rows (68 x, 68 y) of [`PARAMETERS`] columns: by the scale, by small turns that
    /// come before the rotation (`R (I + [w]x)`), by the translation, by the modes.
    pub fn jacobian(&self, parameters: &Parameters) -> Vec<f64> {
        let space = self.shape_in_space(&parameters.shape);
        let (r, s) = (rotation_of(parameters.rotation), parameters.scale);
        let mut jacobian = vec![0.0; 2 * POINTS * PARAMETERS];
        for (row, out) in jacobian.chunks_exact_mut(PARAMETERS).enumerate() {
            let (axis, i) = (row / POINTS, row % POINTS);
            let [x, y, z] = point(&space, i);
            let [a, b, c] = r[axis];
            out[0] = a * x + b * y + c * z;
            out[1] = s * (c * y - b * z);
            out[2] = s * (a * z - c * x);
            out[3] = s * (b * x - a * y);
            out[4 + axis] = 1.0;
            let modes = [i, i + POINTS, i + 2 * POINTS].map(|k| &self.file.components[k * MODES..(k + 1) * MODES]);
            for (k, value) in out[6..].iter_mut().enumerate() {
                *value = s * (a * modes[0][k] + b * modes[1][k] + c * modes[2][k]);
            }
        }
        jacobian
    }

    /// Parameters of the mean face that fill a box of `[left, top, width, height]` pixels about the landmarks: the scale
    /// is the mean of those that fit width and height, the middle lies in the box's middle.
    pub fn in_box(&self, [left, top, width, height]: [f64; 4]) -> Parameters {
        let mean = self.mean();
        let spans = [0, 1].map(|axis| span(mean[axis * POINTS..(axis + 1) * POINTS].iter().copied()));
        let scale = (width / (spans[0].1 - spans[0].0) + height / (spans[1].1 - spans[1].0)) / 2.0;
        let middle = |from: f64, size: f64, (low, high): (f64, f64)| from + size / 2.0 - scale * (low + high) / 2.0;
        Parameters {
            scale,
            rotation: [0.0; 3],
            translation: [middle(left, width, spans[0]), middle(top, height, spans[1])],
            shape: [0.0; MODES],
        }
    }
}

/// Least and greatest.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// The point `i` of 68 x, 68 y, 68 z.
pub(crate) fn point(space: &[f64], i: usize) -> [f64; 3] {
    [space[i], space[i + POINTS], space[i + 2 * POINTS]]
}

/// The rotation times a point.
pub(crate) fn turn(r: &Rotation, p: [f64; 3]) -> [f64; 3] {
    r.map(|row| row[0] * p[0] + row[1] * p[1] + row[2] * p[2])
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
