//! MediaPipe's short-range face detector: finds faces that fill a good part of the picture, as in front of a webcam.

use std::path::Path;

use anyhow::Result;

use crate::anchors::{COUNT, SIDE, anchors};
use crate::crop::{Border, Scale, crop};
use crate::network::{Form, Network};
use crate::picture::Picture;
use crate::region::Region;
use crate::suppress::{OVERLAP, suppress};

/// Numbers per anchor: middle, size, six points.
const VALUES: usize = 16;
/// Logits beyond are held to it.
const MOST: f32 = 100.0;
/// Smallest score of a face, as MediaPipe has it.
const MIN_SCORE: f32 = 0.5;
/// Grey levels become -1 to 1.
const SCALE: Scale = Scale { factor: 2.0 / 255.0, offset: -1.0 };

const FORM: Form = Form {
    what: "face detector",
    whose: "MediaPipe's short-range detector (`mediapipe_face_detector`)",
    input: &[1, SIDE, SIDE, 3],
    outputs: &[&[1, COUNT, VALUES], &[1, COUNT, 1]],
};

/// A face that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Left, top, right and bottom in pixels; from brows to chin, and partly outside of the picture where the face is.
    pub bounds: [f32; 4],
    /// Eyes, tip of the nose, mouth, and where the ears begin, in pixels; of eyes and ears the left one in the picture first.
    pub points: [[f32; 2]; 6],
    /// 0 to 1.
    pub score: f32,
}

/// The detector.
pub struct Detector {
    network: Network,
    anchors: Vec<[f32; 2]>,
}

impl Detector {
    /// Loads its ONNX file.
    ///
    /// # Errors
    /// When it cannot be used or is another network.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { network: Network::open(path, &FORM)?, anchors: anchors() })
    }

    /// The faces of a picture, the best score first; none where there are none, or only small ones.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn find(&self, picture: &Picture) -> Result<Vec<Detection>> {
        let [width, height] = [picture.width(), picture.height()].map(|n| n as f32);
        let square = Region { centre: [width / 2.0, height / 2.0], size: [width.max(height); 2], rotation: 0.0 };
        self.find_in(picture, &square)
    }

    /// The faces of a region of a picture, such as around one that another detector found. The region is best a square.
    ///
    /// # Errors
    /// When the region is no place in a picture or the network cannot be run.
    pub fn find_in(&self, picture: &Picture, region: &Region) -> Result<Vec<Detection>> {
        region.check()?;
        let values = self.network.run(crop(picture, region, SIDE, Border::Black, SCALE))?;
        let found = decode(&values[0], &values[1], &self.anchors);
        Ok(suppress(found, OVERLAP).into_iter().map(|d| d.placed(region)).collect())
    }
}

impl Detection {
    /// From parts of a region to pixels of the picture.
    fn placed(self, region: &Region) -> Self {
        let [left, top, right, bottom] = self.bounds;
        let corners = [[left, top], [right, top], [left, bottom], [right, bottom]].map(|p| region.place(p));
        let edge = |k: usize, f: fn(f32, f32) -> f32| corners.iter().map(|p| p[k]).reduce(f).unwrap_or_default();
        Self {
            bounds: [edge(0, f32::min), edge(1, f32::min), edge(0, f32::max), edge(1, f32::max)],
            points: self.points.map(|p| region.place(p)),
            score: self.score,
        }
    }
}

/// Detections in parts of the region: `values` are `[896, 16]`, `logits` `[896]`.
fn decode(values: &[f32], logits: &[f32], anchors: &[[f32; 2]]) -> Vec<Detection> {
    let rows = values.chunks_exact(VALUES).zip(logits).zip(anchors);
    let found = rows.filter_map(|((row, logit), anchor)| {
        let score = 1.0 / (1.0 + (-logit.clamp(-MOST, MOST)).exp());
        if score < MIN_SCORE {
            return None;
        }
        let place = |i: usize| [row[i] / SIDE as f32 + anchor[0], row[i + 1] / SIDE as f32 + anchor[1]];
        let ([x, y], [width, height]) = (place(0), [row[2] / SIDE as f32, row[3] / SIDE as f32]);
        let bounds = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0];
        let has_area = width > 0.0 && height > 0.0;
        has_area.then(|| Detection { bounds, points: std::array::from_fn(|i| place(4 + 2 * i)), score })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_about_their_anchors() {
        let mut values = [0.0; 3 * VALUES];
        values[VALUES..VALUES + 6].copy_from_slice(&[12.8, -12.8, 64.0, 32.0, 6.4, 12.8]);
        values[2 * VALUES + 2] = 64.0;
        let found = decode(&values, &[-0.1, 3.0, 200.0], &[[0.5; 2], [0.5, 0.25], [0.5; 2]]);
        // The first is too unsure, the last has no height.
        assert_eq!(found.len(), 1);
        let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(found[0].bounds.iter().zip([0.35, 0.025, 0.85, 0.275]).all(|(a, b)| close(*a, b)), "{found:?}");
        assert!(close(found[0].points[0][0], 0.55) && close(found[0].points[0][1], 0.35), "{found:?}");
        assert_eq!(found[0].points[1], [0.5, 0.25]);
        assert!(close(found[0].score, 1.0 / (1.0 + (-3.0f32).exp())));
    }

    #[test]
    fn a_detection_is_placed_in_the_picture() {
        let d = Detection { bounds: [0.25, 0.25, 0.5, 0.75], points: [[0.5, 0.25]; 6], score: 0.9 };
        let region = Region { centre: [320.0, 180.0], size: [640.0, 640.0], rotation: 0.0 };
        let placed = d.placed(&region);
        assert_eq!(placed.bounds, [160.0, 20.0, 320.0, 340.0]);
        assert_eq!((placed.points[5], placed.score), ([320.0, 20.0], 0.9));
    }
}
