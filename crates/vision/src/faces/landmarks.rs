//! 68 landmarks of a face by a network in an ONNX file.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rten::{Dimension, NodeId};

use super::Bounds;
use ferrotype_data::augment::{Affine, resample};
use ferrotype_data::options::Fill;
use ferrotype_data::preprocess::Picture;
use ferrotype_onnx::OnnxNetwork;

/// The points of the iBUG 300-W scheme (Sagonas et al. 2013), `[x, y]` in pixels, where 0 is the edge of the first pixel:
/// jaw 0..16, brows 17..21 and 22..26, nose 27..35, eyes 36..41 and 42..47, lips 48..67. Left before right in the picture.
pub type Landmarks = [[f32; 2]; 68];

/// Pixels per side that the network takes.
const SIDE: usize = 112;
/// Side of the square that is looked at, in shorter sides of the face's box: that of the network's authors
/// (cunjian/pytorch_face_landmark).
const REACH: f32 = 1.2;

/// Finds the landmarks of faces with PFLD (Guo et al., arXiv:1902.10859) or a network of its form: RGB / 255 of 112 x 112
/// pixels in, 136 numbers out, which are x and y as parts of the square.
pub struct Landmarker {
    network: OnnxNetwork,
    input: NodeId,
    output: NodeId,
}

impl fmt::Debug for Landmarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Landmarker").field("path", &self.network.path()).finish_non_exhaustive()
    }
}

impl Landmarker {
    /// Loads the file.
    ///
    /// # Errors
    /// When it cannot be read, is not ONNX, is cut off, or is another network.
    pub fn open(path: &Path) -> Result<Self> {
        let network = OnnxNetwork::open(path, "landmark network")?;
        let model = network.model();
        let shown = path.display();
        let shape = |id: NodeId| model.node_info(id).and_then(|n| n.shape()).unwrap_or_default();
        let fixed = |d: Option<&Dimension>, n: usize| matches!(d, Some(Dimension::Fixed(m)) if *m == n);
        let input = model.input_ids().iter().copied().find(|&id| {
            let s = shape(id);
            s.len() == 4 && fixed(s.get(1), 3) && fixed(s.get(2), SIDE) && fixed(s.get(3), SIDE)
        });
        let output = model.output_ids().iter().copied().find(|&id| fixed(shape(id).last(), 136));
        let (Some(input), Some(output)) = (input, output) else {
            bail!(
                "{shown} is no landmark network that is known here: one with an input [batch, 3, {SIDE}, {SIDE}] and an \
                 output [batch, 136] is expected, as PFLD with 68 points has them"
            );
        };
        network.try_once(input, &[1, 3, SIDE, SIDE], &[output])?;
        Ok(Self { network, input, output })
    }

    /// The landmarks of the face in a box; those that lie outside the picture are guesses.
    ///
    /// # Errors
    /// When the box is empty or the network cannot be run.
    pub fn find(&self, picture: &Picture, bounds: &Bounds) -> Result<Landmarks> {
        let side = REACH * bounds.width().min(bounds.height());
        ensure!(side.is_finite() && side >= 1.0, "a face of {} x {} pixels", bounds.width(), bounds.height());
        let corner = [(bounds.left + bounds.right - side) / 2.0, (bounds.top + bounds.bottom - side) / 2.0];
        let values = self.run(square(picture, corner, side)).with_context(|| self.network.failed())?;
        let mut points = [[0.0; 2]; 68];
        for (point, value) in points.iter_mut().zip(values.chunks_exact(2)) {
            *point = [corner[0] + value[0] * side, corner[1] + value[1] * side];
        }
        Ok(points)
    }

    fn run(&self, planes: Vec<f32>) -> Result<Vec<f32>> {
        let values = self.network.run(self.input, &[1, 3, SIDE, SIDE], planes, &[self.output])?;
        let value = values.into_iter().next().context("it has no output")?;
        let (shape, values) = value.into_shape_vec::<f32, 2>().map_err(|e| anyhow!("its output: {e}"))?;
        ensure!(shape == [1, 136] && values.iter().all(|v| v.is_finite()), "its output has the shape {shape:?}");
        Ok(values)
    }
}

/// The square at a corner, as the network takes it: `[3, 112, 112]`, 0 to 1. Border pixels are repeated outside.
fn square(picture: &Picture, [left, top]: [f32; 2], side: f32) -> Vec<f32> {
    let step = f64::from(side) / SIDE as f64;
    let start = |v: f32| f64::from(v) + 0.5 * step - 0.5;
    let place = Affine { matrix: [[step, 0.0], [0.0, step]], offset: [start(left), start(top)] };
    let planes = ferrotype_data::preprocess::planes(picture);
    let found = resample(&planes, [picture.height, picture.width], &place, SIDE, Fill::Nearest);
    let n = SIDE * SIDE;
    (0..3 * n).map(|i| found[i % n + (i / n).min(picture.channels - 1) * n] / 255.0).collect()
}

/// The middle of each eye, left in the picture first.
pub fn eye_centres(points: &Landmarks) -> [[f32; 2]; 2] {
    let mean = |range: std::ops::Range<usize>, axis: usize| {
        let n = range.len() as f32;
        points[range].iter().map(|p| p[axis]).sum::<f32>() / n
    };
    [36..42, 42..48].map(|range| [mean(range.clone(), 0), mean(range, 1)])
}

/// The smallest box that holds all points.
pub fn bounds_of(points: &[[f32; 2]]) -> Bounds {
    let mut b = Bounds { left: f32::INFINITY, top: f32::INFINITY, right: f32::NEG_INFINITY, bottom: f32::NEG_INFINITY };
    for [x, y] in points {
        b = Bounds { left: b.left.min(*x), top: b.top.min(*y), right: b.right.max(*x), bottom: b.bottom.max(*y) };
    }
    b
}

/// Mean distance of two sets of landmarks, divided by the distance of the eyes' outer corners (36 and 45) of the true one:
/// the normalised mean error of 300-W.
pub fn normalised_error(found: &Landmarks, truth: &Landmarks) -> f64 {
    let distance = |a: [f32; 2], b: [f32; 2]| f64::from((a[0] - b[0]).hypot(a[1] - b[1]));
    let mean = found.iter().zip(truth).map(|(a, b)| distance(*a, *b)).sum::<f64>() / 68.0;
    mean / distance(truth[36], truth[45])
}
