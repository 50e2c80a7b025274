//! The warp, in the fixed point of OpenCV 4's `warpAffine` with bilinear interpolation: places in 1/32 pixel, weights in
//! 1/1024. Exact bilinear values differ by up to one grey level, which costs up to 0.16 points of intensity.

use anyhow::{Result, ensure};

use super::similarity::Affine;
use super::{Order, Picture, SIDE};

/// Places are computed in 1/1024 pixel, and rounded to 1/32.
const FINE: f64 = 1024.0;
const TO_32: i64 = 5;
const HALF: i64 = 1 << (TO_32 - 1);

/// The 112 x 112 pixels (blue, green, red) that `warp` takes the picture to, as far as `mask` shows them; black where the
/// picture has none.
pub fn warp(picture: &Picture, warp: &Affine, mask: &[bool]) -> Result<Vec<u8>> {
    let inverse = inverted(warp);
    ensure!(
        inverse.iter().flatten().all(|v| v.is_finite()),
        "the face cannot be aligned: it is too small or too large"
    );
    let fixed = |v: f64| (v * FINE).round_ties_even() as i32 as i64;
    let by_column: Vec<[i64; 2]> = (0..SIDE).map(|x| inverse.map(|row| fixed(row[0] * x as f64))).collect();
    let mut out = vec![0; SIDE * SIDE * 3];
    for (y, (line, shown)) in out.chunks_exact_mut(SIDE * 3).zip(mask.chunks_exact(SIDE)).enumerate() {
        let by_row = inverse.map(|row| fixed(row[1] * y as f64 + row[2]) + HALF);
        for ((pixel, moved), _) in line.chunks_exact_mut(3).zip(&by_column).zip(shown).filter(|(_, shown)| **shown) {
            let place = [(by_row[0] + moved[0]) >> TO_32, (by_row[1] + moved[1]) >> TO_32];
            pixel.copy_from_slice(&picture.between(place));
        }
    }
    if picture.order == Order::Rgb {
        out.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
    }
    Ok(out)
}

impl Picture<'_> {
    /// The pixel at a place in 1/32 pixel.
    pub(super) fn between(&self, [across, down]: [i64; 2]) -> [u8; 3] {
        let (x, y) = (across >> 5, down >> 5);
        let (right, lower) = ((across & 31) as u32, (down & 31) as u32);
        let (left, upper) = (32 - right, 32 - lower);
        let [a, b, c, d] = [left * upper, right * upper, left * lower, right * lower];
        let corners = self.corners(x, y).unwrap_or_else(|| self.corners_at_an_edge(x, y));
        let mut out = [0; 3];
        for (k, out) in out.iter_mut().enumerate() {
            let of = |corner: usize| u32::from(corners[corner][k]);
            *out = ((512 + a * of(0) + b * of(1) + c * of(2) + d * of(3)) >> 10) as u8;
        }
        out
    }

    /// The pixel, its right neighbour, and the two below, where the picture has all of them.
    #[inline]
    fn corners(&self, x: i64, y: i64) -> Option<[[u8; 3]; 4]> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        let stride = self.width * 3;
        let at = y.checked_mul(stride)?.checked_add(x.checked_mul(3)?)?;
        let [a, b, c, d, e, f] = *self.bytes.get(at..)?.first_chunk::<6>()?;
        let [g, h, i, j, k, l] = *self.bytes.get(at.checked_add(stride)?..)?.first_chunk::<6>()?;
        (x + 1 < self.width).then_some([[a, b, c], [d, e, f], [g, h, i], [j, k, l]])
    }

    /// The same with black where the picture has none.
    #[cold]
    fn corners_at_an_edge(&self, x: i64, y: i64) -> [[u8; 3]; 4] {
        [[0, 0], [1, 0], [0, 1], [1, 1]].map(|[right, down]| self.pixel(x + right, y + down).unwrap_or_default())
    }

    fn pixel(&self, x: i64, y: i64) -> Option<[u8; 3]> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        let at = (y.checked_mul(self.width)?.checked_add(x)?).checked_mul(3)?;
        self.bytes.get(at..)?.first_chunk().copied().filter(|_| x < self.width)
    }
}

/// The matrix back from the aligned face to the picture.
fn inverted([[a, b, x], [c, d, y]]: &Affine) -> Affine {
    let factor = 1.0 / (a * d - b * c);
    let [[e, f], [g, h]] = [[d * factor, -b * factor], [-c * factor, a * factor]];
    [[e, f, -e * x - f * y], [g, h, -g * x - h * y]]
}
