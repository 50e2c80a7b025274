//! From pixels to the histogram of each cell. Rows are worked on as a whole, in loops over fixed lengths that the compiler
//! turns into vector instructions.

use super::{CELL, CELLS};
use crate::align::SIDE;

/// Signed directions.
pub const DIRECTIONS: usize = 18;
/// Cells in a row of the histograms: one more at each edge, so that no pixel's share needs a check.
pub const PADDED: usize = CELLS + 2;

/// Nine directions over half a circle, as dlib rounds them.
const UNITS: [[f32; 2]; 9] = [
    [1.0, 0.0],
    [0.9397, 0.3420],
    [0.7660, 0.6428],
    [0.5, 0.8660],
    [0.1736, 0.9848],
    [-0.1736, 0.9848],
    [-0.5, 0.8660],
    [-0.7660, 0.6428],
    [-0.9397, 0.3420],
];

/// dlib takes columns in eights from 1 on, and the rest of a row one by one with another order of multiplication.
const IN_EIGHTS: usize = 1 + (SIDE - 1 - 1 - 1) / 8 * 8;

type Row = [f32; SIDE];

/// The rows of a picture, one plane per colour, as numbers.
type Planes = [Vec<Row>; 3];

/// Sums of gradient lengths by cell and direction: `(16, 16, 18)`, the outermost cells are not used.
pub fn histograms(bgr: &[u8]) -> Vec<f32> {
    let planes = planes(bgr);
    let mut out = vec![0.0; PADDED * PADDED * DIRECTIONS];
    let columns: [Share; SIDE] = std::array::from_fn(share);
    for y in 1..SIDE - 1 {
        let gradient = Gradient::of(&planes, y);
        vote(&mut out, &gradient, share(y), &columns);
    }
    out
}

/// Blue, green, red: of equal gradients the first counts. (dlib puts red first; OpenFace hands it blue for red.)
fn planes(bgr: &[u8]) -> Planes {
    [0, 1, 2].map(|channel| {
        let row = |line: &[u8]| std::array::from_fn(|x| f32::from(line[3 * x + channel]));
        bgr.chunks_exact(SIDE * 3).map(row).collect()
    })
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

/// A row's gradients: their lengths and directions.
struct Gradient {
    length: Row,
    direction: [u32; SIDE],
}

impl Gradient {
    fn of(planes: &Planes, y: usize) -> Self {
        let (mut dx, mut dy, mut squared) = ([0.0; SIDE], [0.0; SIDE], [0.0; SIDE]);
        for (channel, plane) in planes.iter().enumerate() {
            let (above, here, below) = (&plane[y - 1], &plane[y], &plane[y + 1]);
            for x in 1..SIDE - 1 {
                let (h, v) = (here[x + 1] - here[x - 1], below[x] - above[x]);
                let s = h * h + v * v;
                let stronger = channel == 0 || s > squared[x];
                dx[x] = if stronger { h } else { dx[x] };
                dy[x] = if stronger { v } else { dy[x] };
                squared[x] = if stronger { s } else { squared[x] };
            }
        }
        Self { length: squared.map(f32::sqrt), direction: directions(&dx, &dy) }
    }
}

/// The direction with the largest scalar product; the first of equals, and 0 where there is no gradient.
fn directions(dx: &Row, dy: &Row) -> [u32; SIDE] {
    let mut best = [0.0f32; SIDE];
    let mut direction = [0u32; SIDE];
    for (o, [ux, uy]) in UNITS.iter().enumerate() {
        for x in 0..SIDE {
            let dot = dx[x] * ux + dy[x] * uy;
            let (size, signed) = if dot < 0.0 { (-dot, o as u32 + 9) } else { (dot, o as u32) };
            let better = size > best[x];
            best[x] = if better { size } else { best[x] };
            direction[x] = if better { signed } else { direction[x] };
        }
    }
    direction
}

/// Adds a row's lengths to the four cells around each pixel.
fn vote(out: &mut [f32], gradient: &Gradient, row: Share, columns: &[Share; SIDE]) {
    let stride = PADDED * DIRECTIONS;
    let (upper, lower) = out[row.cell * stride..(row.cell + 2) * stride].split_at_mut(stride);
    for (x, column) in columns.iter().enumerate().take(SIDE - 1).skip(1) {
        let length = gradient.length[x];
        let at = column.cell * DIRECTIONS + gradient.direction[x] as usize;
        let part = |down: f32, right: f32| if x < IN_EIGHTS { down * (right * length) } else { down * right * length };
        upper[at] += part(row.near, column.near);
        upper[at + DIRECTIONS] += part(row.near, column.far);
        lower[at] += part(row.far, column.near);
        lower[at + DIRECTIONS] += part(row.far, column.far);
    }
}
