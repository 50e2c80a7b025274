//! A picture in memory.

use std::path::Path;

use anyhow::{Context, Result};
use image::{ExtendedColorType, ImageEncoder};

use crate::preprocess::Picture;
use ferrotype_run::files::write_atomic;

/// A picture in memory: grey or RGB bytes, the right way up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    pixels: Vec<u8>,
    height: usize,
    width: usize,
    channels: usize,
}

impl Photo {
    /// Pixels `[height, width, channels]`.
    ///
    /// # Errors
    /// When their number does not fit, or a side is impossible.
    pub fn new(pixels: Vec<u8>, height: usize, width: usize, channels: usize) -> Result<Self> {
        Picture::new(&pixels, height, width, channels)?;
        Ok(Self { pixels, height, width, channels })
    }

    /// The values, `[height, width, channels]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The values as RGB, `[height, width, 3]`: grey is repeated.
    pub fn into_rgb(self) -> Vec<u8> {
        if self.channels == 3 { self.pixels } else { self.pixels.into_iter().flat_map(|v| [v; 3]).collect() }
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// 1 (grey) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The picture for preprocessing and detection.
    pub fn picture(&self) -> Picture<'_> {
        Picture { pixels: &self.pixels, height: self.height, width: self.width, channels: self.channels }
    }

    /// Writes a PNG file.
    ///
    /// # Errors
    /// When it cannot be written; nothing is left behind.
    pub fn save_png(&self, path: &Path) -> Result<()> {
        let colour = if self.channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(&self.pixels, self.width as u32, self.height as u32, colour)
            .with_context(|| format!("cannot encode {}", path.display()))?;
        write_atomic(path, &bytes)
    }
}
