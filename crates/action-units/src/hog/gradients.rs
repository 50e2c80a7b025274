//! From pixels to the histogram of each cell. Rows are worked on as a whole, in loops over fixed lengths that the compiler
//! turns into vector instructions.

use super::{CELL, CELLS};
use crate::align::SIDE;

/// Signed directions.
pub const DIRECTIONS: usize = 18;
/// Cells in a row of the histograms: one more at each edge, so that no pixel's share needs a check.
pub const PADDED: usize = CELLS + 2;

/// The first five of nine directions over half a circle, as dlib rounds them; the others are their mirror images.
const UNITS: [[f32; 2]; 5] = [[1.0, 0.0], [0.9397, 0.3420], [0.7660, 0.6428], [0.5, 0.8660], [0.1736, 0.9848]];

/// dlib takes columns in eights from 1 on, and the rest of a row one by one with another order of multiplication.
const IN_EIGHTS: usize = 1 + (SIDE - 1 - 1 - 1) / 8 * 8;

type Row = [f32; SIDE];

/// A row's colours: blue, green, red. Of equal gradients the first counts. (dlib puts red first; OpenFace hands it blue
/// for red.)
type Colours = [Row; 3];

/// Sums of gradient lengths by cell and direction: `(16, 16, 18)`, the outermost cells are not used.
pub fn histograms(bgr: &[u8]) -> Vec<f32> {
    let mut out = vec![0.0; PADDED * PADDED * DIRECTIONS];
    let columns = Columns::new();
    let mut lines = bgr.chunks_exact(SIDE * 3).map(colours);
    let (Some(mut above), Some(mut here)) = (lines.next(), lines.next()) else { return out };
    for (y, below) in lines.enumerate() {
        vote(&mut out, &Gradient::of(&above, &here, &below), share(y + 1), &columns);
        (above, here) = (here, below);
    }
    out
}

fn colours(line: &[u8]) -> Colours {
    // Bytes are sorted by colour first: the second loop becomes vector instructions.
    let mut sorted = [[0u8; SIDE]; 3];
    for (x, pixel) in line.as_chunks::<3>().0.iter().enumerate().take(SIDE) {
        for c in 0..3 {
            sorted[c][x] = pixel[c];
        }
    }
    let mut out = [[0.0; SIDE]; 3];
    for (row, bytes) in out.iter_mut().zip(&sorted) {
        row.iter_mut().zip(bytes).for_each(|(out, &byte)| *out = f32::from(byte));
    }
    out
}

/// `a` where the condition holds, else `b`, without a branch: loops of it become vector instructions.
fn pick(condition: bool, a: u32, b: u32) -> u32 {
    let mask = 0u32.wrapping_sub(u32::from(condition));
    a & mask | b & !mask
}

fn pick_number(condition: bool, a: f32, b: f32) -> f32 {
    f32::from_bits(pick(condition, a.to_bits(), b.to_bits()))
}

/// How a pixel's row or column divides between two cells.
#[derive(Clone, Copy)]
struct Share {
    /// The first of the cells, counted from the padding.
    cell: usize,
    /// What the first gets.
    near: f32,
    /// What the second gets.
    far: f32,
}

fn share(at: usize) -> Share {
    // Halves and eighths: no rounding.
    let place = (at as f32 + 0.5) / CELL as f32 + 0.5;
    let cell = place as usize;
    let far = place - cell as f32;
    Share { cell, near: 1.0 - far, far }
}

/// The shares of all columns.
struct Columns {
    /// Where the first cell's directions begin in a row of cells.
    start: [usize; SIDE],
    near: Row,
    far: Row,
}

impl Columns {
    fn new() -> Self {
        Self {
            start: std::array::from_fn(|x| share(x).cell * DIRECTIONS),
            near: std::array::from_fn(|x| share(x).near),
            far: std::array::from_fn(|x| share(x).far),
        }
    }
}

/// A row's gradients: their lengths and directions.
struct Gradient {
    length: Row,
    direction: [u32; SIDE],
}

impl Gradient {
    fn of(above: &Colours, here: &Colours, below: &Colours) -> Self {
        let (mut dx, mut dy, mut squared) = ([0.0; SIDE], [0.0; SIDE], [0.0; SIDE]);
        for ((above, here), below) in above.iter().zip(here).zip(below) {
            for x in 1..SIDE - 1 {
                let (h, v) = (here[x + 1] - here[x - 1], below[x] - above[x]);
                let s = h * h + v * v;
                let stronger = s > squared[x];
                dx[x] = pick_number(stronger, h, dx[x]);
                dy[x] = pick_number(stronger, v, dy[x]);
                squared[x] = pick_number(stronger, s, squared[x]);
            }
        }
        let direction = directions(&dx, &dy);
        squared.iter_mut().for_each(|s| *s = s.sqrt());
        Self { length: squared, direction }
    }
}

/// The direction with the largest scalar product; the first of equals, and 0 where there is no gradient.
///
/// The scalar products of a gradient with its own signs' quarter of the circle are the largest, so five are computed of
/// the absolute values. In the mirrored quarter the order of the directions, which decides among equals, is the opposite.
fn directions(dx: &Row, dy: &Row) -> [u32; SIDE] {
    let mut best = [0.0f32; SIDE];
    let mut nearest = [0u32; SIDE];
    for (o, [ux, uy]) in [1, 2, 3, 4, 0].map(|o| (o, UNITS[o as usize])) {
        for x in 0..SIDE {
            let product = dx[x].abs() * ux + dy[x].abs() * uy;
            // Direction 0 is the first in both orders.
            let wins_equals = (o == 0) | (dx[x] * dy[x] < 0.0);
            let better = (product > best[x]) | (wins_equals & (product == best[x]));
            best[x] = pick_number(better, product, best[x]);
            nearest[x] = pick(better, o, nearest[x]);
        }
    }
    let mut direction = [0; SIDE];
    for x in 0..SIDE {
        let is_mirrored = (dx[x] * dy[x] < 0.0) & (nearest[x] != 0);
        let is_opposite = (dy[x] < 0.0) & (nearest[x] != 0) | (dx[x] < 0.0) & (nearest[x] == 0);
        direction[x] = pick(is_mirrored, 9 - nearest[x], nearest[x]) + pick(is_opposite, 9, 0);
    }
    direction
}

/// Adds a row's lengths to the four cells around each pixel.
fn vote(out: &mut [f32], gradient: &Gradient, row: Share, columns: &Columns) {
    let mut parts = [[0.0f32; SIDE]; 4];
    for (part, (down, right)) in parts.iter_mut().zip([
        (row.near, &columns.near),
        (row.near, &columns.far),
        (row.far, &columns.near),
        (row.far, &columns.far),
    ]) {
        for x in 0..IN_EIGHTS {
            part[x] = down * (right[x] * gradient.length[x]);
        }
        for x in IN_EIGHTS..SIDE {
            part[x] = down * right[x] * gradient.length[x];
        }
    }
    let stride = PADDED * DIRECTIONS;
    let (upper, lower) = out[row.cell * stride..(row.cell + 2) * stride].split_at_mut(stride);
    for (x, &length) in gradient.length.iter().enumerate() {
        // What is masked out has no gradient, nor have the first and last column.
        if length != 0.0 {
            let at = columns.start[x] + gradient.direction[x] as usize;
            let (upper, lower) = (&mut upper[at..at + DIRECTIONS + 1], &mut lower[at..at + DIRECTIONS + 1]);
            upper[0] += parts[0][x];
            upper[DIRECTIONS] += parts[1][x];
            lower[0] += parts[2][x];
            lower[DIRECTIONS] += parts[3][x];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All gradients that a picture of 8 bits can have, against the nine scalar products and their signs one by one.
    #[test]
    fn directions_are_those_of_nine_scalar_products() {
        let all: Vec<[f32; 2]> =
            (0..9).map(|o| if o < 5 { UNITS[o] } else { [-UNITS[9 - o][0], UNITS[9 - o][1]] }).collect();
        let plain = |dx: f32, dy: f32| {
            let (mut best, mut direction) = (0.0, 0);
            for (o, [ux, uy]) in (0u32..).zip(&all) {
                let dot = dx * ux + dy * uy;
                if dot > best {
                    (best, direction) = (dot, o);
                } else if -dot > best {
                    (best, direction) = (-dot, o + 9);
                }
            }
            direction
        };
        for y in -255..=255 {
            for start in (-255..=255).step_by(SIDE) {
                let dx: Row = std::array::from_fn(|x| (start + x as i32) as f32);
                let ours = directions(&dx, &[y as f32; SIDE]);
                assert!(dx.iter().zip(ours).all(|(&dx, o)| o == plain(dx, y as f32)), "{y} {start}");
            }
        }
    }
}
