//! Squares cut out of pictures.

use anyhow::{Result, ensure};

use super::{Bounds, Photo};
use ferrotype_data::preprocess::LARGEST_SIDE;

impl Bounds {
    /// The square of a picture around the middle of the box: its side is the longer side of the box, with `margin` times that added at
    /// each of the four edges. Beyond the picture its border pixels are repeated.
    ///
    /// # Errors
    /// When the box is not one, or the square is larger than a picture may be.
    pub fn crop(&self, photo: &Photo, margin: f32) -> Result<Photo> {
        let longer = self.width().max(self.height());
        let side = f64::from(longer) * (1.0 + 2.0 * f64::from(margin));
        ensure!(
            side.is_finite() && longer > 0.0 && self.left.is_finite() && self.top.is_finite(),
            "there is nothing to cut out of a picture at {self:?} with a margin of {margin}"
        );
        let side = side.round().max(1.0);
        ensure!(side <= LARGEST_SIDE as f64, "a crop of {side} pixels per side is too large: {LARGEST_SIDE} at most");
        let first = |low: f32, high: f32| ((f64::from(low) + f64::from(high) - side) / 2.0).round() as i64;
        let at = |first: i64, i: usize, count: usize| (first + i as i64).clamp(0, count as i64 - 1) as usize;
        let (left, top, side) = (first(self.left, self.right), first(self.top, self.bottom), side as usize);
        let columns: Vec<usize> = (0..side).map(|x| at(left, x, photo.width()) * photo.channels()).collect();
        let mut pixels = Vec::with_capacity(side * side * photo.channels());
        for y in 0..side {
            let line = &photo.pixels()[at(top, y, photo.height()) * photo.width() * photo.channels()..];
            columns.iter().for_each(|&x| pixels.extend_from_slice(&line[x..x + photo.channels()]));
        }
        Photo::new(pixels, side, side, photo.channels())
    }
}
