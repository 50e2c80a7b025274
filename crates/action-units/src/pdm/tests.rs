//! The shape model on a made-up face.

use ferrotype_base::random::Stream;

use super::rotation::{about, times};
use super::*;
use crate::example;

fn model() -> ShapeModel {
    ShapeModel::new(example::shape_file(5))
}

fn parameters(stream: &mut Stream, model: &ShapeModel, turned: f64) -> Parameters {
    Parameters {
        scale: 0.5 + 3.0 * stream.unit(),
        rotation: std::array::from_fn(|_| turned * (2.0 * stream.unit() - 1.0)),
        translation: [400.0 * stream.unit(), 300.0 * stream.unit()],
        shape: std::array::from_fn(|k| model.eigenvalues()[k].sqrt() * 0.7 * stream.normal()),
    }
}

#[test]
fn angles_and_rotations_are_inverse() {
    let mut stream = Stream::new(2);
    for _ in 0..200 {
        let angles: [f64; 3] = [3.0, 1.5, 3.0].map(|most| most * (2.0 * stream.unit() - 1.0));
        let back = angles_of(&rotation_of(angles));
        assert!(angles.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-9), "{angles:?} {back:?}");
    }
    // Looking straight to the side, two of the angles are one: the rotation is kept.
    for y in [1.0, -1.0] {
        let r = rotation_of([0.3, y * std::f64::consts::FRAC_PI_2, 0.4]);
        let back = rotation_of(angles_of(&r));
        assert!((0..9).all(|k| (r[k / 3][k % 3] - back[k / 3][k % 3]).abs() < 1e-7), "{r:?} {back:?}");
    }
}

/// numpy: Rx @ Ry @ Rz of (0.1, 0.2, 0.3).
#[test]
fn the_rotation_is_rx_ry_rz() {
    let expected = [
        [0.936_293_36, -0.289_629_48, 0.198_669_33],
        [0.312_991_83, 0.944_702_49, -0.097_843_4],
        [-0.159_345_08, 0.153_792, 0.975_170_33],
    ];
    let r = rotation_of([0.1, 0.2, 0.3]);
    assert!((0..9).all(|k| (r[k / 3][k % 3] - expected[k / 3][k % 3]).abs() < 1e-8), "{r:?}");
    let [x, y, z] = [[0.1, 0.0, 0.0], [0.0, 0.2, 0.0], [0.0, 0.0, 0.3]].map(rotation_of);
    let product = times(&times(&x, &y), &z);
    assert!((0..9).all(|k| (r[k / 3][k % 3] - product[k / 3][k % 3]).abs() < 1e-12));
    let small = about([0.1, 0.0, 0.0]);
    assert!((0..9).all(|k| (small[k / 3][k % 3] - x[k / 3][k % 3]).abs() < 1e-12));
}

#[test]
fn the_jacobian_is_that_of_differences() {
    let model = model();
    let mut stream = Stream::new(4);
    let at = parameters(&mut stream, &model, 0.6);
    let jacobian = model.jacobian(&at);
    let h = 1e-5;
    let moved = |column: usize, by: f64| {
        let mut p = at.clone();
        match column {
            0 => p.scale += by,
            1..4 => {
                let w = std::array::from_fn(|k| if k == column - 1 { by } else { 0.0 });
                p.rotation = angles_of(&times(&rotation_of(p.rotation), &about(w)));
            }
            4 | 5 => p.translation[column - 4] += by,
            _ => p.shape[column - 6] += by,
        }
        model.landmarks(&p)
    };
    for column in 0..PARAMETERS {
        let (up, down) = (moved(column, h), moved(column, -h));
        for row in 0..2 * POINTS {
            let (axis, i) = (row / POINTS, row % POINTS);
            let difference = (up[i][axis] - down[i][axis]) / (2.0 * h);
            let ours = jacobian[row * PARAMETERS + column];
            assert!(
                (ours - difference).abs() < 1e-4 * difference.abs().max(1.0),
                "{row} {column}: {ours} {difference}"
            );
        }
    }
}

/// The mean of many fits: with a weak prior (large faces) the parameters that made the landmarks come back.
#[test]
fn a_fit_finds_what_made_the_landmarks() {
    let model = model();
    let mut stream = Stream::new(6);
    for _ in 0..10 {
        let mut made = parameters(&mut stream, &model, 0.5);
        made.scale *= 100.0;
        let landmarks = model.landmarks(&made);
        let fit = model.fit(&landmarks, None).unwrap();
        assert!(fit.rms < 0.05, "{}", fit.rms);
        assert!((fit.parameters.scale / made.scale - 1.0).abs() < 1e-3);
        assert!(fit.parameters.rotation.iter().zip(made.rotation).all(|(a, b)| (a - b).abs() < 2e-3), "{made:?}");
        let again = model.fit(&landmarks, Some(&fit.parameters)).unwrap();
        assert!(
            again.steps < fit.steps
                && crate::reference::farthest(&landmarks, &model.landmarks(&again.parameters)) < 0.3
        );
    }
}

#[test]
fn a_useless_start_is_not_minded() {
    let model = model();
    let landmarks = model.landmarks(&parameters(&mut Stream::new(3), &model, 0.3));
    let fit = model.fit(&landmarks, None).unwrap();
    for start in [
        Parameters { scale: f64::NAN, ..fit.parameters.clone() },
        Parameters { scale: 0.0, ..fit.parameters.clone() },
        Parameters { translation: [1e9, -1e9], ..fit.parameters.clone() },
        Parameters { shape: [1e200; MODES], ..fit.parameters.clone() },
    ] {
        let again = model.fit(&landmarks, Some(&start)).unwrap();
        assert!((again.rms - fit.rms).abs() < 1e-3, "{} {}", again.rms, fit.rms);
    }
}

/// At the fitted parameters the gradient of (squared distances + p^2 / variance) is 0: that is the sum that is minimised.
#[test]
fn a_fit_is_a_minimum_of_the_regularised_sum() {
    let model = model();
    let mut stream = Stream::new(7);
    let mut landmarks = model.landmarks(&parameters(&mut stream, &model, 0.4));
    landmarks.iter_mut().flatten().for_each(|v| *v += stream.normal());
    let fit = model.fit(&landmarks, None).unwrap();
    let sum = |p: &Parameters| {
        let shown = model.landmarks(p);
        let far: f64 = shown.iter().flatten().zip(landmarks.iter().flatten()).map(|(a, b)| (a - b).powi(2)).sum();
        far + p.shape.iter().zip(model.eigenvalues()).map(|(p, v)| p * p / v).sum::<f64>()
    };
    let least = sum(&fit.parameters);
    for k in 0..MODES {
        for by in [0.01, -0.01] {
            let mut other = fit.parameters.clone();
            other.shape[k] += by * model.eigenvalues()[k].sqrt();
            assert!(sum(&other) >= least - 1e-9, "mode {k}");
        }
    }
    let other = Parameters { scale: fit.parameters.scale * 1.001, ..fit.parameters.clone() };
    assert!(sum(&other) > least);
}

#[test]
fn a_box_is_filled() {
    let model = model();
    let landmarks = model.landmarks(&model.in_box([10.0, 20.0, 100.0, 100.0]));
    let (left, right) = span(landmarks.iter().map(|p| p[0]));
    let (top, bottom) = span(landmarks.iter().map(|p| p[1]));
    assert!(((left + right) / 2.0 - 60.0).abs() < 1e-9 && ((top + bottom) / 2.0 - 70.0).abs() < 1e-9);
    assert!(((right - left) + (bottom - top) - 200.0).abs() < 20.0);
}

#[test]
fn points_that_are_no_face_are_errors() {
    let model = model();
    let mut landmarks = [[5.0, 5.0]; POINTS];
    assert!(model.fit(&landmarks, None).unwrap_err().to_string().contains("one line"));
    landmarks[3][1] = f64::NAN;
    assert!(model.fit(&landmarks, None).unwrap_err().to_string().contains("landmark 3"));
    // Anything else either fits somehow or is an error; it always ends.
    let mut stream = Stream::new(8);
    for size in [1e-9, 1.0, 1e12, 1e300] {
        let wild: Landmarks = std::array::from_fn(|_| [size * stream.normal(), size * stream.normal()]);
        if let Ok(fit) = model.fit(&wild, None) {
            assert!(fit.rms.is_finite() && fit.parameters.shape.iter().all(|p| p.is_finite()));
        }
    }
}
