//! The formats that are read, known by the first bytes of a file.

use anyhow::{Result, bail, ensure};
use image::ImageFormat;

/// Endings of picture files. A file of such a name in a folder is meant as a picture, so that it is named where it is none;
/// others are pictures where their content is.
pub const ENDINGS: [&str; 13] =
    ["png", "jpg", "jpeg", "jpe", "jfif", "jif", "gif", "webp", "bmp", "dib", "tif", "tiff", "apng"];

/// What is read, for messages.
const NAMES: &str = "PNG, JPEG, TIFF, BMP, GIF and WebP pictures are read";

/// So many bytes at the beginning of a file tell its format.
pub(super) const HEAD: usize = 32;

/// The format of a picture, by its beginning.
pub(super) fn of(head: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let format = image::guess_format(head).ok()?;
    match format {
        Png | Jpeg | Gif | WebP | Tiff => Some(format),
        Bmp => is_bmp(head).then_some(format),
        _ => None,
    }
}

/// Many texts begin with the letters BM: in a bitmap, a header of a known length follows.
fn is_bmp(head: &[u8]) -> bool {
    let header = head.get(14..18).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    header.is_some_and(|length| [12, 16, 40, 52, 56, 64, 108, 124].contains(&length))
}

/// The format of a picture file.
///
/// # Errors
/// When it is none that is read; says what it is instead where that is known.
pub(super) fn known(bytes: &[u8]) -> Result<ImageFormat> {
    ensure!(!bytes.is_empty(), "it is empty");
    if let Some(format) = of(bytes) {
        return Ok(format);
    }
    ferrotype_base::lfs::refuse(bytes)?;
    match image::guess_format(bytes) {
        Ok(other) if other != ImageFormat::Bmp => bail!("it is in {other:?} form: {NAMES}"),
        _ => bail!("it is not a picture: {NAMES}"),
    }
}
