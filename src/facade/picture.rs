//! Pictures that a network is shown.

use std::path::Path;

use super::{Error, Result};
use ferrotype_data::options::SyntheticOptions;
use ferrotype_data::picture::{MAX_PIXELS, Photo};
use ferrotype_data::{preprocess, synthetic};

/// A picture of a face, grey or RGB, 8 bits per value.
///
/// # Examples
/// ```
/// let grey = ferrotype::Picture::from_pixels(vec![128; 48 * 64], 48, 64, 1)?;
/// assert_eq!((grey.height(), grey.width(), grey.channels()), (48, 64, 1));
/// # Ok::<(), ferrotype::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Picture {
    photo: Photo,
}

impl Picture {
    /// Reads a PNG, JPEG, TIFF, BMP, GIF (first frame) or WebP file, the right way up, transparent parts on white.
    ///
    /// # Errors
    /// [`Error::Picture`] for a file that is absent, damaged, no picture, or has more than 100 million pixels.
    ///
    /// # Examples
    /// ```
    /// let error = ferrotype::Picture::open("no/such.png").unwrap_err();
    /// assert!(error.to_string().contains("no/such.png"));
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let photo = Photo::open(path.as_ref(), MAX_PIXELS).map_err(Error::picture)?;
        Ok(Self { photo })
    }

    /// Of values `[height, width, channels]`, row by row, 0..255; `channels` is 1 (grey) or 3 (RGB).
    ///
    /// # Errors
    /// [`Error::Picture`] where the number of values does not fit the shape.
    ///
    /// # Examples
    /// See [`Picture`].
    pub fn from_pixels(pixels: Vec<u8>, height: usize, width: usize, channels: usize) -> Result<Self> {
        let photo = Photo::new(pixels, height, width, channels).map_err(Error::picture)?;
        Ok(Self { photo })
    }

    /// Faces made by a program, grey, `size` x `size` pixels (16 to 1024): for trials without data. They say nothing about
    /// real faces.
    ///
    /// # Errors
    /// [`Error::Picture`] for another size.
    ///
    /// # Examples
    /// ```
    /// let faces = ferrotype::Picture::synthetic(3, 48, 7)?;
    /// assert_eq!((faces.len(), faces[0].height()), (3, 48));
    /// # Ok::<(), ferrotype::Error>(())
    /// ```
    pub fn synthetic(count: usize, size: usize, seed: u64) -> Result<Vec<Self>> {
        let options = SyntheticOptions { count, size, seed, ..SyntheticOptions::default() };
        let images = synthetic::generate(&options).map_err(Error::picture)?.images;
        let one = |i| Self::from_pixels(images.get(i).to_vec(), images.height, images.width, images.channels);
        (0..images.len()).map(one).collect()
    }

    /// Rows.
    ///
    /// # Examples
    /// See [`Picture`].
    pub fn height(&self) -> usize {
        self.photo.height()
    }

    /// Columns.
    ///
    /// # Examples
    /// See [`Picture`].
    pub fn width(&self) -> usize {
        self.photo.width()
    }

    /// Values per pixel: 1 (grey) or 3 (RGB).
    ///
    /// # Examples
    /// See [`Picture`].
    pub fn channels(&self) -> usize {
        self.photo.picture().channels
    }

    pub(super) fn view(&self) -> preprocess::Picture<'_> {
        self.photo.picture()
    }
}
