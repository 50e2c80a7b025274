//! The similarity that brings a face onto the mean face.

use anyhow::{Result, ensure};

use super::SIDE;
use crate::Landmarks;

/// Points that move little with expressions: parts of the jaw, the nose and the eyes.
const RIGID: [usize; 24] = [1, 2, 3, 4, 12, 13, 14, 15, 27, 28, 29, 31, 32, 33, 34, 35, 36, 39, 40, 41, 42, 45, 46, 47];

/// Two rows of a matrix that takes a point (x, y, 1) of the picture to the aligned face.
pub type Affine = [[f64; 3]; 2];

/// The similarity that turns and scales the rigid points as those of `target` lie, and brings `origin` to the middle.
pub fn onto(landmarks: &Landmarks, target: &Landmarks, origin: [f64; 2]) -> Result<Affine> {
    let [from, to] = [landmarks, target].map(centred);
    let size = |points: &[[f64; 2]]| points.iter().flatten().map(|v| v * v).sum::<f64>();
    let (dot, cross) = from
        .iter()
        .zip(&to)
        .fold((0.0, 0.0), |(dot, cross), (a, b)| (dot + a[0] * b[0] + a[1] * b[1], cross + a[0] * b[1] - a[1] * b[0]));
    let scale = (size(&to) / size(&from)).sqrt();
    ensure!(
        scale.is_finite() && scale > 0.0 && (dot, cross) != (0.0, 0.0) && origin.iter().all(|v| v.is_finite()),
        "the face cannot be aligned: its landmarks are not finite or lie on one spot"
    );
    let (sine, cosine) = cross.atan2(dot).sin_cos();
    // OpenFace keeps this matrix in float32, and the warp starts from what is kept.
    let [c, s] = [scale * cosine, scale * sine].map(|v| f64::from(v as f32));
    let middle = (SIDE / 2) as f64;
    let shift = [c * origin[0] - s * origin[1], s * origin[0] + c * origin[1]].map(|v| f64::from((middle - v) as f32));
    Ok([[c, -s, shift[0]], [s, c, shift[1]]])
}

/// The rigid points from their middle.
fn centred(points: &Landmarks) -> Vec<[f64; 2]> {
    let rigid = RIGID.map(|i| points[i]);
    let middle = [0, 1].map(|axis| rigid.iter().map(|p| p[axis]).sum::<f64>() / rigid.len() as f64);
    rigid.iter().map(|p| [p[0] - middle[0], p[1] - middle[1]]).collect()
}

/// The landmarks in the aligned face.
pub fn moved(warp: &Affine, landmarks: &Landmarks) -> Landmarks {
    landmarks.map(|[x, y]| warp.map(|row| row[0] * x + row[1] * y + row[2]))
}
