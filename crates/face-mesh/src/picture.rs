//! A picture as the networks are shown it.

use anyhow::{Result, ensure};

/// Columns or rows, at most: places in the picture are computed in single precision and in 1/32 of a pixel.
const LARGEST: usize = 32_767;

/// A picture in RGB, one byte per value, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    pub(crate) pixels: &'a [u8],
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl<'a> Picture<'a> {
    /// `pixels` are `height` rows of `width` times red, green and blue.
    ///
    /// # Errors
    /// When the picture is empty, has more than 32,767 columns or rows, or `pixels` has another length.
    pub fn new(pixels: &'a [u8], width: usize, height: usize) -> Result<Self> {
        ensure!(width > 0 && height > 0, "a picture of {width} x {height} pixels is empty");
        ensure!(
            width.max(height) <= LARGEST,
            "a picture of {width} x {height} pixels is too large for the face mesh: make it at most {LARGEST} wide and high"
        );
        ensure!(
            pixels.len() == width * height * 3,
            "a picture of {width} x {height} pixels has {} bytes in RGB, not {}",
            width * height * 3,
            pixels.len()
        );
        Ok(Self { pixels, width, height })
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_are_none_are_refused() {
        let text = |pixels: &[u8], width, height| Picture::new(pixels, width, height).unwrap_err().to_string();
        assert_eq!(text(&[], 0, 5), "a picture of 0 x 5 pixels is empty");
        assert_eq!(text(&[0; 13], 2, 2), "a picture of 2 x 2 pixels has 12 bytes in RGB, not 13");
        assert!(text(&[0; 12], usize::MAX, 3).contains("too large"));
        assert!(Picture::new(&[0; 3], 1, 1).is_ok());
    }
}
