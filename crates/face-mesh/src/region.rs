//! Where in a picture a network looks: a turned rectangle around a face.

use std::f32::consts::PI;

use anyhow::{Result, ensure};

use crate::detector::Detection;
use crate::landmarks::Mesh;

/// How many times a face's box the mesh is shown.
const REACH: f32 = 1.5;
/// How many longer sides of another detector's box, and how far below its middle: measured with YuNet's boxes, which go to the
/// hair, where MediaPipe's begin at the brows.
const BOX_REACH: f32 = 1.2;
const BOX_SHIFT: f32 = 0.09;
/// Outer corners of the eyes in the mesh, the left one in the picture first.
const CORNERS: [usize; 2] = [33, 263];
/// Sides outside of which nothing is to be seen, or to be computed with.
const SIDES: std::ops::RangeInclusive<f32> = 1.0..=1e6;

/// A rectangle about its middle, turned clockwise as the picture is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Its middle in pixels, x and y.
    pub centre: [f32; 2],
    /// Width and height in pixels.
    pub size: [f32; 2],
    /// Radians, from -pi to pi; 0 where it lies straight.
    pub rotation: f32,
}

impl Region {
    /// What the mesh is shown of a face that a detector found: one and a half times its box, turned so that the eyes are
    /// level. The box is not made a square, and the crop is stretched, as in MediaPipe's Face Landmarker.
    pub fn of_detection(detection: &Detection) -> Self {
        let [left, top, right, bottom] = detection.bounds;
        Self {
            centre: [(left + right) / 2.0, (top + bottom) / 2.0],
            size: [REACH * (right - left), REACH * (bottom - top)],
            rotation: level(detection.points[0], detection.points[1]),
        }
    }

    /// What the mesh is shown of a face that another detector found, whose box (left, top, right, bottom) reaches from the
    /// hair to the chin: as much as of one that MediaPipe's detector found. It is turned so that the eyes are level, where
    /// they are known, the left one in the picture first.
    pub fn of_box([left, top, right, bottom]: [f32; 4], eyes: Option<[[f32; 2]; 2]>) -> Self {
        let (longer, rotation) = ((right - left).max(bottom - top), eyes.map_or(0.0, |[a, b]| level(a, b)));
        let (sin, cos) = rotation.sin_cos();
        let down = BOX_SHIFT * longer;
        Self {
            centre: [(left + right) / 2.0 - sin * down, (top + bottom) / 2.0 + cos * down],
            size: [BOX_REACH * longer; 2],
            rotation,
        }
    }

    /// Where the face of a mesh is to be looked for in the next frame: a square of one and a half times the longer side of
    /// the box that holds all points, turned so that the outer corners of the eyes are level.
    pub fn of_mesh(mesh: &Mesh) -> Self {
        let [low, high] = mesh.bounds();
        let side = REACH * (high[0] - low[0]).max(high[1] - low[1]);
        let [a, b] = CORNERS.map(|i| [mesh.points[i][0], mesh.points[i][1]]);
        Self { centre: [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0], size: [side; 2], rotation: level(a, b) }
    }

    /// The place in the picture of a place in the region, whose sides are 1.
    pub fn place(&self, [u, v]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.rotation.sin_cos();
        let (x, y) = ((u - 0.5) * self.size[0], (v - 0.5) * self.size[1]);
        [self.centre[0] + cos * x - sin * y, self.centre[1] + sin * x + cos * y]
    }

    /// The part that two regions share of what they cover together, both laid straight.
    pub fn overlap(&self, other: &Self) -> f32 {
        let edges = |region: &Self, k: usize| {
            [region.centre[k] - region.size[k] / 2.0, region.centre[k] + region.size[k] / 2.0]
        };
        let shared = |k: usize| {
            let ([a, b], [c, d]) = (edges(self, k), edges(other, k));
            (b.min(d) - a.max(c)).max(0.0)
        };
        let area = |region: &Self| region.size[0] * region.size[1];
        let both = shared(0) * shared(1);
        let all = area(self) + area(other) - both;
        if all > 0.0 { both / all } else { 0.0 }
    }

    /// # Errors
    /// When it is no place at which something can be seen.
    pub(crate) fn check(&self) -> Result<()> {
        let numbers = [self.centre[0], self.centre[1], self.rotation];
        ensure!(
            numbers.iter().all(|v| v.is_finite() && v.abs() <= *SIDES.end())
                && self.size.iter().all(|s| SIDES.contains(s)),
            "a face cannot be looked at in a region of {} x {} pixels about {:?}",
            self.size[0],
            self.size[1],
            self.centre
        );
        Ok(())
    }
}

/// The turn that makes two points level.
fn level(a: [f32; 2], b: [f32; 2]) -> f32 {
    let angle = (b[1] - a[1]).atan2(b[0] - a[0]);
    // MediaPipe's angles are below pi.
    if angle >= PI { -PI } else { angle }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(bounds: [f32; 4], eyes: [[f32; 2]; 2]) -> Detection {
        let mut points = [[0.0; 2]; 6];
        points[..2].copy_from_slice(&eyes);
        Detection { bounds, points, score: 1.0 }
    }

    #[test]
    fn regions_of_detections_keep_their_proportions() {
        let region = Region::of_detection(&detection([10.0, 20.0, 50.0, 50.0], [[20.0, 30.0], [40.0, 30.0]]));
        assert_eq!(region, Region { centre: [30.0, 35.0], size: [60.0, 45.0], rotation: 0.0 });
        let turned = Region::of_detection(&detection([0.0, 0.0, 2.0, 2.0], [[1.0, 0.0], [1.0, 2.0]]));
        assert_eq!(turned.rotation, PI / 2.0);
        let upside_down = Region::of_detection(&detection([0.0, 0.0, 2.0, 2.0], [[2.0, 1.0], [0.0, 1.0]]));
        assert_eq!(upside_down.rotation, -PI);
    }

    #[test]
    fn regions_of_boxes_turn_with_the_eyes() {
        let bounds = [100.0, 100.0, 180.0, 200.0];
        let straight = Region::of_box(bounds, None);
        assert_eq!((straight.centre, straight.rotation), ([140.0, 159.0], 0.0));
        assert!(straight.size.iter().all(|s| (s - 120.0).abs() < 1e-4), "{straight:?}");
        let turned = Region::of_box(bounds, Some([[140.0, 120.0], [140.0, 160.0]]));
        assert!((turned.centre[0] - 131.0).abs() < 1e-4 && (turned.centre[1] - 150.0).abs() < 1e-4, "{turned:?}");
        assert_eq!(turned.rotation, PI / 2.0);
    }

    #[test]
    fn regions_of_meshes_are_squares() {
        let mut mesh = Mesh { points: [[5.0, 5.0, 0.0]; 478], presence: 1.0 };
        mesh.points[0] = [1.0, 2.0, -3.0];
        mesh.points[1] = [11.0, 6.0, 4.0];
        mesh.points[33] = [4.0, 3.0, 0.0];
        mesh.points[263] = [7.0, 6.0, 0.0];
        assert_eq!(Region::of_mesh(&mesh), Region { centre: [6.0, 4.0], size: [15.0; 2], rotation: PI / 4.0 });
    }

    #[test]
    fn places_turn_with_the_region() {
        let straight = Region { centre: [10.0, 20.0], size: [8.0, 4.0], rotation: 0.0 };
        assert_eq!(
            [[0.0, 0.0], [1.0, 1.0], [0.5, 0.0]].map(|p| straight.place(p)),
            [[6.0, 18.0], [14.0, 22.0], [10.0, 18.0]]
        );
        // A quarter turn clockwise: its top looks to the right.
        let turned = Region { rotation: PI / 2.0, ..straight };
        let top = turned.place([0.5, 0.0]);
        assert!((top[0] - 12.0).abs() < 1e-5 && (top[1] - 20.0).abs() < 1e-5, "{top:?}");
        let corner = turned.place([0.0, 0.0]);
        assert!((corner[0] - 12.0).abs() < 1e-5 && (corner[1] - 16.0).abs() < 1e-5, "{corner:?}");
    }

    #[test]
    fn overlaps() {
        let a = Region { centre: [2.0, 2.0], size: [4.0, 4.0], rotation: 0.3 };
        assert_eq!(a.overlap(&a), 1.0);
        assert_eq!(a.overlap(&Region { centre: [4.0, 2.0], ..a }), 8.0 / 24.0);
        assert_eq!(a.overlap(&Region { centre: [9.0, 2.0], ..a }), 0.0);
        assert_eq!(a.overlap(&Region { size: [0.0; 2], ..a }), 0.0);
    }

    #[test]
    fn regions_without_a_place_are_refused() {
        let good = Region { centre: [2.0, 2.0], size: [4.0, 4.0], rotation: 0.3 };
        assert!(good.check().is_ok());
        let bad = [
            Region { centre: [f32::NAN, 0.0], ..good },
            Region { size: [0.0, 4.0], ..good },
            Region { size: [4.0, f32::INFINITY], ..good },
            Region { rotation: f32::NAN, ..good },
        ];
        assert!(bad.iter().all(|region| region.check().is_err()));
    }
}
