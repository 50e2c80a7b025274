//! The second picture, warped by the flow so far and linearised around it.

use rayon::prelude::*;

use super::Sampling;
use crate::plane::{Flow, Plane};

/// What the iterations need of both pictures, one value a pixel each, row by row.
pub(super) struct Linearised {
    /// Gradient of the warped second picture to the right.
    pub right: Vec<f32>,
    /// The same downwards.
    pub down: Vec<f32>,
    /// Squared length of that gradient.
    pub squared: Vec<f32>,
    /// The part of the difference of the pictures that does not depend on the flow:
    /// `I1(x + u0) - grad I1(x + u0) * u0 - I0(x)`.
    pub constant: Vec<f32>,
}

/// The second picture and its gradients, ready to be read between pixels.
pub(super) struct Second<'a> {
    picture: &'a Plane,
    right: Plane,
    down: Plane,
    sampling: Sampling,
    /// Weights of the four neighbours for every 1/32 pixel.
    table: Vec<[f32; 4]>,
}

impl<'a> Second<'a> {
    pub fn new(picture: &'a Plane, sampling: Sampling) -> Self {
        let (height, width) = picture.size();
        // Central differences, at the border with the pixel itself in place of the absent one (and still halved).
        let right = Plane::from_fn(height, width, |y, x| {
            0.5 * (picture.at(y, (x + 1).min(width - 1)) - picture.at(y, x.saturating_sub(1)))
        });
        let down = Plane::from_fn(height, width, |y, x| {
            0.5 * (picture.at((y + 1).min(height - 1), x) - picture.at(y.saturating_sub(1), x))
        });
        let table = (0..32).map(|i| cubic(i as f32 / 32.0)).collect();
        Self { picture, right, down, sampling, table }
    }

    /// Linearised around `flow`, against `first`.
    pub fn linearised(&self, first: &Plane, flow: &Flow) -> Linearised {
        let (height, width) = first.size();
        let plane = || vec![0.0; height * width];
        let mut out = Linearised { right: plane(), down: plane(), squared: plane(), constant: plane() };
        (out.right.par_chunks_mut(width), out.down.par_chunks_mut(width), out.squared.par_chunks_mut(width))
            .into_par_iter()
            .zip(out.constant.par_chunks_mut(width))
            .enumerate()
            .with_min_len(16)
            .for_each(|(y, ((right, down, squared), constant))| {
                let (u, v, grey) = (flow.u.row(y), flow.v.row(y), first.row(y));
                for x in 0..width {
                    let [warped, ix, iy] = self.read(y as f32 + v[x], x as f32 + u[x]);
                    (right[x], down[x]) = (ix, iy);
                    squared[x] = ix * ix + iy * iy;
                    constant[x] = warped - ix * u[x] - iy * v[x] - grey[x];
                }
            });
        out
    }

    /// The picture and its two gradients at a position between pixels, by cubic interpolation. All is 0 outside.
    fn read(&self, y: f32, x: f32) -> [f32; 3] {
        let (row, down) = self.place(y);
        let (column, right) = self.place(x);
        let weights: [[f32; 4]; 4] = down.map(|d| right.map(|r| d * r));
        let (height, width) = self.picture.size();
        let planes = [self.picture, &self.right, &self.down];
        // OpenCV leaves the last column and row of complete neighbourhoods to the code for the border.
        let inside = |first: i64, side: usize| first >= 0 && first < side as i64 - 3;
        if inside(row, height) && inside(column, width) {
            planes.map(|plane| sum_inside(plane, row as usize, column as usize, &weights))
        } else {
            planes.map(|plane| sum_at_border(plane, row, column, &weights))
        }
    }

    /// The first of the four neighbours on one axis, and their weights.
    fn place(&self, at: f32) -> (i64, [f32; 4]) {
        match self.sampling {
            Sampling::Steps32 => {
                let steps = (at * 32.0).round_ties_even() as i64;
                ((steps >> 5) - 1, self.table[(steps & 31) as usize])
            }
            Sampling::Exact => {
                let lower = at.floor();
                ((lower as i64).saturating_sub(1), cubic(at - lower))
            }
        }
    }
}

/// Weights of the four neighbours at -1, 0, 1, 2 for the position `x` from 0 to 1: Keys' cubic with a = -0.75.
fn cubic(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let outer = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
    let inner = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let (left, right) = (inner(x), inner(1.0 - x));
    [outer, left, right, 1.0 - outer - left - right]
}

/// Four columns side by side, fused multiply-add over the rows: the order in which OpenCV's vector code adds. Products of two
/// f32 are exact in f64, so that only the sum is rounded.
fn sum_inside(plane: &Plane, row: usize, column: usize, weights: &[[f32; 4]; 4]) -> f32 {
    let width = plane.width();
    let values = &plane.values()[row * width + column..];
    let mut sums: [f32; 4] = std::array::from_fn(|i| values[i] * weights[0][i]);
    for (j, weights) in weights.iter().enumerate().skip(1) {
        let values = &values[j * width..][..4];
        for i in 0..4 {
            sums[i] = (f64::from(sums[i]) + f64::from(values[i]) * f64::from(weights[i])) as f32;
        }
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// One neighbour after the other, without those outside.
fn sum_at_border(plane: &Plane, row: i64, column: i64, weights: &[[f32; 4]; 4]) -> f32 {
    let mut sum = 0.0;
    for (j, weights) in weights.iter().enumerate() {
        let y = row.saturating_add(j as i64);
        if y < 0 || y >= plane.height() as i64 {
            continue;
        }
        for (i, weight) in weights.iter().enumerate() {
            let x = column.saturating_add(i as i64);
            if x >= 0 && x < plane.width() as i64 {
                sum += plane.at(y as usize, x as usize) * weight;
            }
        }
    }
    sum
}
