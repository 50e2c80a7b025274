//! Mirrored pictures of a flow.

use anyhow::{Result, ensure};

/// How the first channel of a picture holds the motion to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizontal {
    /// Stretched to 0..255: -u is `255 - value`.
    Stretched,
    /// With rest at 128: -u is `256 - value`, at most 255 (0, which [`crate::Input::Signed`] never gives, becomes 255).
    Signed,
}

/// Left and right exchanged in a picture of a flow, [height, width, 3] with u, v, strain: a face in a mirror moves to the
/// other side, so u is negated as well. v and strain stay. Mirroring twice gives a picture of either form back.
///
/// # Errors
/// A number of bytes that is no multiple of `width * 3`.
pub fn mirror_flow(pixels: &mut [u8], width: usize, horizontal: Horizontal) -> Result<()> {
    let found = pixels.len();
    ensure!(
        width > 0 && found.is_multiple_of(width * 3),
        "{found} bytes are no whole number of rows of {width} pixels of 3 channels"
    );
    exchange(pixels, width, 3);
    for u in pixels.iter_mut().step_by(3) {
        *u = match horizontal {
            Horizontal::Stretched => 255 - *u,
            Horizontal::Signed => (256 - u16::from(*u)).min(255) as u8,
        };
    }
    Ok(())
}

/// Left and right exchanged, whatever the channels hold. `width` and `channels` are not 0.
pub(super) fn exchange(pixels: &mut [u8], width: usize, channels: usize) {
    for row in pixels.chunks_exact_mut(width * channels) {
        for x in 0..width / 2 {
            let (left, right) = row.split_at_mut((width - 1 - x) * channels);
            left[x * channels..][..channels].swap_with_slice(&mut right[..channels]);
        }
    }
}
