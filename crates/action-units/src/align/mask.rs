//! The face: all pixels in one of its triangles.

use std::ops::Range;

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
    // Corners in the order that makes the inside positive.
    let (b, c) = if side(a, b, c) < 0.0 { (c, b) } else { (b, c) };
    let within = |axis: usize| {
        let values = [a[axis], b[axis], c[axis]];
        let low = values.iter().copied().fold(f64::INFINITY, f64::min).ceil().max(0.0);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max).floor().min((SIDE - 1) as f64);
        // An empty range where the triangle lies outside.
        if high < low { 0..0 } else { low as usize..high as usize + 1 }
    };
    let columns = within(0);
    let edges = [Edge::new(a, b), Edge::new(b, c), Edge::new(c, a)];
    for y in within(1) {
        let mut inside = columns.clone();
        edges.iter().for_each(|edge| edge.cut(&mut inside, y as f64));
        mask[y * SIDE..(y + 1) * SIDE][inside].fill(true);
    }
}

/// Twice the area of the triangle with the edge from p to q and the corner r, positive to one side.
fn side(p: [f64; 2], q: [f64; 2], r: [f64; 2]) -> f64 {
    (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
}

/// An edge of a triangle.
struct Edge {
    p: [f64; 2],
    q: [f64; 2],
    /// How far it goes down, and to the right per pixel down.
    rise: f64,
    slope: f64,
}

impl Edge {
    fn new(p: [f64; 2], q: [f64; 2]) -> Self {
        let rise = q[1] - p[1];
        Self { p, q, rise, slope: (q[0] - p[0]) / rise }
    }

    /// Leaves of the pixels of row `y` those that lie on the edge or on its positive side. Along a row the side changes
    /// once: where is computed, and then seen to be so by the pixels next to it.
    fn cut(&self, pixels: &mut Range<usize>, y: f64) {
        let Range { start, end } = pixels.clone();
        if start >= end {
            return;
        }
        let keeps = |x: usize| side(self.p, self.q, [x as f64, y]) >= 0.0;
        // Out of range or not finite: the nearest pixel.
        let mut at = ((self.p[0] + self.slope * (y - self.p[1]) + 1.0) as usize).clamp(start, end);
        if self.rise > 0.0 {
            while at < end && keeps(at) {
                at += 1;
            }
            while at > start && !keeps(at - 1) {
                at -= 1;
            }
            pixels.end = at;
        } else if self.rise < 0.0 {
            while at > start && keeps(at - 1) {
                at -= 1;
            }
            while at < end && !keeps(at) {
                at += 1;
            }
            pixels.start = at;
        } else if !keeps(start) {
            pixels.end = start;
        }
    }
}
