//! Flip, rotation, shift, scale, zoom and shear as one affine map and one bilinear resampling.

use super::ranges::Ranges;
use crate::options::Fill;
use ferrotype_base::random::Stream;

/// Where a target pixel's value stands in the source: `source = matrix * (x, y) + offset`, in pixel indices (the centre
/// of the first pixel is 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Row-major: `[[xx, xy], [yx, yy]]`.
    pub matrix: [[f64; 2]; 2],
    /// `[x, y]`.
    pub offset: [f64; 2],
}

impl Affine {
    /// The same map for a source of `[height, width]` that would be resized to `size` with half-pixel centres first.
    pub fn after_resize(&self, from: [usize; 2], size: usize) -> Self {
        let ratio = [from[1] as f64 / size as f64, from[0] as f64 / size as f64];
        let axis = |k: usize| self.matrix[k].map(|m| m * ratio[k]);
        let start = |k: usize| (self.offset[k] + 0.5) * ratio[k] - 0.5;
        Self { matrix: [axis(0), axis(1)], offset: [start(0), start(1)] }
    }
}

/// Draws a map of a `size` by `size` image onto itself, about its centre.
///
/// The order is that of `distort_img` and `crop_img` in microsoft/FERPlus: shift, then rotation, shear in y, shear in x
/// and scale. Keras' generator orders rotation, shear and zoom alike but shifts inside the rotation. All draws are made
/// whatever the ranges are, so that changing one range leaves the others' choices as they were.
pub fn draw_affine(ranges: &Ranges, size: usize, choice: &mut Stream) -> Affine {
    let flipped = choice.chance(ranges.flip);
    let mut either_way = |most: f32| f64::from(choice.uniform(-1.0, 1.0) * most);
    let angle = either_way(ranges.rotate).to_radians();
    let shift = [either_way(ranges.shift) * size as f64, either_way(ranges.shift) * size as f64];
    let shear = [either_way(ranges.shear), either_way(ranges.shear)];
    let zoom = [1.0 + either_way(ranges.zoom), 1.0 + either_way(ranges.zoom)];
    let mut factor = || {
        let grown = 1.0 + f64::from(ranges.scale) * choice.unit();
        if choice.chance(0.5) { 1.0 / grown } else { grown }
    };
    let scale = [factor() * zoom[0], factor() * zoom[1]];

    let (sin, cos) = angle.sin_cos();
    let mut matrix = multiply([[scale[0], 0.0], [0.0, scale[1]]], [[1.0, shear[0]], [0.0, 1.0]]);
    matrix = multiply(matrix, [[1.0, 0.0], [shear[1], 1.0]]);
    matrix = multiply(matrix, [[cos, sin], [-sin, cos]]);
    let centre = (size as f64 - 1.0) / 2.0;
    let mut offset = [0, 1].map(|k| {
        let [x, y] = [centre + shift[0], centre + shift[1]];
        centre - matrix[k][0] * x - matrix[k][1] * y
    });
    if flipped {
        // The target is mirrored: x becomes size - 1 - x.
        for k in 0..2 {
            offset[k] += matrix[k][0] * (size as f64 - 1.0);
            matrix[k][0] = -matrix[k][0];
        }
    }
    Affine { matrix, offset }
}

fn multiply(a: [[f64; 2]; 2], b: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
    a.map(|row| [row[0] * b[0][0] + row[1] * b[1][0], row[0] * b[0][1] + row[1] * b[1][1]])
}

/// Bilinear resampling of planes `[channels, height, width]` to `[channels, size, size]`.
pub fn resample(planes: &[f32], from: [usize; 2], affine: &Affine, size: usize, fill: Fill) -> Vec<f32> {
    let [height, width] = from;
    let area = height * width;
    let channels = planes.len() / area;
    let mut out = vec![0.0; channels * size * size];
    for row in 0..size {
        for column in 0..size {
            let (x, y) = (column as f64, row as f64);
            let at = |k: usize| affine.matrix[k][0] * x + affine.matrix[k][1] * y + affine.offset[k];
            let (columns, part_x) = neighbours(at(0), width, fill);
            let (rows, part_y) = neighbours(at(1), height, fill);
            let corners = [
                (rows[0], columns[0], (1.0 - part_y) * (1.0 - part_x)),
                (rows[0], columns[1], (1.0 - part_y) * part_x),
                (rows[1], columns[0], part_y * (1.0 - part_x)),
                (rows[1], columns[1], part_y * part_x),
            ];
            for channel in 0..channels {
                let plane = &planes[channel * area..(channel + 1) * area];
                let value = |(r, c, weight): (usize, usize, f32)| {
                    // Outside the picture under `Fill::Zero`, an index is `OUTSIDE`.
                    if r == OUTSIDE || c == OUTSIDE { 0.0 } else { plane[r * width + c] * weight }
                };
                out[(channel * size + row) * size + column] = corners.map(value).iter().sum::<f32>().clamp(0.0, 255.0);
            }
        }
    }
    out
}

const OUTSIDE: usize = usize::MAX;

/// The two pixels about a position along an axis of `n` pixels, and the weight of the second.
fn neighbours(position: f64, n: usize, fill: Fill) -> ([usize; 2], f32) {
    let last = (n - 1) as f64;
    let position = if fill == Fill::Nearest { position.clamp(0.0, last) } else { position };
    let floor = position.floor();
    let part = (position - floor) as f32;
    let first = floor as i64;
    if first >= 0 && first + 1 < n as i64 {
        return ([first as usize, first as usize + 1], part);
    }
    ([border(first, n, fill), border(first + 1, n, fill)], part)
}

/// An index that may lie outside 0..n, by the fill rule.
fn border(index: i64, n: usize, fill: Fill) -> usize {
    let count = n as i64;
    match fill {
        Fill::Nearest => index.clamp(0, count - 1) as usize,
        // c b a | a b c | c b a, as scipy's and Keras' "reflect".
        Fill::Reflect => {
            let turn = index.rem_euclid(2 * count);
            turn.min(2 * count - 1 - turn) as usize
        }
        Fill::Zero if (0..count).contains(&index) => index as usize,
        Fill::Zero => OUTSIDE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Resize;
    use crate::preprocess::{Picture, resize};

    const IDENTITY: Affine = Affine { matrix: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] };

    fn noise(n: usize) -> Vec<u8> {
        let mut stream = Stream::new(8);
        (0..n).map(|_| stream.below(256) as u8).collect()
    }

    #[test]
    fn composed_identity_equals_the_bilinear_rule() {
        for (h, w, size) in [(48, 48, 64), (31, 57, 20), (20, 1, 9)] {
            let pixels = noise(h * w);
            let picture = Picture::new(&pixels, h, w, 1).unwrap();
            let expected = resize(&picture, size, Resize::Bilinear);
            let planes: Vec<f32> = pixels.iter().map(|&v| f32::from(v)).collect();
            let found = resample(&planes, [h, w], &IDENTITY.after_resize([h, w], size), size, Fill::Nearest);
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3));
        }
    }

    #[test]
    fn a_sure_flip_mirrors_exactly() {
        let planes: Vec<f32> = noise(2 * 7 * 7).into_iter().map(f32::from).collect();
        let affine = draw_affine(&Ranges { flip: 1.0, ..Ranges::default() }, 7, &mut Stream::new(1));
        let out = resample(&planes, [7, 7], &affine, 7, Fill::Zero);
        for (a, b) in planes.chunks(7).zip(out.chunks(7)) {
            assert_eq!(a.iter().rev().copied().collect::<Vec<_>>(), b);
        }
    }

    #[test]
    fn a_quarter_turn_is_a_quarter_turn() {
        let planes: Vec<f32> = (0..9u8).map(f32::from).collect();
        let turn = Affine { matrix: [[0.0, 1.0], [-1.0, 0.0]], offset: [0.0, 2.0] };
        assert_eq!(resample(&planes, [3, 3], &turn, 3, Fill::Zero), [6.0, 3.0, 0.0, 7.0, 4.0, 1.0, 8.0, 5.0, 2.0]);
    }

    #[test]
    fn borders_follow_the_fill() {
        let indices = |fill| (-4..7).map(|i| border(i, 3, fill)).collect::<Vec<_>>();
        assert_eq!(indices(Fill::Nearest), [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]);
        assert_eq!(indices(Fill::Reflect), [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        let o = OUTSIDE;
        assert_eq!(indices(Fill::Zero), [o, o, o, o, 0, 1, 2, o, o, o, o]);
    }

    #[test]
    fn ranges_bound_the_map_and_the_centre_moves_by_the_shift() {
        let ranges = Ranges { rotate: 30.0, shift: 0.1, scale: 0.2, ..Ranges::default() };
        let (mut turned, mut moved) = (0.0f64, 0.0f64);
        for key in 0..500 {
            let Affine { matrix: m, offset } = draw_affine(&ranges, 48, &mut Stream::new(key));
            // Scale stands left of the rotation: each row of the matrix is a factor times a unit vector.
            for row in m {
                let factor = row[0].hypot(row[1]);
                assert!((1.0 / 1.2 - 1e-9..=1.2 + 1e-9).contains(&factor), "{factor}");
            }
            turned = turned.max(m[0][1].atan2(m[0][0]).to_degrees().abs());
            // The target point that shows the source's centre.
            let determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
            let [x, y] = [23.5 - offset[0], 23.5 - offset[1]];
            let shown = [(m[1][1] * x - m[0][1] * y) / determinant, (m[0][0] * y - m[1][0] * x) / determinant];
            moved = shown.iter().fold(moved, |most, s| most.max((s - 23.5).abs()));
        }
        assert!((28.0..=30.0001).contains(&turned) && (4.6..=4.8001).contains(&moved), "{turned} {moved}");
    }
}
