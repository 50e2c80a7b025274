//! Faces turned and scaled so that the eyes stand at fixed places.

use anyhow::{Result, ensure};

use super::{Landmarks, eye_centres};
use ferrotype_data::augment::{Affine, resample};
use ferrotype_data::options::{Fill, Resize};
use ferrotype_data::preprocess::{Picture, planes, resize};

/// Where the middles of the eyes stand in an aligned face, as parts of its side: the picture reaches from the forehead to
/// below the chin.
pub const EYES: [[f32; 2]; 2] = [[0.31, 0.37], [0.69, 0.37]];

/// The similarity (turn, scale, shift) that takes pixels of an aligned face of `size` pixels per side to the picture, so
/// that the given middles of the eyes come to stand at `places` (parts of the side).
///
/// # Errors
/// When the eyes stand at one place.
pub fn similarity(eyes: [[f32; 2]; 2], places: [[f32; 2]; 2], size: usize) -> Result<Affine> {
    let side = size as f64;
    let [from, to] = [places.map(|p| p.map(|v| f64::from(v) * side)), eyes.map(|p| p.map(f64::from))];
    let difference = |p: [[f64; 2]; 2]| [p[1][0] - p[0][0], p[1][1] - p[0][1]];
    let ([ax, ay], [bx, by]) = (difference(from), difference(to));
    let length = ax * ax + ay * ay;
    ensure!(bx.hypot(by) > 1e-3 && length > 0.0, "both eyes stand at one place");
    // The complex quotient of the two differences: its size is the scale, its angle the turn.
    let (real, imaginary) = ((bx * ax + by * ay) / length, (by * ax - bx * ay) / length);
    let matrix = [[real, -imaginary], [imaginary, real]];
    // Places are counted from the edges of pixels, the map from their centres.
    let offset = [0, 1].map(|k| {
        let at = |p: [f64; 2]| matrix[k][0] * p[0] + matrix[k][1] * p[1];
        to[0][k] - at(from[0]) + at([0.5, 0.5]) - 0.5
    });
    Ok(Affine { matrix, offset })
}

/// The aligned face, `[size, size, channels]`. What a pixel of it covers in the picture is averaged; beyond the picture
/// border pixels are repeated.
///
/// # Errors
/// When the landmarks of both eyes stand at one place.
pub fn align(picture: &Picture, points: &Landmarks, size: usize) -> Result<Vec<u8>> {
    align_eyes(picture, eye_centres(points), EYES, size)
}

/// As [`align`], with the middles of the eyes given and the places where they come to stand.
///
/// # Errors
/// When both eyes stand at one place.
pub fn align_eyes(picture: &Picture, eyes: [[f32; 2]; 2], places: [[f32; 2]; 2], size: usize) -> Result<Vec<u8>> {
    let coarse = similarity(eyes, places, size)?;
    let scale = coarse.matrix[0][0].hypot(coarse.matrix[1][0]);
    let finer = (scale.ceil() as usize).clamp(1, 8);
    let map = similarity(eyes, places, size * finer)?;
    let turned = resample(&planes(picture), [picture.height, picture.width], &map, size * finer, Fill::Nearest);
    let bytes = interleaved(&turned, picture.channels);
    let fine = Picture::new(&bytes, size * finer, size * finer, picture.channels)?;
    Ok(interleaved(&resize(&fine, size, Resize::Area), picture.channels))
}

/// Planes `[channels, n]` to pixels `[n, channels]`, rounded.
pub(super) fn interleaved(planes: &[f32], channels: usize) -> Vec<u8> {
    let n = planes.len() / channels;
    (0..planes.len()).map(|i| (planes[i % channels * n + i / channels] + 0.5).clamp(0.0, 255.0) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eyes_come_to_their_places() {
        let eyes = [[120.0, 80.0], [160.0, 110.0]];
        let map = similarity(eyes, EYES, 60).unwrap();
        for (eye, place) in eyes.iter().zip(EYES) {
            let [x, y] = place.map(|v| f64::from(v) * 60.0 - 0.5);
            for k in 0..2 {
                let at = map.matrix[k][0] * x + map.matrix[k][1] * y + map.offset[k] + 0.5;
                assert!((at - f64::from(eye[k])).abs() < 1e-9, "{at} {eye:?}");
            }
        }
        assert!(similarity([[5.0, 5.0]; 2], EYES, 60).is_err());
    }

    #[test]
    fn a_turned_face_is_turned_back() {
        // Bright right half, turned by 90 degrees: the lower half is bright. Eyes above each other.
        let pixels: Vec<u8> = (0..100 * 100).map(|i| if i / 100 >= 50 { 200 } else { 20 }).collect();
        let picture = Picture::new(&pixels, 100, 100, 1).unwrap();
        let mut points: Landmarks = [[50.0, 50.0]; 68];
        points[36..42].fill([60.0, 40.0]);
        points[42..48].fill([60.0, 60.0]);
        let out = align(&picture, &points, 20).unwrap();
        let dark = (0..20).map(|y| out[y * 20 + 2]).all(|v| v < 60);
        let bright = (0..20).map(|y| out[y * 20 + 17]).all(|v| v > 160);
        assert!(dark && bright, "{out:?}");
    }
}
