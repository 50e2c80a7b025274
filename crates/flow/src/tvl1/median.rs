//! The median filter of the flow: `cv2.medianBlur` of a float picture, exact.
//!
//! The columns of a window are sorted once for all windows that hold them. With its rows sorted after that, a window is sorted
//! in both directions, and most of its values can be told to lie above or below the median by their place alone.

use rayon::prelude::*;

use crate::plane::Plane;

/// The median of the `side * side` pixels around each (3 or 5), the border pixels repeated beyond the border.
pub(super) fn filter(plane: &Plane, side: usize) -> Plane {
    let (height, width) = plane.size();
    let mut out = Plane::zeros(height, width);
    let bands = out.values_mut().par_chunks_mut(width).enumerate().with_min_len(16);
    match side {
        3 => bands.for_each_init(|| sorted_columns(width), |columns, (y, out)| row_of_3(plane, y, columns, out)),
        _ => bands.for_each_init(|| sorted_columns(width), |columns, (y, out)| row_of_5(plane, y, columns, out)),
    }
    out
}

/// [rank, column]: the windows' columns, sorted. Columns are repeated at both ends as pixels are.
fn sorted_columns<const SIDE: usize>(width: usize) -> [Vec<f32>; SIDE] {
    std::array::from_fn(|_| vec![0.0; width + 2 * (SIDE / 2)])
}

/// Sorts what stands above each other around row `y`.
#[inline(always)]
fn sort_columns<const SIDE: usize>(
    plane: &Plane,
    y: usize,
    columns: &mut [Vec<f32>; SIDE],
    sorted: impl Fn([f32; SIDE]) -> [f32; SIDE],
) {
    let (height, width, reach) = (plane.height(), plane.width(), SIDE / 2);
    let rows: [&[f32]; SIDE] = std::array::from_fn(|j| plane.row((y + j).saturating_sub(reach).min(height - 1)));
    let rows = rows.map(|row| &row[..width]);
    {
        let mut inner = columns.each_mut().map(|rank| &mut rank[reach..][..width]);
        for x in 0..width {
            let values = sorted(std::array::from_fn(|j| rows[j][x]));
            for (rank, value) in inner.iter_mut().zip(values) {
                rank[x] = value;
            }
        }
    }
    for rank in columns {
        let (first, last) = (rank[reach], rank[reach + width - 1]);
        rank[..reach].fill(first);
        rank[reach + width..].fill(last);
    }
}

fn row_of_3(plane: &Plane, y: usize, columns: &mut [Vec<f32>; 3], out: &mut [f32]) {
    sort_columns(plane, y, columns, sorted3);
    let width = out.len();
    let [low, middle, high] = columns.each_ref().map(|rank| &rank[..width + 2]);
    for (x, out) in out.iter_mut().enumerate() {
        // Of the sorted window, only the antidiagonal.
        let of = |rank: &[f32]| sorted3([rank[x], rank[x + 1], rank[x + 2]]);
        *out = sorted3([of(low)[2], of(middle)[1], of(high)[0]])[1];
    }
}

fn row_of_5(plane: &Plane, y: usize, columns: &mut [Vec<f32>; 5], out: &mut [f32]) {
    sort_columns(plane, y, columns, sorted5);
    let width = out.len();
    let ranks = columns.each_ref().map(|rank| &rank[..width + 4]);
    for (x, out) in out.iter_mut().enumerate() {
        let window: [[f32; 5]; 5] =
            ranks.map(|rank| sorted5([rank[x], rank[x + 1], rank[x + 2], rank[x + 3], rank[x + 4]]));
        *out = median_of_sorted(&window);
    }
}

/// The median of 25 values whose rows and columns are sorted. The value in row i and column j has (i + 1)(j + 1) values up to
/// it and (5 - i)(5 - j) from it on: where one of them exceeds 13, it can be left out. Six on either side are, 13 remain.
#[inline(always)]
fn median_of_sorted(w: &[[f32; 5]; 5]) -> f32 {
    // Eight of the 13, smallest and largest of which cannot be the median: those that may be the smallest, those that may be
    // the largest. Whenever two are known to be out of the question, another one comes in.
    let mut v = [w[0][3], w[1][2], w[2][1], w[3][0], w[1][4], w[2][3], w[3][2], w[4][1]];
    for (low, high) in [(0, 1), (2, 3), (0, 2), (4, 5), (6, 7), (5, 7)] {
        order(&mut v, low, high);
    }
    let mut v = [v[1], v[2], v[3], v[4], v[5], v[6], w[0][4]];
    for (low, high) in [(0, 1), (2, 3), (4, 5), (0, 2), (0, 4), (0, 6), (1, 3), (3, 5), (5, 6)] {
        order(&mut v, low, high);
    }
    let mut v = [v[1], v[2], v[3], v[4], v[5], w[4][0]];
    for (low, high) in [(0, 1), (2, 3), (4, 5), (0, 2), (0, 4), (1, 3), (3, 5)] {
        order(&mut v, low, high);
    }
    let mut v = [v[1], v[2], v[3], v[4], w[1][3]];
    for (low, high) in [(0, 1), (2, 3), (0, 2), (0, 4), (1, 3), (3, 4)] {
        order(&mut v, low, high);
    }
    let mut v = [v[1], v[2], v[3], w[3][1]];
    for (low, high) in [(0, 1), (2, 3), (0, 2), (1, 3)] {
        order(&mut v, low, high);
    }
    sorted3([v[1], v[2], w[2][2]])[1]
}

#[inline(always)]
fn sorted3(mut v: [f32; 3]) -> [f32; 3] {
    order(&mut v, 0, 1);
    order(&mut v, 1, 2);
    order(&mut v, 0, 1);
    v
}

#[inline(always)]
fn sorted5(mut v: [f32; 5]) -> [f32; 5] {
    order(&mut v, 0, 1);
    order(&mut v, 3, 4);
    order(&mut v, 2, 4);
    order(&mut v, 2, 3);
    order(&mut v, 1, 4);
    order(&mut v, 0, 3);
    order(&mut v, 0, 2);
    order(&mut v, 1, 3);
    order(&mut v, 1, 2);
    v
}

/// Puts the smaller of two values into the first place. Written so that it becomes a minimum and a maximum, not a branch.
#[inline(always)]
fn order<const COUNT: usize>(values: &mut [f32; COUNT], low: usize, high: usize) {
    let (a, b) = (values[low], values[high]);
    values[low] = if a < b { a } else { b };
    values[high] = if a < b { b } else { a };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_becomes_the_median_of_its_neighbourhood() {
        let mut state = 1u32;
        for (height, width) in [(3, 3), (4, 9), (17, 30), (40, 21)] {
            let plane = Plane::from_fn(height, width, |_, _| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                // Few values, so that many are equal.
                (state >> 28) as f32 - 7.0
            });
            for side in [3, 5] {
                let reach = side as isize / 2;
                let expected = Plane::from_fn(height, width, |y, x| {
                    let near =
                        |at: usize, d: isize, side: usize| (at as isize + d).clamp(0, side as isize - 1) as usize;
                    let mut values: Vec<f32> = (-reach..=reach)
                        .flat_map(|dy| (-reach..=reach).map(move |dx| (dy, dx)))
                        .map(|(dy, dx)| plane.at(near(y, dy, height), near(x, dx, width)))
                        .collect();
                    values.sort_by(f32::total_cmp);
                    values[side * side / 2]
                });
                assert_eq!(filter(&plane, side), expected, "{height}x{width}, side {side}");
            }
        }
    }
}
