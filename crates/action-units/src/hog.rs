//! Histograms of oriented gradients of an aligned face, in the form of Felzenszwalb, Girshick, McAllester and Ramanan
//! (2010), "Object detection with discriminatively trained part-based models", section 6, with the constants and the order
//! of rounding of dlib's `extract_fhog_features`: the same float32 numbers to the bit.
//!
//! Cells of 8 x 8 pixels. Each pixel's gradient is that of its strongest colour, snapped to one of 18 directions; its
//! length goes to the four nearest cells by bilinear weights. Each inner cell gives 18 numbers by direction, 9 by direction
//! regardless of sign, each normalised by the energy of the four blocks of 2 x 2 cells around it, and 4 of these blocks'
//! gradient energy.

mod cells;
mod gradients;

use anyhow::{Result, ensure};

use crate::align::SIDE;

/// Pixels in a row and in a column of a cell.
const CELL: usize = 8;
/// Cells in a row and in a column.
const CELLS: usize = SIDE / CELL;
/// Inner cells in a row and in a column.
pub const ROWS: usize = CELLS - 2;
/// Numbers of a cell.
pub const CHANNELS: usize = 31;
/// Numbers of a face, in the order row, column, channel.
pub const LENGTH: usize = ROWS * ROWS * CHANNELS;

/// The histograms of 112 x 112 pixels of three bytes, blue, green, red: `(12, 12, 31)`, row by row.
///
/// # Errors
/// When there are not 112 * 112 * 3 bytes.
pub fn hog(bgr: &[u8]) -> Result<Vec<f32>> {
    let size = SIDE * SIDE * 3;
    ensure!(
        bgr.len() == size,
        "an aligned face has {SIDE} x {SIDE} pixels of 3 bytes, {size} in all; not {}",
        bgr.len()
    );
    Ok(cells::normalised(&gradients::histograms(bgr)))
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
