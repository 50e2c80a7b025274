//! From the cells' histograms to the numbers of the inner cells.

use super::gradients::{DIRECTIONS, PADDED};
use super::{CELLS, CHANNELS, LENGTH, ROWS};

/// Keeps the energy of an empty block above 0.
const EPSILON: f32 = 0.0001;
/// What the four energies of blocks are multiplied with: twice 1/sqrt(18), as dlib rounds it.
const ENERGY: f32 = 2.0 * 0.2357;

/// The numbers of the inner cells, `(12, 12, 31)`.
pub fn normalised(histograms: &[f32]) -> Vec<f32> {
    let energy = energies(histograms);
    let mut out = vec![0.0; LENGTH];
    for (i, numbers) in out.chunks_exact_mut(CHANNELS).enumerate() {
        let (y, x) = (i / ROWS, i % ROWS);
        let at = ((y + 2) * PADDED + x + 2) * DIRECTIONS;
        describe(&histograms[at..at + DIRECTIONS], &blocks(&energy, y, x), numbers);
    }
    out
}

/// The squared length of each cell's histogram regardless of sign: `(14, 14)`.
fn energies(histograms: &[f32]) -> Vec<f32> {
    let cell = |i: usize| &histograms[((i / CELLS + 1) * PADDED + i % CELLS + 1) * DIRECTIONS..][..DIRECTIONS];
    let energy = |h: &[f32]| (0..9).map(|o| h[o] + h[o + 9]).fold(0.0, |sum, both| sum + both * both);
    (0..CELLS * CELLS).map(|i| energy(cell(i))).collect()
}

/// The sums over the four blocks of 2 x 2 cells that hold the inner cell: down and right of it, up and right, down and
/// left, up and left.
fn blocks(energy: &[f32], y: usize, x: usize) -> [f32; 4] {
    [[1, 1], [0, 1], [1, 0], [0, 0]].map(|[down, right]| {
        let at = |dy: usize, dx: usize| energy[(y + down + dy) * CELLS + x + right + dx];
        at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1) + EPSILON
    })
}

/// The 31 numbers of a cell.
fn describe(histogram: &[f32], blocks: &[f32; 4], out: &mut [f32]) {
    let most = blocks.map(|sum| 0.2 * sum.sqrt());
    let factor = most.map(|m| 0.1 / m);
    let parts = |value: f32| -> [f32; 4] { std::array::from_fn(|k| value.min(most[k]) * factor[k]) };
    let total = |p: [f32; 4]| (p[0] + p[2]) + (p[1] + p[3]);
    let mut texture = [0.0; 4];
    // dlib adds three directions to one another before it adds them to the sum.
    for o in (0..DIRECTIONS).step_by(3) {
        let three = [o, o + 1, o + 2].map(|o| parts(histogram[o]));
        for (i, p) in three.iter().enumerate() {
            out[o + i] = total(*p);
        }
        for k in 0..4 {
            texture[k] += three[0][k] + three[1][k] + three[2][k];
        }
    }
    for o in 0..9 {
        out[DIRECTIONS + o] = total(parts(histogram[o] + histogram[o + 9]));
    }
    out[27..].copy_from_slice(&texture.map(|t| t * ENERGY));
}
