//! Changing the size of a plane: bilinear, or by the mean of the area, as `cv2.resize`.

use crate::plane::Plane;

/// Where the new pixels of one axis lie between the old ones: the lower neighbour, the upper one, the share of the upper.
fn positions(old: usize, new: usize, scale: f64) -> Vec<(usize, usize, f32)> {
    let last = old - 1;
    (0..new)
        .map(|d| {
            let at = (d as f64 + 0.5) * scale - 0.5;
            let lower = at.floor();
            if lower < 0.0 {
                (0, 1.min(last), 0.0)
            } else if lower as usize >= last {
                (last, last, 0.0)
            } else {
                (lower as usize, lower as usize + 1, (at - lower) as f32)
            }
        })
        .collect()
}

/// `a + (b - a) * share` with one rounding at the end, as a fused multiply-add has it: the product of two f32 is exact in f64.
fn between(a: f32, b: f32, share: f32) -> f32 {
    (f64::from(a) + f64::from(b - a) * f64::from(share)) as f32
}

/// Bilinear interpolation without smoothing: `cv2.resize(..., INTER_LINEAR)` of a float picture, bit for bit as the builds
/// with IPP (x86) compute it. `scale` is old pixels per new pixel, (rows, columns).
pub(crate) fn linear(plane: &Plane, height: usize, width: usize, scale: (f64, f64)) -> Plane {
    let columns = positions(plane.width(), width, scale.1);
    let wide = Plane::from_fn(plane.height(), width, |y, x| {
        let (a, b, share) = columns[x];
        let row = plane.row(y);
        between(row[a], row[b], share)
    });
    let rows = positions(plane.height(), height, scale.0);
    Plane::from_fn(height, width, |y, x| {
        let (a, b, share) = rows[y];
        between(wide.at(a, x), wide.at(b, x), share)
    })
}

/// [`linear`] to a size, with the scale that follows from the sizes.
pub(crate) fn linear_to(plane: &Plane, height: usize, width: usize) -> Plane {
    // As OpenCV: the reciprocal of the enlargement.
    let scale = |old: usize, new: usize| 1.0 / (new as f64 / old as f64);
    linear(plane, height, width, (scale(plane.height(), height), scale(plane.width(), width)))
}

/// What the new pixels of one axis cover of the old ones: the first one, and the share of each.
fn covered(old: usize, new: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = old as f64 / new as f64;
    (0..new)
        .map(|d| {
            let (from, to) = (d as f64 * scale, (d + 1) as f64 * scale);
            let first = (from as usize).min(old - 1);
            let last = (to.ceil() as usize).clamp(first + 1, old);
            let share = |i: usize| ((i + 1) as f64).min(to) - (i as f64).max(from);
            (first, (first..last).map(|i| share(i).max(0.0) / scale).collect())
        })
        .collect()
}

/// Every new pixel is the mean of the area that it covers: `cv2.resize(..., INTER_AREA)` where a picture becomes smaller.
pub(crate) fn area(plane: &Plane, height: usize, width: usize) -> Plane {
    let (rows, columns) = (covered(plane.height(), height), covered(plane.width(), width));
    Plane::from_fn(height, width, |y, x| {
        let ((top, heights), (left, widths)) = (&rows[y], &columns[x]);
        let row =
            |i: usize| widths.iter().zip(&plane.row(top + i)[*left..]).map(|(w, &v)| w * f64::from(v)).sum::<f64>();
        heights.iter().enumerate().map(|(i, h)| h * row(i)).sum::<f64>() as f32
    })
}
