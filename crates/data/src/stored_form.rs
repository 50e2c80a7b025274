//! From a decoded picture to a picture as a prepared file stores it: one value, recorded in the file, carried by the run,
//! and applied to every other picture that the run is shown. Without it, prediction would see pictures of another
//! sharpness than training did.
//!
//! `docs/preprocessing.md` gives the rule as numpy code.

use std::borrow::Cow;

use anyhow::{Context, Result};
use image::{ImageBuffer, Luma, Pixel, Rgb, imageops};
use serde::{Deserialize, Serialize};

use super::Images;
use super::options::Preprocess;
use super::preprocess::{Picture, Pipeline, Views};

#[cfg(test)]
mod tests;

/// How a picture file became a picture of a prepared file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredForm {
    /// What is done to a picture whose file says which way up it is.
    pub orientation: Orientation,
    /// What is done where a picture is transparent.
    pub transparency: Transparency,
    /// How it is brought to the stored size.
    pub resample: Resample,
    /// Rows of a stored picture.
    pub height: usize,
    /// Columns of a stored picture.
    pub width: usize,
    /// What a stored picture holds: 1 (grey) or 3 (RGB) values per pixel.
    pub channels: usize,
}

/// What is done to a picture whose file says which way up it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// It is turned as EXIF says.
    #[default]
    Exif,
}

/// What is done where a picture is transparent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transparency {
    /// It is laid on white.
    #[default]
    OnWhite,
}

/// How pictures are brought to the stored size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    /// A triangle filter as wide as two target pixels where the picture shrinks (antialiased, what Pillow calls BILINEAR),
    /// as two source pixels where it grows; float32, rows first, rounded once at the end.
    #[default]
    Triangle,
}

impl StoredForm {
    /// The form of stored pictures of this shape.
    pub fn of(images: &Images) -> Self {
        Self {
            orientation: Orientation::default(),
            transparency: Transparency::default(),
            resample: Resample::default(),
            height: images.height,
            width: images.width,
            channels: images.channels,
        }
    }

    /// A decoded picture as it would be stored: `[height, width, channels]`.
    pub fn apply<'a>(&self, picture: &Picture<'a>) -> StoredPicture<'a> {
        let (pixels, from) = match self.resample {
            Resample::Triangle => (triangle(picture, self.height, self.width), picture.channels),
        };
        StoredPicture {
            pixels: to_channels(pixels, from, self.channels),
            height: self.height,
            width: self.width,
            channels: self.channels,
        }
    }
}

/// A picture as a prepared file stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPicture<'a> {
    pixels: Cow<'a, [u8]>,
    height: usize,
    width: usize,
    channels: usize,
}

impl StoredPicture<'_> {
    /// For preprocessing.
    pub fn picture(&self) -> Picture<'_> {
        Picture { pixels: &self.pixels, height: self.height, width: self.width, channels: self.channels }
    }
}

/// A picture at another size by the triangle filter, rounded to whole values; a picture that has the size is not changed.
pub(crate) fn triangle<'a>(picture: &Picture<'a>, height: usize, width: usize) -> Cow<'a, [u8]> {
    if (picture.height, picture.width) == (height, width) {
        return Cow::Borrowed(picture.pixels);
    }
    Cow::Owned(match picture.channels {
        1 => triangle_of::<Luma<u8>>(picture, height, width),
        _ => triangle_of::<Rgb<u8>>(picture, height, width),
    })
}

fn triangle_of<P: Pixel<Subpixel = u8> + 'static>(picture: &Picture, height: usize, width: usize) -> Vec<u8> {
    let (w, h) = (picture.width as u32, picture.height as u32);
    let Some(buffer) = ImageBuffer::<P, &[u8]>::from_raw(w, h, picture.pixels) else {
        unreachable!("a picture has as many values as its shape says")
    };
    imageops::resize(&buffer, width as u32, height as u32, imageops::FilterType::Triangle).into_raw()
}

/// Grey of RGB, or grey replicated; whole values.
pub(crate) fn to_channels(pixels: Cow<[u8]>, from: usize, to: usize) -> Cow<[u8]> {
    match (from, to) {
        (3, 1) => pixels.as_chunks::<3>().0.iter().map(|&p| luma(p)).collect(),
        (1, 3) => pixels.iter().flat_map(|&v| [v; 3]).collect(),
        _ => pixels,
    }
}

/// 0.299 R + 0.587 G + 0.114 B, rounded: exact for grey.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8
}

/// The whole way from a decoded picture to a network's input: to the stored form, where the run's data had one, then
/// preprocessing. Everything that shows a network pictures that do not come out of a prepared file goes through it.
#[derive(Clone, Debug)]
pub struct PictureChain {
    stored: Option<StoredForm>,
    pipeline: Pipeline,
}

impl PictureChain {
    /// The chain of a run whose data had this form. Imported weights have none: their pictures are only preprocessed.
    ///
    /// # Errors
    /// When the preprocessing is impossible.
    pub fn new(stored: Option<StoredForm>, preprocess: &Preprocess) -> Result<Self> {
        let pipeline = Pipeline::new(preprocess).context("the run's preprocessing")?;
        Ok(Self { stored, pipeline })
    }

    /// As far as the picture that these views are taken from.
    pub fn for_views(&self, views: Views) -> Self {
        self.with_pipeline(self.pipeline.for_views(views))
    }

    /// With another preprocessing.
    pub fn with_pipeline(&self, pipeline: Pipeline) -> Self {
        Self { stored: self.stored, pipeline }
    }

    /// `[channels, height, width]` of the network's input.
    pub fn shape(&self) -> [usize; 3] {
        self.pipeline.shape()
    }

    /// The preprocessing that ends it.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// A picture at the network's size and channels, `[channels, size, size]`, 0..255: what the network sees.
    pub fn planes(&self, picture: &Picture) -> Vec<f32> {
        match &self.stored {
            Some(form) => self.pipeline.resize_colour(&form.apply(picture).picture()),
            None => self.pipeline.resize_colour(picture),
        }
    }
}
