//! Alignment of made-up faces.

use ferrotype_base::random::Stream;

use super::similarity::{moved, onto};
use super::*;
use crate::example;
use crate::pdm::Parameters;

fn model() -> ShapeModel {
    ShapeModel::new(example::shape_file(1))
}

fn upright(scale: f64) -> Parameters {
    Parameters { scale, rotation: [0.0; 3], translation: [200.0, 150.0], shape: [0.0; crate::MODES] }
}

#[test]
fn a_mean_face_comes_to_its_place_from_any_turn_and_size() {
    let model = model();
    let aligner = Aligner::new(&model, example::triangles());
    for (scale, angle) in [(0.7, 0.0), (2.5, 0.4), (0.3, -2.0)] {
        let parameters = Parameters { rotation: [0.0, 0.0, angle], ..upright(scale) };
        let landmarks = model.landmarks(&parameters);
        let warp = onto(&landmarks, &aligner.target, parameters.translation).unwrap();
        for (there, target) in moved(&warp, &landmarks).iter().zip(&aligner.target) {
            assert!((0..2).all(|k| (there[k] - target[k] - 56.0).abs() < 1e-3), "{there:?} {target:?}");
        }
    }
}

/// At scale 0.7, upright, the warp is a shift by whole pixels: what is in the face is copied.
#[test]
fn a_shift_copies_pixels_and_the_mask_blackens_the_rest() {
    let (width, height) = (320, 240);
    let mut stream = Stream::new(4);
    let bytes: Vec<u8> = (0..width * height * 3).map(|_| stream.below(256) as u8).collect();
    let model = model();
    let aligner = Aligner::new(&model, example::triangles());
    let parameters = upright(0.7);
    let landmarks = model.landmarks(&parameters);
    let bgr = Picture::new(&bytes, width, height, Order::Bgr).unwrap();
    let face = aligner.align(&bgr, &landmarks, parameters.translation).unwrap();
    assert!(face.mask[56 * SIDE + 56] && !face.mask[0] && face.mask.iter().filter(|&&m| m).count() > 3000);
    for (i, inside) in face.mask.iter().enumerate() {
        let (x, y) = (i % SIDE + 200 - 56, i / SIDE + 150 - 56);
        let there = if *inside { &bytes[(y * width + x) * 3..][..3] } else { &[0; 3] };
        assert_eq!(&face.bgr[i * 3..][..3], there, "{i}");
    }
    let swapped: Vec<u8> = bytes.chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]]).collect();
    let rgb = Picture::new(&swapped, width, height, Order::Rgb).unwrap();
    assert_eq!(aligner.align(&rgb, &landmarks, parameters.translation).unwrap(), face);
}

/// OpenCV 4.6: a row 0, 100, 200 at 1/32, 8/32 and 31/32 between pixels, and half of the last pixel with the black beyond.
#[test]
fn places_between_pixels_are_weighed() {
    let row: Vec<u8> = [0, 100, 200].iter().flat_map(|&v| [v; 3]).collect();
    let picture = Picture::new(&row, 3, 1, Order::Bgr).unwrap();
    let at = |x: i64, y: i64| picture.between([x, y])[0];
    // 100/32 = 3.125; 25; 100 + 96.875; half of 200; a quarter of 200 between four pixels, three of them black.
    assert_eq!([at(1, 0), at(8, 0), at(63, 0), at(80, 0), at(80, 16), at(-33, 0)], [3, 25, 197, 100, 50, 0]);
}

#[test]
fn wild_numbers_are_errors_or_black() {
    let model = model();
    let aligner = Aligner::new(&model, example::triangles());
    let bytes = [255; 30 * 20 * 3];
    let picture = Picture::new(&bytes, 30, 20, Order::Bgr).unwrap();
    let landmarks = model.landmarks(&upright(1.0));
    assert!(aligner.align(&picture, &landmarks, [f64::NAN, 0.0]).is_err());
    assert!(aligner.align(&picture, &[[3.0, 3.0]; POINTS], [0.0; 2]).is_err());
    let far = aligner.align(&picture, &landmarks.map(|p| p.map(|v| v + 1e7)), [1e7, 1e7]).unwrap();
    assert!(far.bgr.iter().all(|&v| v == 0));
    let mut stream = Stream::new(3);
    for size in [1e-300, 1e-9, 1e9, 1e200] {
        let wild = std::array::from_fn(|_| [size * stream.normal(), size * stream.normal()]);
        let _ = aligner.align(&picture, &wild, [size, size]);
    }
    assert!(Picture::new(&bytes, 30, 21, Order::Bgr).is_err() && Picture::new(&[], 0, 0, Order::Bgr).is_err());
    assert!(Picture::new(&bytes, usize::MAX, 2, Order::Bgr).is_err());
}

/// The triangles of faces in any place, pixel by pixel.
#[test]
fn masks_hold_all_pixels_of_their_triangles() {
    let mut stream = Stream::new(6);
    for size in [5.0, 40.0, 100.0, 400.0] {
        // Whole and half numbers: corners and edges that go through pixels.
        let mut place = || (stream.unit() * size * 2.0).round() / 2.0 - size / 4.0;
        let landmarks: Landmarks = std::array::from_fn(|_| [place(), place()]);
        let mut corners = landmarks;
        (0..27).filter(|i| *i == 0 || *i >= 16).for_each(|i| corners[i][1] -= 30.0);
        for triangle in example::triangles() {
            let mask = mask::of(&landmarks, &[triangle]);
            let [a, b, c] = triangle.map(|i| corners[i]);
            let side =
                |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
            for (i, inside) in mask.iter().enumerate().filter(|_| side(a, b, c) != 0.0) {
                let here = [(i % SIDE) as f64, (i / SIDE) as f64];
                let sides = [side(a, b, here), side(b, c, here), side(c, a, here)];
                let plain = sides.iter().all(|s| *s >= 0.0) || sides.iter().all(|s| *s <= 0.0);
                assert_eq!(*inside, plain, "{a:?} {b:?} {c:?} {here:?}");
            }
        }
    }
}
