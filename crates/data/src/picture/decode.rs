//! From the bytes of a file to pixels.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::format::{self, HEAD};
use super::jpeg::EndMarker;
use super::{Photo, jpeg, png};
use crate::preprocess::LARGEST_SIDE;

/// Pixels that a picture may have unless another limit is given: more than cameras take, and some 300 MB as RGB.
pub const MAX_PIXELS: u64 = 100_000_000;

/// What a decoder may take besides the picture itself.
const SCRATCH_BYTES: u64 = 64 << 20;

impl Photo {
    /// Reads a PNG, JPEG, TIFF, BMP, GIF (first frame) or WebP file, known by its content. It is turned as its EXIF
    /// orientation says, and laid on white where it is transparent.
    ///
    /// # Errors
    /// When the file cannot be read, is not such a picture, is cut off or damaged, or its header claims more than
    /// `max_pixels`: nothing is decoded then.
    pub fn open(path: &Path, max_pixels: u64) -> Result<Self> {
        let shown = path.display();
        ensure!(!path.is_dir(), "{shown} is a folder, not a picture");
        let bytes = std::fs::read(path).map_err(|e| anyhow!("cannot read {shown}: {e}"))?;
        Self::decode(&bytes, max_pixels).with_context(|| format!("{shown} cannot be used as a picture"))
    }

    /// As [`Photo::open`], of the bytes of a file.
    ///
    /// # Errors
    /// As there.
    pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Self> {
        Ok(Self::decode_plain(bytes, max_pixels)?.0)
    }

    /// As [`Photo::decode`]; also whether the bytes are a whole JPEG file whose pixels are the picture as they are: neither
    /// turned nor of another kind of colour.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn decode_plain(bytes: &[u8], max_pixels: u64) -> Result<(Self, bool)> {
        let format = format::known(bytes)?;
        let mut decoder = reader(Cursor::new(bytes), format, max_pixels).into_decoder()?;
        check_size(decoder.dimensions(), max_pixels)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let ended;
        let ending = check_whole(bytes, format)?;
        let mut image = match ending {
            EndMarker::Present => DynamicImage::from_decoder(decoder)?,
            // The decoder takes the end of the bytes for missing pixels.
            EndMarker::Missing => {
                ended = [bytes, &[0xff, 0xd9]].concat();
                DynamicImage::from_decoder(reader(Cursor::new(&ended[..]), format, max_pixels).into_decoder()?)?
            }
        };
        let is_plain = format == ImageFormat::Jpeg
            && ending == EndMarker::Present
            && orientation == Orientation::NoTransforms
            && matches!(image, DynamicImage::ImageLuma8(_) | DynamicImage::ImageRgb8(_));
        image.apply_orientation(orientation);
        let (height, width) = (image.height() as usize, image.width() as usize);
        let (pixels, channels) = match (image.color().has_color(), image.color().has_alpha()) {
            (true, true) => (on_white::<3>(&image.into_rgba8().into_raw()), 3),
            (true, false) => (image.into_rgb8().into_raw(), 3),
            (false, true) => (on_white::<1>(&image.into_luma_alpha8().into_raw()), 1),
            (false, false) => (image.into_luma8().into_raw(), 1),
        };
        Ok((Self::new(pixels, height, width, channels)?, is_plain))
    }
}

/// Width and height that the header of a picture file claims, before its orientation is applied.
///
/// # Errors
/// When the file cannot be read, or is not a picture.
pub fn dimensions(path: &Path) -> Result<(usize, usize)> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut head = Vec::new();
    (&mut file).take(HEAD as u64).read_to_end(&mut head)?;
    let format = format::known(&head)?;
    file.rewind()?;
    let (width, height) = reader(BufReader::new(file), format, MAX_PIXELS).into_dimensions()?;
    Ok((width as usize, height as usize))
}

/// As [`dimensions`], of the bytes of a file.
///
/// # Errors
/// When they are not those of a picture.
pub fn dimensions_of(bytes: &[u8]) -> Result<(usize, usize)> {
    let (width, height) = reader(Cursor::new(bytes), format::known(bytes)?, MAX_PIXELS).into_dimensions()?;
    Ok((width as usize, height as usize))
}

fn reader<R: BufRead + Seek>(source: R, format: ImageFormat, max_pixels: u64) -> ImageReader<R> {
    let mut reader = ImageReader::with_format(source, format);
    let mut limits = Limits::no_limits();
    // Up to four channels of 32 bits.
    limits.max_alloc = Some(max_pixels.saturating_mul(16).saturating_add(SCRATCH_BYTES));
    reader.limits(limits);
    reader
}

fn check_size((width, height): (u32, u32), max_pixels: u64) -> Result<()> {
    let pixels = u64::from(width) * u64::from(height);
    ensure!(
        pixels <= max_pixels,
        "its header claims {width} x {height} pixels, and the limit is {max_pixels} in all; if the picture is really that \
         large, raise the limit with --max-pixels (in an experiment file: max_pixels)"
    );
    let longest = width.max(height) as usize;
    ensure!(longest <= LARGEST_SIDE, "it has {width} x {height} pixels: each side must be 1 to {LARGEST_SIDE}");
    Ok(())
}

/// Refuses what decoders read in part without a word. The others report it themselves.
fn check_whole(bytes: &[u8], format: ImageFormat) -> Result<EndMarker> {
    match format {
        ImageFormat::Jpeg => jpeg::check(bytes),
        ImageFormat::Png => png::check(bytes).map(|()| EndMarker::Present),
        _ => Ok(EndMarker::Present),
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
