//! Numbers of channels under a width multiplier.

/// Google's `_make_divisible`, which torchvision and Keras have too: the nearest multiple of 8 that is not below nine tenths.
pub(super) fn divisible(wanted: f64) -> usize {
    let nearest = ((wanted + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * wanted { nearest + 8 } else { nearest }
}
