//! Where the head is in space: its landmarks and its pose in millimetres from the camera, for a camera of known or assumed
//! focal length. x to the right, y down, z away from the camera.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::pdm::{self, Parameters, ShapeModel, angles_of, rotation_of};
use crate::{Landmarks, POINTS};

/// Steps of the pose's refinement; a handful is enough.
const MOST_STEPS: usize = 50;

/// A pinhole camera; all in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Focal lengths along x and y.
    pub focal: [f64; 2],
    /// Where its axis meets the picture.
    pub centre: [f64; 2],
}

impl Camera {
    /// What OpenFace assumes of an unknown camera: a focal length of 500 pixels at 640 x 480, scaled by the mean of the
    /// sides' ratios, and its axis in the middle.
    pub fn assumed(width: usize, height: usize) -> Self {
        let (width, height) = (width as f64, height as f64);
        let focal = (500.0 * width / 640.0 + 500.0 * height / 480.0) / 2.0;
        Self { focal: [focal; 2], centre: [width / 2.0, height / 2.0] }
    }

    /// Where a point in space appears.
    fn shows(&self, p: [f64; 3]) -> [f64; 2] {
        [0, 1].map(|axis| self.focal[axis] * p[axis] / p[2] + self.centre[axis])
    }
}

/// The pose of a head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    /// The place of the shape model's origin, in millimetres from the camera.
    pub translation: [f64; 3],
    /// Turns about the x, y and z axis of the camera in radians; the rotation is their product in that order.
    pub rotation: [f64; 3],
    /// The same against the line from the camera to the head: 0 where the face looks into the camera, wherever it is in
    /// the picture. These are the columns `pose_R` of the OpenFace whose output the tests compare with.
    pub rotation_to_camera: [f64; 3],
}

/// The landmarks in space, in millimetres from the camera: each on the ray of its pixel, at the depth that the shape model
/// has there (`focal / scale` for its origin).
pub fn landmarks_in_space(
    model: &ShapeModel,
    parameters: &Parameters,
    landmarks: &Landmarks,
    camera: &Camera,
) -> [[f64; 3]; POINTS] {
    let (space, r) = (model.shape_in_space(&parameters.shape), rotation_of(parameters.rotation));
    let depth = camera.focal[0] / parameters.scale;
    std::array::from_fn(|i| {
        let z = depth + pdm::turn(&r, pdm::point(&space, i))[2];
        let [x, y] = [0, 1].map(|axis| z * (landmarks[i][axis] - camera.centre[axis]) / camera.focal[axis]);
        [x, y, z]
    })
}

/// The pose with which the camera would show the face's shape where the landmarks are: least squares in pixels
/// (Gauss-Newton), from the pose that the weak perspective of the shape model stands for.
///
/// # Errors
/// When the parameters are no face's in front of the camera.
pub fn head_pose(model: &ShapeModel, parameters: &Parameters, landmarks: &Landmarks, camera: &Camera) -> Result<Pose> {
    let space = model.shape_in_space(&parameters.shape);
    let depth = camera.focal[0] / parameters.scale;
    let aside = [0, 1].map(|axis| (parameters.translation[axis] - camera.centre[axis]) / camera.focal[axis] * depth);
    let mut translation = [aside[0], aside[1], depth];
    let mut rotation = rotation_of(parameters.rotation);
    for _ in 0..MOST_STEPS {
        let turned: Vec<[f64; 3]> = (0..POINTS).map(|i| pdm::turn(&rotation, pdm::point(&space, i))).collect();
        let step = step(&turned, translation, landmarks, camera).context("the face lies nowhere before the camera")?;
        rotation = pdm::times(&pdm::about([step[0], step[1], step[2]]), &rotation);
        translation.iter_mut().zip(&step[3..]).for_each(|(t, s)| *t += s);
        if step.iter().all(|s| s.abs() < 1e-9) {
            break;
        }
    }
    let finite = translation.iter().chain(rotation.iter().flatten()).all(|v| v.is_finite());
    ensure!(finite && translation[2] > 0.0, "the face lies nowhere before the camera");
    let [x, y, z] = translation;
    let sight = rotation_of([y.atan2(x.hypot(z)), -x.atan2(y.hypot(z)), 0.0]);
    Ok(Pose {
        translation,
        rotation: angles_of(&rotation),
        rotation_to_camera: angles_of(&pdm::times(&sight, &rotation)),
    })
}

/// A step of three turns (before the translation, about the camera's axes) and three shifts; `None` where the equations
/// have no solution or a point lies behind the camera.
fn step(turned: &[[f64; 3]], translation: [f64; 3], landmarks: &Landmarks, camera: &Camera) -> Option<Vec<f64>> {
    let mut hessian = vec![0.0; 36];
    let mut gradient = vec![0.0; 6];
    for (&[a, b, c], landmark) in turned.iter().zip(landmarks) {
        let place = [a + translation[0], b + translation[1], c + translation[2]];
        if place[2].is_nan() || place[2] <= 0.0 {
            return None;
        }
        let shown = camera.shows(place);
        for axis in 0..2 {
            let across = camera.focal[axis] / place[2];
            let mut by = [0.0, 0.0, -across * place[axis] / place[2]];
            by[axis] = across;
            // The derivative by a turn w of `w x (a, b, c)`.
            let row = [b * by[2] - c * by[1], c * by[0] - a * by[2], a * by[1] - b * by[0], by[0], by[1], by[2]];
            for i in 0..6 {
                gradient[i] += row[i] * (landmark[axis] - shown[axis]);
                (0..=i).for_each(|j| hessian[i * 6 + j] += row[i] * row[j]);
            }
        }
    }
    pdm::solve(&mut hessian, gradient)
}

#[cfg(test)]
mod tests {
    use ferrotype_base::random::Stream;
    use ferrotype_needs::needs;

    use super::*;
    use crate::example;
    use crate::reference::{Table, shape_model};

    /// A head put into space and seen by a camera is found where it was put.
    #[test]
    fn poses_are_found() {
        let model = ShapeModel::new(example::shape_file(3));
        let camera = Camera::assumed(640, 480);
        assert_eq!(camera, Camera { focal: [500.0; 2], centre: [320.0, 240.0] });
        let mut stream = Stream::new(2);
        for _ in 0..20 {
            let mut around = |most: f64| most * (2.0 * stream.unit() - 1.0);
            let (angles, place) = ([around(0.4), around(0.6), around(0.4)], [around(100.0), around(80.0), 700.0]);
            let shape = std::array::from_fn(|_| around(5.0));
            let (space, r) = (model.shape_in_space(&shape), rotation_of(angles));
            let landmarks: Landmarks = std::array::from_fn(|i| {
                let p = pdm::turn(&r, pdm::point(&space, i));
                camera.shows([p[0] + place[0], p[1] + place[1], p[2] + place[2]])
            });
            let start = Parameters { shape, ..model.fit(&landmarks, None).unwrap().parameters };
            let pose = head_pose(&model, &start, &landmarks, &camera).unwrap();
            let far = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far(pose.translation, place) < 1e-6 && far(pose.rotation, angles) < 1e-9, "{pose:?}");
        }
    }

    #[test]
    fn a_face_that_looks_into_the_camera_is_not_turned() {
        let model = ShapeModel::new(example::shape_file(3));
        let camera = Camera::assumed(640, 480);
        let parameters =
            Parameters { scale: 1.0, rotation: [0.0; 3], translation: [320.0, 240.0], shape: [0.0; crate::MODES] };
        let [x, y, z] = [150.0, 90.0, 600.0f64];
        // The rotation whose third column points away from the camera, along the line of sight.
        let sight = rotation_of([f64::atan2(y, x.hypot(z)), -f64::atan2(x, y.hypot(z)), 0.0]);
        let back: pdm::Rotation = std::array::from_fn(|i| std::array::from_fn(|j| sight[j][i]));
        let space = model.shape_in_space(&parameters.shape);
        let landmarks: Landmarks = std::array::from_fn(|i| {
            let p = pdm::turn(&back, pdm::point(&space, i));
            camera.shows([p[0] + x, p[1] + y, p[2] + z])
        });
        let start = model.fit(&landmarks, None).unwrap().parameters;
        let start = Parameters { shape: parameters.shape, ..start };
        let pose = head_pose(&model, &start, &landmarks, &camera).unwrap();
        assert!(pose.rotation_to_camera.iter().all(|v| v.abs() < 1e-6) && pose.rotation[1].abs() > 0.1, "{pose:?}");
    }

    #[test]
    fn what_is_no_face_is_an_error() {
        let model = ShapeModel::new(example::shape_file(3));
        let camera = Camera::assumed(640, 480);
        for scale in [0.0, -1.0, f64::NAN, 1e9] {
            let parameters = Parameters { scale, ..model.in_box([200.0, 100.0, 200.0, 220.0]) };
            let landmarks = model.landmarks(&parameters);
            assert!(head_pose(&model, &parameters, &landmarks, &camera).is_err(), "{scale}");
        }
    }

    #[needs(data)]
    #[test]
    fn poses_are_openfaces() {
        let (model, table) = (shape_model(), Table::read("openface/reference/one_face_emotions.csv.gz"));
        let camera = Camera::assumed(640, 360);
        let (mut millimetres, mut radians, mut landmarks): (f64, f64, f64) = (0.0, 0.0, 0.0);
        for row in 0..table.rows.len() {
            let (parameters, points) = (table.parameters(row), table.landmarks(row));
            let pose = head_pose(&model, &parameters, &points, &camera).unwrap();
            for (axis, name) in ["x", "y", "z"].iter().enumerate() {
                let [t, r] = ["T", "R"].map(|kind| table.value(row, &format!("pose_{kind}{name}")));
                millimetres = millimetres.max((pose.translation[axis] - t).abs());
                radians = radians.max((pose.rotation_to_camera[axis] - r).abs());
            }
            let space = landmarks_in_space(&model, &parameters, &points, &camera);
            for (i, point) in space.iter().enumerate() {
                for (axis, name) in ["X", "Y", "Z"].iter().enumerate() {
                    landmarks = landmarks.max((point[axis] - table.value(row, &format!("{name}_{i}"))).abs());
                }
            }
        }
        println!("472 poses: {millimetres:.5} mm, {radians:.6} rad; landmarks in space {landmarks:.5} mm");
        assert!(millimetres < 0.002 && radians < 1e-5 && landmarks < 0.002);
    }
}
