//! The face: all pixels in one of its triangles.

use super::SIDE;
use crate::{Landmarks, POINTS};

/// Points of the upper edge of the face, and how far they are moved up to take the forehead in.
const UPPER: [usize; 12] = [0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26];
const FOREHEAD: f64 = 30.0;

/// Which of the 112 x 112 pixels lie in a triangle, edges included.
pub fn of(landmarks: &Landmarks, triangles: &[[usize; 3]]) -> Vec<bool> {
    let mut corners = *landmarks;
    UPPER.iter().for_each(|&i| corners[i][1] -= FOREHEAD);
    let mut mask = vec![false; SIDE * SIDE];
    for triangle in triangles.iter().filter(|t| t.iter().all(|&i| i < POINTS)) {
        fill(&mut mask, triangle.map(|i| corners[i]));
    }
    mask
}

fn fill(mask: &mut [bool], [a, b, c]: [[f64; 2]; 3]) {
    let within = |axis: usize| {
        let values = [a[axis], b[axis], c[axis]];
        let low = values.iter().copied().fold(f64::INFINITY, f64::min).ceil().max(0.0);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max).floor().min((SIDE - 1) as f64);
        // An empty range where the triangle lies outside.
        low as usize..if high < low { low as usize } else { high as usize + 1 }
    };
    // Twice the area of the triangle with the edge from p to q and the corner r, positive to one side.
    let side = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    for y in within(1) {
        for x in within(0) {
            let here = [x as f64, y as f64];
            let sides = [side(a, b, here), side(b, c, here), side(c, a, here)];
            mask[y * SIDE + x] |= sides.iter().all(|&s| s >= 0.0) || sides.iter().all(|&s| s <= 0.0);
        }
    }
}
