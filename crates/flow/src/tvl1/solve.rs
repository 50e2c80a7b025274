//! The iterations between two warps.

use rayon::prelude::*;

use super::warp::Linearised;
use super::{TvL1, median};
use crate::plane::{Flow, Plane};

/// Rows of u, v and of the dual variables of both (right and down): the layout of one row of [`Solver::state`].
const FIELDS: usize = 6;

/// Pictures of at least so many pixels are divided among threads: below, dividing takes longer than it saves.
const PARALLEL_PIXELS: usize = 64 * 64;

/// Flow and dual variables of one scale. The dual variables are kept from warp to warp.
pub(super) struct Solver<'a> {
    options: &'a TvL1,
    height: usize,
    width: usize,
    /// [height, FIELDS, width], the current values.
    state: Vec<f32>,
    /// The values of the next iteration. Two copies let every row be computed from old values alone, whatever the order.
    next: Vec<f32>,
    /// Squared changes of the flow in the last iteration, one sum a row.
    changes: Vec<f64>,
}

impl<'a> Solver<'a> {
    pub fn new(options: &'a TvL1, height: usize, width: usize) -> Self {
        let state = vec![0.0; height * FIELDS * width];
        Self { options, height, width, next: state.clone(), state, changes: vec![0.0; height] }
    }

    /// Improves the flow by the linearised pictures, until it changes by less than `epsilon` or the iterations are used up.
    pub fn solve(&mut self, pictures: &Linearised, flow: &mut Flow) {
        let mut converged = false;
        for _ in 0..self.options.outer_iterations {
            if self.options.median > 1 {
                *flow = Flow {
                    u: median::filter(&flow.u, self.options.median),
                    v: median::filter(&flow.v, self.options.median),
                };
            }
            self.put(&flow.u, 0);
            self.put(&flow.v, 1);
            for _ in 0..self.options.inner_iterations {
                self.iterate(pictures);
                converged = self.converged();
                std::mem::swap(&mut self.state, &mut self.next);
                if converged {
                    break;
                }
            }
            self.take(&mut flow.u, 0);
            self.take(&mut flow.v, 1);
            if converged {
                break;
            }
        }
    }

    fn put(&mut self, plane: &Plane, field: usize) {
        for (row, values) in
            self.state.chunks_exact_mut(FIELDS * self.width).zip(plane.values().chunks_exact(self.width))
        {
            row[field * self.width..][..self.width].copy_from_slice(values);
        }
    }

    fn take(&self, plane: &mut Plane, field: usize) {
        let rows = self.state.chunks_exact(FIELDS * self.width);
        for (row, values) in rows.zip(plane.values_mut().chunks_exact_mut(self.width)) {
            values.copy_from_slice(&row[field * self.width..][..self.width]);
        }
    }

    /// One iteration from `state` to `next`.
    fn iterate(&mut self, pictures: &Linearised) {
        let threads = if self.height * self.width < PARALLEL_PIXELS { 1 } else { rayon::current_num_threads() };
        let rows = self.height.div_ceil(threads);
        let step = Step::new(self.options, self.height, self.width, pictures, &self.state);
        if threads == 1 {
            return step.band(0, &mut self.next, &mut self.changes);
        }
        self.next
            .par_chunks_mut(rows * FIELDS * self.width)
            .zip(self.changes.par_chunks_mut(rows))
            .enumerate()
            .for_each(|(i, (band, changes))| step.band(i * rows, band, changes));
    }

    /// Whether the mean squared change of the flow is at most epsilon squared.
    ///
    /// OpenCV adds the squares in f32, one pixel after the other, which nothing can do in parallel. That order is followed only
    /// where its rounding (at most `pixels * 2^-24` of the sum) could decide.
    fn converged(&self) -> bool {
        let pixels = (self.height * self.width) as f64;
        let limit = (self.options.epsilon * self.options.epsilon * pixels) as f32;
        let sum: f64 = self.changes.iter().sum();
        let doubt = 2.0 * pixels * f64::from(f32::EPSILON) * f64::from(limit).max(sum);
        if (sum - f64::from(limit)).abs() > doubt {
            return sum <= limit.into();
        }
        let row = FIELDS * self.width;
        let mut sum = 0.0;
        for (old, new) in self.state.chunks_exact(row).zip(self.next.chunks_exact(row)) {
            for x in 0..self.width {
                let (u, v) = (new[x] - old[x], new[self.width + x] - old[self.width + x]);
                sum += u * u + v * v;
            }
        }
        sum <= limit
    }
}

/// One iteration: what it reads.
struct Step<'a> {
    height: usize,
    width: usize,
    pictures: &'a Linearised,
    state: &'a [f32],
    theta: f32,
    /// lambda * theta.
    bound: f32,
    /// tau / theta.
    rate: f32,
}

impl<'a> Step<'a> {
    fn new(options: &TvL1, height: usize, width: usize, pictures: &'a Linearised, state: &'a [f32]) -> Self {
        let (bound, rate) = ((options.lambda * options.theta) as f32, (options.tau / options.theta) as f32);
        Self { height, width, pictures, state, theta: options.theta as f32, bound, rate }
    }

    /// The rows from `first` on, as many as `next` holds. The flow of the row below the band is needed too, and computed twice.
    fn band(&self, first: usize, next: &mut [f32], changes: &mut [f64]) {
        let size = FIELDS * self.width;
        let last = first + changes.len();
        let mut below = vec![0.0; size];
        self.flow_row(first, &mut next[..size]);
        for y in first..last {
            let (row, rest) = next[(y - first) * size..].split_at_mut(size);
            changes[y - first] = squared_change(&self.old(y)[..2 * self.width], &row[..2 * self.width]);
            let (flow, dual) = row.split_at_mut(2 * self.width);
            if y + 1 < self.height {
                let under = if y + 1 < last { &mut rest[..size] } else { &mut below[..] };
                self.flow_row(y + 1, under);
                self.dual_row(y, flow, &under[..2 * self.width], dual);
            } else {
                // The flow does not change over the lower border.
                self.dual_row(y, flow, flow, dual);
            }
        }
    }

    fn old(&self, y: usize) -> &[f32] {
        &self.state[y * FIELDS * self.width..][..FIELDS * self.width]
    }

    /// u and v of a row: the step for the difference of the pictures, then the one for the smoothness of the flow.
    fn flow_row(&self, y: usize, row: &mut [f32]) {
        let w = self.width;
        let old = self.old(y);
        let (u, v) = row[..2 * w].split_at_mut(w);
        let of = |plane: &'a [f32]| &plane[y * w..][..w];
        let pictures = Row {
            right: of(&self.pictures.right),
            down: of(&self.pictures.down),
            squared: of(&self.pictures.squared),
            constant: of(&self.pictures.constant),
        };
        threshold(&pictures, [&old[..w], &old[w..2 * w]], self.bound, u, v);
        let above = (y > 0).then(|| self.old(y - 1));
        for (field, out) in [(2, u), (4, v)] {
            let dual = &old[field * w..][..2 * w];
            add_divergence(&dual[..w], &dual[w..], above.map(|row| &row[(field + 1) * w..][..w]), self.theta, out);
        }
    }

    /// The dual variables of a row, from the flow there and in the row below.
    fn dual_row(&self, y: usize, flow: &[f32], below: &[f32], dual: &mut [f32]) {
        let w = self.width;
        let old = &self.old(y)[2 * w..];
        for ((field, flow), below) in (0..2).zip(flow.chunks_exact(w)).zip(below.chunks_exact(w)) {
            let (right, down) = dual[2 * field * w..][..2 * w].split_at_mut(w);
            let old = &old[2 * field * w..][..2 * w];
            ascend([flow, below], [&old[..w], &old[w..]], self.rate, right, down);
        }
    }
}

/// A row of [`Linearised`].
struct Row<'a> {
    right: &'a [f32],
    down: &'a [f32],
    squared: &'a [f32],
    constant: &'a [f32],
}

/// The flow that makes the difference of the pictures smallest near the old flow (equation 14 of Sánchez et al.).
fn threshold(pictures: &Row, [old_u, old_v]: [&[f32]; 2], bound: f32, u: &mut [f32], v: &mut [f32]) {
    let width = u.len();
    let (right, down) = (&pictures.right[..width], &pictures.down[..width]);
    let (squared, constant) = (&pictures.squared[..width], &pictures.constant[..width]);
    let (old_u, old_v, v) = (&old_u[..width], &old_v[..width], &mut v[..width]);
    for x in 0..width {
        let difference = constant[x] + (right[x] * old_u[x] + down[x] * old_v[x]);
        let most = bound * squared[x];
        // Without a branch, so that eight pixels are computed at once.
        let within = if squared[x] > f32::EPSILON { -difference / squared[x] } else { 0.0 };
        let step = if difference > most { -bound } else { within };
        let step = if difference < -most { bound } else { step };
        u[x] = old_u[x] + step * right[x];
        v[x] = old_v[x] + step * down[x];
    }
}

/// Adds `theta` times the divergence of the dual variables (backward differences, 0 outside).
fn add_divergence(right: &[f32], down: &[f32], above: Option<&[f32]>, theta: f32, out: &mut [f32]) {
    let width = out.len();
    // The order of additions in the first column is another than further right, as in OpenCV.
    match above {
        Some(above) => {
            out[0] += theta * (right[0] + down[0] - above[0]);
            add_inner_divergence(right, [&down[1..width], &above[1..width]], theta, out);
        }
        None => {
            out[0] += theta * (right[0] + down[0]);
            for x in 1..width {
                out[x] += theta * (right[x] - right[x - 1] + down[x]);
            }
        }
    }
}

fn add_inner_divergence(right: &[f32], [down, above]: [&[f32]; 2], theta: f32, out: &mut [f32]) {
    let (out, width) = (&mut out[1..], down.len());
    let (out, above, left, right) = (&mut out[..width], &above[..width], &right[..width], &right[1..][..width]);
    for x in 0..width {
        out[x] += theta * ((right[x] - left[x]) + (down[x] - above[x]));
    }
}

/// The step of the dual variables along the gradient of the flow (forward differences, 0 over the border), kept within the
/// unit disc by the division (equation 16 of Sánchez et al.).
fn ascend(
    [flow, below]: [&[f32]; 2],
    [old_right, old_down]: [&[f32]; 2],
    rate: f32,
    right: &mut [f32],
    down: &mut [f32],
) {
    let last = flow.len() - 1;
    let beside = &flow[1..][..last];
    for x in 0..last {
        (right[x], down[x]) = ascended(beside[x] - flow[x], below[x] - flow[x], old_right[x], old_down[x], rate);
    }
    (right[last], down[last]) = ascended(0.0, below[last] - flow[last], old_right[last], old_down[last], rate);
}

#[inline(always)]
fn ascended(to_right: f32, downwards: f32, old_right: f32, old_down: f32, rate: f32) -> (f32, f32) {
    let square = |v: f32| f64::from(v) * f64::from(v);
    let length = (square(to_right) + square(downwards)).sqrt() as f32;
    let divisor = 1.0 + rate * length;
    ((old_right + rate * to_right) / divisor, (old_down + rate * downwards) / divisor)
}

/// The sum of the squared differences. Eight partial sums, so that eight values are computed at once.
fn squared_change(old: &[f32], new: &[f32]) -> f64 {
    let (old, new) = (old.chunks_exact(8), new.chunks_exact(8));
    let rest: f32 = old.remainder().iter().zip(new.remainder()).map(|(a, b)| (b - a) * (b - a)).sum();
    let mut sums = [0.0f32; 8];
    for (old, new) in old.zip(new) {
        for i in 0..8 {
            sums[i] += (new[i] - old[i]) * (new[i] - old[i]);
        }
    }
    sums.iter().map(|&s| f64::from(s)).sum::<f64>() + f64::from(rest)
}
