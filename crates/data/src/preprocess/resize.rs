//! Resizing rules. All take `[height, width, channels]` bytes and give `[channels, size, size]` planes in 0..255.

use super::Picture;
use super::resize_opencv::bilinear_opencv;
use crate::options::Resize;

/// Brings a picture to `[channels, size, size]`, not rounded (but whole numbers under [`Resize::Nearest`] and
/// [`Resize::BilinearOpencv`]). A picture that has the size already is not changed by any rule.
pub fn resize(picture: &Picture, size: usize, rule: Resize) -> Vec<f32> {
    if picture.height == size && picture.width == size {
        return planes(picture);
    }
    match rule {
        Resize::Nearest => nearest(picture, size),
        Resize::Bilinear => separable(picture, &linear_taps(picture.height, size), &linear_taps(picture.width, size)),
        Resize::BilinearOpencv => bilinear_opencv(picture, size),
        Resize::Area => separable(picture, &area_taps(picture.height, size), &area_taps(picture.width, size)),
    }
}

/// Brings a picture to any `[channels, height, width]`, not rounded: by means over areas along a side that shrinks, by
/// half-pixel bilinear interpolation along one that grows.
pub fn resample(picture: &Picture, height: usize, width: usize) -> Vec<f32> {
    let taps = |from, to| if to < from { area_taps(from, to) } else { linear_taps(from, to) };
    separable(picture, &taps(picture.height, height), &taps(picture.width, width))
}

/// `[height, width, channels]` bytes as `[channels, height, width]` floats.
pub fn planes(picture: &Picture) -> Vec<f32> {
    // The usual counts are vectorised where the compiler knows them.
    match picture.channels {
        1 => picture.pixels.iter().map(|&v| f32::from(v)).collect(),
        3 => planes_of(picture, 3),
        channels => planes_of(picture, channels),
    }
}

#[inline(always)]
fn planes_of(picture: &Picture, channels: usize) -> Vec<f32> {
    let mut planes = vec![0.0; picture.pixels.len()];
    for (k, plane) in planes.chunks_exact_mut(picture.height * picture.width).enumerate() {
        for (value, pixel) in plane.iter_mut().zip(picture.pixels.chunks_exact(channels)) {
            *value = f32::from(pixel[k]);
        }
    }
    planes
}

/// Source index floor((i + 0.5) * from / to), in whole numbers (Pillow's and Keras' NEAREST).
fn nearest(picture: &Picture, size: usize) -> Vec<f32> {
    let source = |from: usize| -> Vec<usize> { (0..size).map(|i| (2 * i + 1) * from / (2 * size)).collect() };
    let (rows, columns) = (source(picture.height), source(picture.width));
    let mut out = Vec::with_capacity(picture.channels * size * size);
    for channel in 0..picture.channels {
        for &row in &rows {
            let line = &picture.pixels[row * picture.width * picture.channels..];
            out.extend(columns.iter().map(|&column| f32::from(line[column * picture.channels + channel])));
        }
    }
    out
}

/// The source pixels of one target pixel along one axis: the first, and a weight for each in a row.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Bilinear with half-pixel centres: position (i + 0.5) * from / to - 0.5, held inside the picture.
fn linear_taps(from: usize, to: usize) -> Vec<Taps> {
    let tap = |i: usize| {
        let position = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
        let first = (position.floor() as usize).min(from.saturating_sub(2));
        let part = (position - first as f64) as f32;
        let weights = if from == 1 { vec![1.0] } else { vec![1.0 - part, part] };
        Taps { first, weights }
    };
    (0..to).map(tap).collect()
}

/// Mean over the interval [i, i + 1) * from / to, in both directions of scale.
fn area_taps(from: usize, to: usize) -> Vec<Taps> {
    let ratio = from as f64 / to as f64;
    let tap = |i: usize| {
        // Ends in whole numbers first: i * from / to loses nothing when the interval starts on a pixel's border.
        let (start, end) = ((i * from) as f64 / to as f64, ((i + 1) * from) as f64 / to as f64);
        let first = i * from / to;
        let last = ((i + 1) * from).div_ceil(to).min(from);
        let overlap = |k: usize| ((end.min(k as f64 + 1.0) - start.max(k as f64)) / ratio) as f32;
        Taps { first, weights: (first..last).map(overlap).collect() }
    };
    (0..to).map(tap).collect()
}

/// Rows first, then columns: each source row is used once per plane.
fn separable(picture: &Picture, rows: &[Taps], columns: &[Taps]) -> Vec<f32> {
    let (width, channels) = (picture.width, picture.channels);
    let mut out = Vec::with_capacity(channels * rows.len() * columns.len());
    let mut line = vec![0.0f32; width];
    for channel in 0..channels {
        for row in rows {
            line.fill(0.0);
            for (k, &weight) in row.weights.iter().enumerate() {
                let source = &picture.pixels[(row.first + k) * width * channels..][..width * channels];
                for (sum, &value) in line.iter_mut().zip(source.iter().skip(channel).step_by(channels)) {
                    *sum += weight * f32::from(value);
                }
            }
            out.extend(columns.iter().map(|tap| {
                line[tap.first..].iter().zip(&tap.weights).map(|(value, weight)| value * weight).sum::<f32>()
            }));
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The test picture of the parity numbers: `(7 r^2 + 31 c + 3 r c + 50 k + 11) % 256`, in numpy
    /// `r, c, k = np.ogrid[:h, :w, :n]; ((7*r*r + 31*c + 3*r*c + 50*k + 11) % 256).astype(np.uint8)`.
    pub fn pattern(height: usize, width: usize, channels: usize) -> Vec<u8> {
        let mut pixels = Vec::new();
        for r in 0..height {
            for c in 0..width {
                for k in 0..channels {
                    pixels.push(((7 * r * r + 31 * c + 3 * r * c + 50 * k + 11) % 256) as u8);
                }
            }
        }
        pixels
    }

    fn resized(height: usize, width: usize, channels: usize, size: usize, rule: Resize) -> Vec<f32> {
        let pixels = pattern(height, width, channels);
        resize(&Picture::new(&pixels, height, width, channels).unwrap(), size, rule)
    }

    fn assert_near(found: &[f32], expected: &[f32], tolerance: f32) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() <= tolerance, "{found:?}\n{expected:?}");
        }
    }

    const RULES: [Resize; 4] = [Resize::Nearest, Resize::Bilinear, Resize::BilinearOpencv, Resize::Area];

    #[test]
    fn every_rule_keeps_the_size_it_has_and_constant_pictures() {
        for rule in RULES {
            let same = resized(6, 6, 3, 6, rule);
            assert_eq!(same, planes(&Picture::new(&pattern(6, 6, 3), 6, 6, 3).unwrap()));
            for (h, w) in [(1, 1), (1, 9), (5, 2), (48, 48), (33, 70)] {
                let flat = vec![93u8; h * w];
                for size in [1, 7, 64] {
                    let out = resize(&Picture::new(&flat, h, w, 1).unwrap(), size, rule);
                    assert_near(&out, &vec![93.0; size * size], 1e-4);
                }
            }
        }
    }

    #[test]
    fn nearest_takes_the_pixel_under_the_centre() {
        let line: Vec<u8> = (0..6).collect();
        let picture = Picture::new(&line, 1, 6, 1).unwrap();
        assert_eq!(resize(&picture, 4, Resize::Nearest)[..4], [0.0, 2.0, 3.0, 5.0]);
        assert_eq!(resize(&picture, 8, Resize::Nearest)[..8], [0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0]);
    }

    #[test]
    fn bilinear_is_half_pixel_without_antialiasing() {
        let picture = Picture::new(&[0, 100], 1, 2, 1).unwrap();
        assert_eq!(resize(&picture, 4, Resize::Bilinear)[..4], [0.0, 25.0, 75.0, 100.0]);
        let wide = Picture::new(&[0, 10, 20, 200, 40, 50], 1, 6, 1).unwrap();
        assert_near(&resize(&wide, 2, Resize::Bilinear)[..2], &[10.0, 40.0], 1e-5);
    }

    #[test]
    fn channels_do_not_mix() {
        let (h, w, size) = (7, 11, 5);
        for rule in RULES {
            let rgb = resized(h, w, 3, size, rule);
            for k in 0..3 {
                let plane: Vec<u8> = pattern(h, w, 3).into_iter().skip(k).step_by(3).collect();
                let alone = resize(&Picture::new(&plane, h, w, 1).unwrap(), size, rule);
                assert_eq!(alone, rgb[k * size * size..(k + 1) * size * size]);
            }
        }
    }

    #[test]
    fn area_is_a_mean_in_both_directions() {
        let picture = Picture::new(&[0, 100, 50, 10], 2, 2, 1).unwrap();
        assert_eq!(resize(&picture, 1, Resize::Area), [40.0]);
        let up = resize(&picture, 3, Resize::Area);
        assert_near(&up, &[0.0, 50.0, 100.0, 25.0, 40.0, 55.0, 50.0, 30.0, 10.0], 1e-4);
    }

    #[test]
    fn resampling_takes_any_shape() {
        let pixels = pattern(7, 9, 3);
        let picture = Picture::new(&pixels, 7, 9, 3).unwrap();
        assert_eq!(resample(&picture, 7, 9), planes(&picture));
        assert_eq!(resample(&picture, 3, 3), resize(&picture, 3, Resize::Area));
        assert_eq!(resample(&picture, 12, 12), resize(&picture, 12, Resize::Bilinear));
        assert_eq!(resample(&picture, 3, 20).len(), 3 * 3 * 20);
    }

    #[test]
    fn agrees_with_opencv_and_torch() {
        // img = pattern(7, 9, 1).astype(np.float32)
        // cv2.resize(img, (3, 3), interpolation=cv2.INTER_AREA).ravel()
        assert_near(
            &resized(7, 9, 1, 3, Resize::Area),
            &[51.1429, 150.5714, 103.7143, 118.0, 152.6667, 102.0, 110.5714, 153.619, 135.7143],
            1e-3,
        );
        // torch.nn.functional.interpolate(torch.from_numpy(img)[None, None], (4, 4), mode='bilinear').flatten()
        assert_near(
            &resized(7, 9, 1, 4, Resize::Bilinear),
            &[
                33.7031, 105.9844, 178.2656, 94.5469, 66.7344, 150.8281, 174.9219, 63.0156, 143.5156, 239.4219,
                79.3281, 175.2344, 104.0469, 115.7656, 203.4844, 135.2031,
            ],
            1e-3,
        );
    }
}
