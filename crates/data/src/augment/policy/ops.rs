//! Operations on the values of an image, as Pillow's `ImageEnhance` and `ImageOps` compute them.

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    /// Values times a factor.
    Brightness(f64),
    /// Away from, or towards, the grey image; nothing on grey images.
    Colour(f64),
    /// Away from, or towards, the grey image's mean.
    Contrast(f64),
    /// Away from, or towards, the smoothed image.
    Sharpness(f64),
    /// So many bits are kept.
    Posterize(u32),
    /// Values from here on are inverted.
    Solarize(f64),
    /// Each channel is stretched to 0..255.
    AutoContrast,
    /// Each channel's values are made equally frequent.
    Equalize,
}

impl Op {
    /// Changes `[channels, size, size]` of whole values 0 to 255.
    pub(super) fn apply(self, image: &mut [f32], size: usize) {
        match self {
            Self::Brightness(factor) => blend(image, |_| 0.0, factor),
            Self::Colour(factor) => {
                if let Some(grey) = grey(image, size).filter(|_| image.len() > size * size) {
                    let area = size * size;
                    blend(image, |i| grey[i % area], factor);
                }
            }
            Self::Contrast(factor) => {
                let area = size * size;
                let grey = grey(image, size).unwrap_or_else(|| image[..area].to_vec());
                // Pillow rounds the mean.
                let mean = (grey.iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64 + 0.5).floor();
                blend(image, |_| mean as f32, factor);
            }
            Self::Sharpness(factor) => {
                let smooth = smooth(image, size);
                blend(image, |i| smooth[i], factor);
            }
            Self::Posterize(bits) => {
                let mask = !(0xffu32 >> bits.min(8)) & 0xff;
                image.iter_mut().for_each(|v| *v = (*v as u32 & mask) as f32);
            }
            Self::Solarize(from) => {
                image.iter_mut().filter(|v| f64::from(**v) >= from).for_each(|v| *v = 255.0 - *v);
            }
            Self::AutoContrast => image.chunks_exact_mut(size * size).for_each(stretch),
            Self::Equalize => image.chunks_exact_mut(size * size).for_each(equalize),
        }
    }
}

/// `other + factor (value - other)`, held in 0..255 and cut to a whole number, as `Image.blend`.
fn blend(image: &mut [f32], other: impl Fn(usize) -> f32, factor: f64) {
    for (i, v) in image.iter_mut().enumerate() {
        let o = f64::from(other(i));
        *v = (o + factor * (f64::from(*v) - o)).clamp(0.0, 255.0).trunc() as f32;
    }
}

/// The luminance of a colour image (ITU-R 601-2, as Pillow's `convert("L")`); none of a grey one.
fn grey(image: &[f32], size: usize) -> Option<Vec<f32>> {
    let area = size * size;
    if image.len() < 3 * area {
        return None;
    }
    let at = |i: usize| {
        let [r, g, b] = [image[i], image[area + i], image[2 * area + i]].map(|v| v as u32);
        ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16) as f32
    };
    Some((0..area).map(at).collect())
}

/// Pillow's `SMOOTH`: 3x3 weights of 1 and 5 in the middle, over 13; the border stays.
fn smooth(image: &[f32], size: usize) -> Vec<f32> {
    let mut out = image.to_vec();
    for (plane, out) in image.chunks_exact(size * size).zip(out.chunks_exact_mut(size * size)) {
        for y in 1..size.saturating_sub(1) {
            for x in 1..size - 1 {
                let row = |dy: usize| plane[(y + dy - 1) * size + x - 1..][..3].iter().sum::<f32>();
                let sum = row(0) + row(1) + row(2) + 4.0 * plane[y * size + x];
                out[y * size + x] = (sum / 13.0 + 0.5).floor().clamp(0.0, 255.0);
            }
        }
    }
    out
}

/// `ImageOps.autocontrast` of a channel.
fn stretch(plane: &mut [f32]) {
    let (low, high) = plane.iter().fold((255.0f32, 0.0f32), |(low, high), &v| (low.min(v), high.max(v)));
    if high <= low {
        return;
    }
    let scale = 255.0 / f64::from(high - low);
    let offset = -f64::from(low) * scale;
    plane.iter_mut().for_each(|v| *v = (f64::from(*v) * scale + offset).trunc().clamp(0.0, 255.0) as f32);
}

/// `ImageOps.equalize` of a channel.
fn equalize(plane: &mut [f32]) {
    let mut counts = [0u64; 256];
    plane.iter().for_each(|&v| counts[v as usize] += 1);
    let present: Vec<u64> = counts.iter().copied().filter(|&n| n > 0).collect();
    let step = present.iter().rev().skip(1).sum::<u64>() / 255;
    if present.len() <= 1 || step == 0 {
        return;
    }
    let mut n = step / 2;
    let table = counts.map(|count| {
        let value = (n / step).min(255);
        n += count;
        value as f32
    });
    plane.iter_mut().for_each(|v| *v = table[*v as usize]);
}

#[cfg(test)]
mod golden_tests;
