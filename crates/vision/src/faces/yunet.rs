//! YuNet (as OpenCV's FaceDetectorYN uses it): at three scales, per cell of a grid, a class score, an object score, a box
//! and five points.

use anyhow::{Result, ensure};

use super::{Bounds, Detection, Letterbox};

/// Pixels per cell of the three grids.
pub(super) const STRIDES: [usize; 3] = [8, 16, 32];
/// Kinds of outputs with the number of values per cell of each; an output is named `<kind>_<stride>`.
pub(super) const KINDS: [(&str, usize); 4] = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)];
/// Sides of a frame are multiples of this, the largest stride.
pub(super) const MULTIPLE: usize = 32;
/// Longer side of a frame: larger pictures are made smaller. It finds faces of about 10 to 300 pixels in a frame.
pub(super) const SIDE: usize = 640;
/// Padding, as OpenCV has it.
pub(super) const PADDING: f32 = 0.0;

/// RGB planes to BGR, in place.
pub(super) fn swap(planes: &mut [f32]) {
    let n = planes.len() / 3;
    let (red, rest) = planes.split_at_mut(n);
    red.swap_with_slice(&mut rest[n..2 * n]);
}

/// The candidates of one grid; `values` in the order of [`KINDS`].
pub(super) fn decode(values: [&[f32]; 4], stride: usize, min_score: f32, place: &Letterbox) -> Result<Vec<Detection>> {
    let columns = place.frame[0] / stride;
    let cells = columns * (place.frame[1] / stride);
    for (v, (kind, count)) in values.iter().zip(KINDS) {
        ensure!(
            v.len() == cells * count,
            "the detector's output {kind}_{stride} has {} values for {} x {} pixels; {} are expected",
            v.len(),
            place.frame[0],
            place.frame[1],
            cells * count
        );
    }
    let [class, object, boxes, points] = values;
    let score = |i: usize| (class[i].clamp(0.0, 1.0) * object[i].clamp(0.0, 1.0)).sqrt();
    let found = (0..cells).filter(|&i| score(i) >= min_score);
    Ok(found
        .map(|i| {
            let (column, row, step) = ((i % columns) as f32, (i / columns) as f32, stride as f32);
            let point = |p: &[f32]| [(p[0] + column) * step, (p[1] + row) * step];
            let b = &boxes[4 * i..4 * i + 4];
            let ([x, y], width, height) = (point(b), b[2].exp() * step, b[3].exp() * step);
            let bounds = Bounds {
                left: x - width / 2.0,
                top: y - height / 2.0,
                right: x + width / 2.0,
                bottom: y + height / 2.0,
            };
            let points = std::array::from_fn(|k| place.back(point(&points[10 * i + 2 * k..10 * i + 2 * k + 2])));
            Detection { bounds: place.back_bounds(&bounds), score: score(i), points: Some(points) }
        })
        .collect())
}
