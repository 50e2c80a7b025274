//! OpenCV's `resize(..., INTER_LINEAR)` of uint8 images, bit for bit (`modules/imgproc/src/resize.cpp`, 4.x): weights are
//! rounded to 11 bits, rows are blended with 4 and 16 bits shifted out, and the result is rounded to a byte.

use super::Picture;

/// 2^11: `INTER_RESIZE_COEF_SCALE`.
const ONE: f32 = 2048.0;

/// Two neighbouring source indices along one axis, and their weights in 1/2048.
struct Pair {
    index: [usize; 2],
    weight: [i32; 2],
}

/// Bilinear to `[channels, size, size]`; the values are whole numbers.
pub fn bilinear_opencv(picture: &Picture, size: usize) -> Vec<f32> {
    let rows = pairs(picture.height, size, false);
    let columns = pairs(picture.width, size, true);
    let mut out = Vec::with_capacity(picture.channels * size * size);
    for channel in 0..picture.channels {
        for row in &rows {
            let across = |index: usize, column: &Pair| -> i32 {
                let line = &picture.pixels[index * picture.width * picture.channels..];
                let value = |k: usize| i32::from(line[column.index[k] * picture.channels + channel]);
                value(0) * column.weight[0] + value(1) * column.weight[1]
            };
            for column in &columns {
                let part = |k: usize| (row.weight[k] * (across(row.index[k], column) >> 4)) >> 16;
                out.push(((part(0) + part(1) + 2) >> 2) as f32);
            }
        }
    }
    out
}

/// The pairs of one axis. At the border OpenCV treats columns and rows differently: a column outside gets the whole
/// weight on the border pixel, a row outside keeps its two weights with both rows at the border.
fn pairs(from: usize, to: usize, is_column: bool) -> Vec<Pair> {
    // OpenCV computes the ratio as the inverse of to / from, in double, and the position in float.
    let ratio = 1.0 / (to as f64 / from as f64);
    let last = from as i64 - 1;
    let pair = |i: usize| {
        let position = ((i as f64 + 0.5) * ratio - 0.5) as f32;
        let mut first = position.floor() as i64;
        let mut part = position - first as f32;
        if is_column && (first < 0 || first >= last) {
            first = first.clamp(0, last);
            part = 0.0;
        }
        let held = |k: i64| k.clamp(0, last) as usize;
        let fixed = |w: f32| (w * ONE).round_ties_even() as i32;
        Pair { index: [held(first), held(first + 1)], weight: [fixed(1.0 - part), fixed(part)] }
    };
    (0..to).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::super::resize::tests::pattern;
    use super::*;

    /// Adler-like checksum that sees the order: `s = 0; for v in out.ravel(): s = (s * 31 + int(v)) % 1000003`.
    fn checksum(values: &[f32]) -> u64 {
        values.iter().fold(0, |s, &v| (s * 31 + v as u64) % 1_000_003)
    }

    #[test]
    fn equals_opencv_bit_for_bit() {
        // for h, w, n, size in sizes:
        //     out = cv2.resize(pattern(h, w, n), (size, size), interpolation=cv2.INTER_LINEAR)
        //     print(checksum(out.reshape(size, size, n).transpose(2, 0, 1)))               # opencv-python 4.14.0 and 5.0.0: equal
        let known = [
            (48, 48, 1, 64, 451887),
            (64, 64, 1, 48, 341781),
            (48, 48, 3, 112, 831820),
            (37, 91, 3, 64, 716625),
            (100, 100, 3, 48, 306043),
            (250, 180, 1, 64, 163951),
            (3, 5, 1, 9, 59133),
            (1, 7, 1, 4, 219772),
            (96, 96, 1, 48, 691715),
            (20, 200, 3, 30, 839252),
            (48, 48, 1, 224, 273136),
            (2, 2, 1, 5, 404578),
        ];
        for (height, width, channels, size, expected) in known {
            let pixels = pattern(height, width, channels);
            let out = bilinear_opencv(&Picture::new(&pixels, height, width, channels).unwrap(), size);
            assert_eq!(checksum(&out), expected, "{height} x {width} x {channels} to {size}");
        }
    }
}
