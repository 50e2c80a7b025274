//! Pixels of a region, sampled as MediaPipe samples them on a CPU: by OpenCV's `warpPerspective` with bilinear
//! interpolation (places rounded to 1/32 of a pixel, values to whole grey levels), corner to corner and without a shift of
//! half a pixel.

use crate::picture::Picture;
use crate::region::Region;

/// What is seen outside of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Black.
    Black,
    /// The nearest pixel of the picture.
    Nearest,
}

/// How grey levels become the numbers that a network takes.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub factor: f32,
    pub offset: f32,
}

/// Steps of a place within a pixel.
const STEPS: f64 = 32.0;

/// `side` x `side` x RGB of a region.
pub fn crop(picture: &Picture, region: &Region, side: usize, border: Border, scale: Scale) -> Vec<f32> {
    let table: [f32; 256] = std::array::from_fn(|level| level as f32 * scale.factor + scale.offset);
    let (sin, cos) = f64::from(region.rotation).sin_cos();
    let [width, height] = region.size.map(f64::from);
    let [x0, y0] = region.centre.map(f64::from);
    let mut out = Vec::with_capacity(side * side * 3);
    for row in 0..side {
        let down = (row as f64 / side as f64 - 0.5) * height;
        for column in 0..side {
            let across = (column as f64 / side as f64 - 0.5) * width;
            let place = [x0 + cos * across - sin * down, y0 + sin * across + cos * down];
            let place = place.map(|v| (v * STEPS).round_ties_even() as i64);
            out.extend(between(picture, place, border).map(|level| table[usize::from(level)]));
        }
    }
    out
}

/// The pixel at a place in 1/32 of a pixel.
fn between(picture: &Picture, [across, down]: [i64; 2], border: Border) -> [u8; 3] {
    let (x, y) = (across >> 5, down >> 5);
    let (right, lower) = ((across & 31) as u32, (down & 31) as u32);
    let (left, upper) = (32 - right, 32 - lower);
    let weights = [left * upper, right * upper, left * lower, right * lower];
    let corners = match inside(picture, x, y) {
        Some(corners) => corners,
        None => [[0, 0], [1, 0], [0, 1], [1, 1]].map(|[i, j]| pixel(picture, x + i, y + j, border)),
    };
    std::array::from_fn(|k| {
        let sum: u32 = weights.iter().zip(&corners).map(|(weight, corner)| weight * u32::from(corner[k])).sum();
        ((512 + sum) >> 10) as u8
    })
}

/// The pixel, its right neighbour, and the two below, where the picture has all of them.
#[inline]
fn inside(picture: &Picture, x: i64, y: i64) -> Option<[[u8; 3]; 4]> {
    let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
    if x + 1 >= picture.width || y + 1 >= picture.height {
        return None;
    }
    let at = (y * picture.width + x) * 3;
    let [a, b, c, d, e, f] = *picture.pixels.get(at..)?.first_chunk::<6>()?;
    let [g, h, i, j, k, l] = *picture.pixels.get(at + picture.width * 3..)?.first_chunk::<6>()?;
    Some([[a, b, c], [d, e, f], [g, h, i], [j, k, l]])
}

/// A pixel of the picture or of what is seen outside of it.
fn pixel(picture: &Picture, x: i64, y: i64, border: Border) -> [u8; 3] {
    let (right, lower) = (picture.width as i64 - 1, picture.height as i64 - 1);
    let (column, row) = (x.clamp(0, right), y.clamp(0, lower));
    if border == Border::Black && (column, row) != (x, y) {
        return [0; 3];
    }
    let at = (row as usize * picture.width + column as usize) * 3;
    picture.pixels.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Scale = Scale { factor: 1.0, offset: 0.0 };

    /// A picture whose pixel at x, y is (10 x, 20 y, 7).
    fn ramp(width: usize, height: usize) -> Vec<u8> {
        (0..width * height).flat_map(|i| [(i % width * 10) as u8, (i / width * 20) as u8, 7]).collect()
    }

    fn reds(values: &[f32]) -> Vec<f32> {
        values.iter().step_by(3).copied().collect()
    }

    #[test]
    fn a_whole_picture_is_itself() {
        let pixels = ramp(4, 4);
        let picture = Picture::new(&pixels, 4, 4).unwrap();
        let whole = Region { centre: [2.0, 2.0], size: [4.0, 4.0], rotation: 0.0 };
        let values = crop(&picture, &whole, 4, Border::Black, PLAIN);
        assert_eq!(values, pixels.iter().map(|&v| f32::from(v)).collect::<Vec<_>>());
        let scaled = crop(&picture, &whole, 4, Border::Black, Scale { factor: 2.0 / 255.0, offset: -1.0 });
        assert_eq!(scaled[3], 10.0 * (2.0 / 255.0) - 1.0);
    }

    #[test]
    fn places_between_pixels_are_mixed_and_rounded() {
        let pixels = ramp(4, 4);
        let picture = Picture::new(&pixels, 4, 4).unwrap();
        // Twice as fine: every second sample lies in the middle of two pixels; the last is mixed with what is outside.
        let part = Region { centre: [3.0, 3.0], size: [2.0, 2.0], rotation: 0.0 };
        assert_eq!(reds(&crop(&picture, &part, 4, Border::Nearest, PLAIN))[..4], [20.0, 25.0, 30.0, 30.0]);
        assert_eq!(reds(&crop(&picture, &part, 4, Border::Black, PLAIN))[..4], [20.0, 25.0, 30.0, 15.0]);
        // 1/64 of a pixel is rounded to the even of its neighbours in 1/32: 0; 3/64 to 2/32, which is 10 * 2 / 32 = 0.6.
        let shifted = |by: f32| {
            let region = Region { centre: [2.0 + by, 2.0], size: [4.0, 4.0], rotation: 0.0 };
            crop(&picture, &region, 4, Border::Black, PLAIN)[0]
        };
        assert_eq!([shifted(1.0 / 64.0), shifted(3.0 / 64.0)], [0.0, 1.0]);
    }

    #[test]
    fn a_turned_region_is_laid_straight() {
        let pixels = ramp(4, 4);
        let picture = Picture::new(&pixels, 4, 4).unwrap();
        let turned = Region { centre: [2.0, 2.0], size: [2.0, 2.0], rotation: std::f32::consts::FRAC_PI_2 };
        // Its upper left corner is the picture's upper right one of the square from 1 to 3; its rows go to the left.
        let values = crop(&picture, &turned, 2, Border::Black, PLAIN);
        assert_eq!(reds(&values), [30.0, 30.0, 20.0, 20.0]);
    }

    #[test]
    fn outside_of_the_picture_is_its_edge_or_black() {
        let picture = Picture::new(&[9, 8, 7], 1, 1).unwrap();
        let far = Region { centre: [-50.0, 80.0], size: [4.0, 4.0], rotation: 0.0 };
        assert!(crop(&picture, &far, 3, Border::Nearest, PLAIN).chunks_exact(3).all(|p| p == [9.0, 8.0, 7.0]));
        assert!(crop(&picture, &far, 3, Border::Black, PLAIN).iter().all(|v| *v == 0.0));
    }
}
