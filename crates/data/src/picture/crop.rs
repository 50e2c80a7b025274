//! Squares cut out of pictures.

use anyhow::{Result, ensure};

use super::Photo;
use crate::preprocess::LARGEST_SIDE;

impl Photo {
    /// The square around the middle of a box, which is `[left, top, right, bottom]` in pixels: its side is the longer side of
    /// the box, with `margin` times that added at each of the four edges. Beyond the picture its border pixels are repeated.
    ///
    /// # Errors
    /// When the box is not one, or the square is larger than a picture may be.
    pub fn square_around(&self, face: [f32; 4], margin: f32) -> Result<Self> {
        let [left, top, right, bottom] = face;
        let longer = (right - left).max(bottom - top);
        let side = f64::from(longer) * (1.0 + 2.0 * f64::from(margin));
        ensure!(
            side.is_finite() && longer > 0.0 && left.is_finite() && top.is_finite(),
            "there is nothing to cut out of a picture from {left} to {right} across and from {top} to {bottom} down, with a margin \
             of {margin}"
        );
        let side = side.round().max(1.0);
        ensure!(side <= LARGEST_SIDE as f64, "a crop of {side} pixels per side is too large: {LARGEST_SIDE} at most");
        let first = |low: f32, high: f32| ((f64::from(low) + f64::from(high) - side) / 2.0).round() as i64;
        let at = |first: i64, i: usize, count: usize| (first + i as i64).clamp(0, count as i64 - 1) as usize;
        let (left, top, side) = (first(left, right), first(top, bottom), side as usize);
        let columns: Vec<usize> = (0..side).map(|x| at(left, x, self.width()) * self.channels()).collect();
        let mut pixels = Vec::with_capacity(side * side * self.channels());
        for y in 0..side {
            let line = &self.pixels()[at(top, y, self.height()) * self.width() * self.channels()..];
            columns.iter().for_each(|&x| pixels.extend_from_slice(&line[x..x + self.channels()]));
        }
        Self::new(pixels, side, side, self.channels())
    }
}
