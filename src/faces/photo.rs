//! A picture file as pixels.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader};

use crate::data::preprocess::Picture;
use crate::run::files::write_atomic;

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

    /// Reads a PNG or JPEG file, known by its content. It is turned as its EXIF orientation says, and laid on white where it
    /// is transparent.
    ///
    /// # Errors
    /// When the file cannot be read, is not such a picture, or is cut off.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        ensure!(!path.is_dir(), "{shown} is a folder, not a picture");
        let bytes = std::fs::read(path).map_err(|e| anyhow!("cannot read {shown}: {e}"))?;
        ensure!(!bytes.is_empty(), "{shown} is empty");
        Self::decode(&bytes).with_context(|| format!("{shown} cannot be used as a picture"))
    }

    /// As [`Photo::open`], of the bytes of a file.
    ///
    /// # Errors
    /// When they are not a picture, or cut off.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        ferrotype_base::lfs::refuse(bytes)?;
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        ensure!(reader.format().is_some(), "it is neither PNG nor JPEG");
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        let (height, width) = (image.height() as usize, image.width() as usize);
        let (pixels, channels) = match (image.color().has_color(), image.color().has_alpha()) {
            (true, true) => (on_white::<3>(&image.into_rgba8().into_raw()), 3),
            (true, false) => (image.into_rgb8().into_raw(), 3),
            (false, true) => (on_white::<1>(&image.into_luma_alpha8().into_raw()), 1),
            (false, false) => (image.into_luma8().into_raw(), 1),
        };
        Self::new(pixels, height, width, channels)
    }

    /// The values, `[height, width, channels]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
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

/// Pixels of `N` values and their opacity, laid on white.
fn on_white<const N: usize>(values: &[u8]) -> Vec<u8> {
    let mix = |v: u8, alpha: u8| {
        let (v, alpha) = (u32::from(v), u32::from(alpha));
        ((v * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    values.chunks_exact(N + 1).flat_map(|p| p[..N].iter().map(|&v| mix(v, p[N]))).collect()
}
