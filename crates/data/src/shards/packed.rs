//! One picture as a shard holds it.

use std::borrow::Cow;
use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::{DynamicImage, ExtendedColorType};

use super::writer::Entry;
use crate::fingerprint;
use crate::options::{PictureStorage, StorageOptions};
use crate::stored_form::to_channels;

/// A picture's stored bytes, and what the prepared file says of them. `pixels` are `[height, width, channels]` of `shape`;
/// `original` is the picture's JPEG file where its bytes can be kept.
///
/// # Errors
/// When the picture cannot be encoded.
pub(crate) fn pack(
    pixels: Cow<[u8]>,
    shape: [usize; 3],
    options: &StorageOptions,
    original: Option<Vec<u8>>,
) -> Result<(Vec<u8>, Entry)> {
    let (bytes, fingerprint) = match (options.pictures, original) {
        (PictureStorage::Raw, _) => {
            let fingerprint = fingerprint::of(shape, &pixels);
            (pixels.into_owned(), fingerprint)
        }
        (PictureStorage::Jpeg, Some(file)) => (file, fingerprint::of(shape, &pixels)),
        (PictureStorage::Jpeg, None) => {
            let file = encode(&pixels, shape, options.jpeg_quality)?;
            // What will be loaded is not what was encoded.
            let loaded = decode(&file, shape)?;
            (file, fingerprint::of(shape, &loaded))
        }
    };
    let length = u32::try_from(bytes.len()).context("a picture of 4 GiB cannot be stored")?;
    let entry = Entry { length, crc32: crc32fast::hash(&bytes), fingerprint };
    Ok((bytes, entry))
}

/// The pixels of stored bytes.
///
/// # Errors
/// When they are not of this shape, or cannot be decoded.
pub(super) fn unpack(bytes: Vec<u8>, shape: [usize; 3], storage: PictureStorage) -> Result<Vec<u8>> {
    let pixels = match storage {
        PictureStorage::Raw => bytes,
        PictureStorage::Jpeg => decode(&bytes, shape)?,
    };
    let [height, width, channels] = shape;
    let expected = height * width * channels;
    ensure!(
        pixels.len() == expected,
        "it has {} values, and {height} x {width} x {channels} are expected",
        pixels.len()
    );
    Ok(pixels)
}

fn encode(pixels: &[u8], [height, width, channels]: [usize; 3], quality: u8) -> Result<Vec<u8>> {
    let colour = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(pixels, width as u32, height as u32, colour)
        .context("it cannot be encoded as JPEG")?;
    Ok(bytes)
}

/// A JPEG file of which its check sum says that it is whole, to pixels.
fn decode(bytes: &[u8], [height, width, channels]: [usize; 3]) -> Result<Vec<u8>> {
    let image = JpegDecoder::new(Cursor::new(bytes)).and_then(DynamicImage::from_decoder);
    let image = image.context("it cannot be decoded")?;
    ensure!(
        (image.height() as usize, image.width() as usize) == (height, width),
        "it has {} x {} pixels, and {width} x {height} are expected",
        image.width(),
        image.height()
    );
    let (pixels, from) = match image {
        DynamicImage::ImageLuma8(grey) => (grey.into_raw(), 1),
        other => (other.into_rgb8().into_raw(), 3),
    };
    Ok(to_channels(pixels.into(), from, channels).into_owned())
}
