//! UltraFace (Linzaer's Ultra-Light-Fast-Generic-Face-Detector-1MB): one list of scores and one of boxes, decoded within
//! the network.

use anyhow::{Result, ensure};

use super::{Bounds, Detection, Letterbox};

/// Grey of the padding: 0 for the network.
pub(super) const PADDING: f32 = 127.0;

/// RGB 0..255 to what the network takes, in place.
pub(super) fn scale(planes: &mut [f32]) {
    planes.iter_mut().for_each(|v| *v = (*v - 127.0) / 128.0);
}

/// The candidates: `scores` is `[n, 2]` (background, face), `boxes` `[n, 4]` (left, top, right, bottom as parts of the
/// frame).
pub(super) fn decode(scores: &[f32], boxes: &[f32], min_score: f32, place: &Letterbox) -> Result<Vec<Detection>> {
    ensure!(
        scores.len() / 2 == boxes.len() / 4,
        "the detector gives {} scores and {} boxes",
        scores.len() / 2,
        boxes.len() / 4
    );
    let [width, height] = place.frame.map(|v| v as f32);
    let candidates = scores.chunks_exact(2).zip(boxes.chunks_exact(4)).filter(|(s, _)| s[1] >= min_score);
    Ok(candidates
        .map(|(s, b)| {
            let bounds = Bounds { left: b[0] * width, top: b[1] * height, right: b[2] * width, bottom: b[3] * height };
            Detection { bounds: place.back_bounds(&bounds), score: s[1], points: None }
        })
        .collect())
}
