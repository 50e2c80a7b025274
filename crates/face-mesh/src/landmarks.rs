//! The mesh of a face: 478 points in three dimensions.

use std::path::Path;

use anyhow::Result;

use crate::crop::{Border, Scale, crop};
use crate::network::{Form, Network};
use crate::picture::Picture;
use crate::region::Region;

/// Points of a mesh: 468 of the face, then five of each iris, the left one in the picture first.
pub const POINTS: usize = 478;
/// A mesh of which the network is less sure is no face.
pub const MIN_PRESENCE: f32 = 0.5;

/// Pixels per side that the network takes.
const SIDE: usize = 256;

const FORM: Form = Form {
    what: "face mesh",
    whose: "MediaPipe's mesh with irises (`mediapipe_face_mesh`)",
    input: &[1, SIDE, SIDE, 3],
    outputs: &[&[1, 1, 1, 3 * POINTS], &[1, 1, 1, 1]],
};

/// A face.
#[derive(Clone, Debug, PartialEq)]
pub struct Mesh {
    /// x and y in pixels of the picture; z in the same unit, smaller towards the camera, about 0 in the middle of the head.
    pub points: [[f32; 3]; POINTS],
    /// How sure it is that there is a face, 0 to 1.
    pub presence: f32,
}

impl Mesh {
    /// The smallest box that holds all points: its upper left and lower right corners.
    pub fn bounds(&self) -> [[f32; 2]; 2] {
        let edge = |k: usize, f: fn(f32, f32) -> f32| self.points.iter().map(|p| p[k]).reduce(f).unwrap_or_default();
        [[edge(0, f32::min), edge(1, f32::min)], [edge(0, f32::max), edge(1, f32::max)]]
    }

    /// Whether it is a face.
    pub fn is_present(&self) -> bool {
        self.presence > MIN_PRESENCE
    }
}

/// The network that finds them.
pub struct Landmarks {
    network: Network,
}

impl Landmarks {
    /// Loads its ONNX file.
    ///
    /// # Errors
    /// When it cannot be used or is another network.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { network: Network::open(path, &FORM)? })
    }

    /// The mesh of the face in a region, whether there is one ([`Mesh::is_present`]) or not.
    ///
    /// # Errors
    /// When the region is no place in a picture or the network cannot be run.
    pub fn find(&self, picture: &Picture, region: &Region) -> Result<Mesh> {
        region.check()?;
        let scale = Scale { factor: 1.0 / 255.0, offset: 0.0 };
        let values = self.network.run(crop(picture, region, SIDE, Border::Nearest, scale))?;
        let logit = values[1][0];
        Ok(Mesh { points: placed(&values[0], region), presence: 1.0 / (1.0 + (-logit).exp()) })
    }
}

/// Points of the crop in the picture. z has the scale of the region's width, as in MediaPipe.
fn placed(values: &[f32], region: &Region) -> [[f32; 3]; POINTS] {
    let mut points = [[0.0; 3]; POINTS];
    for (point, value) in points.iter_mut().zip(values.chunks_exact(3)) {
        let [x, y] = region.place([value[0] / SIDE as f32, value[1] / SIDE as f32]);
        *point = [x, y, value[2] / SIDE as f32 * region.size[0]];
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_placed_in_the_picture() {
        let mut values = [128.0; 3 * POINTS];
        values[..3].copy_from_slice(&[0.0, 64.0, -32.0]);
        let region = Region { centre: [100.0, 50.0], size: [512.0, 256.0], rotation: 0.0 };
        let points = placed(&values, &region);
        assert_eq!(points[..2], [[-156.0, -14.0, -64.0], [100.0, 50.0, 256.0]]);
        assert_eq!(points[477], points[1]);
    }
}
