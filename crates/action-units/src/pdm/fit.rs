//! The fit of the shape model to landmarks.

use anyhow::{Context, Result, ensure};

use super::rotation::{about, times};
use super::{PARAMETERS, Parameters, ShapeModel, angles_of, cholesky, rotation_of, span};
use crate::{Landmarks, POINTS};

/// The share of each Gauss-Newton step that is taken, against overshooting.
const STEP: f64 = 0.75;
/// More steps than any fit of a face takes; steps shrink to a quarter each.
const MOST_STEPS: usize = 200;
/// A step is the last one when it moves no landmark and no mode (in standard deviations) by more than this.
const STILL: f64 = 1e-5;

/// A fitted face.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Its parameters.
    pub parameters: Parameters,
    /// Root of the mean squared distance between the landmarks given and those of the model, in pixels.
    pub rms: f64,
    /// Steps taken.
    pub steps: usize,
}

impl ShapeModel {
    /// Fits the model to landmarks: the least sum of squared distances in pixels plus, for each mode, its square divided
    /// by its variance. It begins with the mean face in the landmarks' box, or with `start`, such as the parameters of
    /// the frame before, which leads to the same parameters in fewer steps. A start that leads nowhere is not minded.
    ///
    /// # Errors
    /// When a landmark is not finite, all lie on one spot, or the steps lead nowhere (points that are no face).
    pub fn fit(&self, landmarks: &Landmarks, start: Option<&Parameters>) -> Result<Fit> {
        let strange = landmarks.iter().position(|p| !p.iter().all(|v| v.is_finite()));
        ensure!(strange.is_none(), "landmark {} is not finite", strange.unwrap_or_default());
        let spans = [0, 1].map(|axis| span(landmarks.iter().map(|p| p[axis])));
        let [width, height] = spans.map(|(low, high)| high - low);
        ensure!(width > 0.0 && height > 0.0, "the landmarks lie on one line: {width} x {height} pixels");
        let followed = start.and_then(|start| self.fit_from(landmarks, start.clone()).ok());
        followed.map_or_else(|| self.fit_from(landmarks, self.in_box([spans[0].0, spans[1].0, width, height])), Ok)
    }

    fn fit_from(&self, landmarks: &Landmarks, mut parameters: Parameters) -> Result<Fit> {
        let mut shown = self.landmarks(&parameters);
        let mut steps = 0;
        let mut moved = f64::INFINITY;
        while moved > STILL && steps < MOST_STEPS {
            let step = self.step(landmarks, &mut parameters, &mut shown);
            moved = step.context("the shape model does not fit the landmarks")?;
            steps += 1;
        }
        ensure!(moved.is_finite() && parameters.scale > 0.0, "the shape model does not fit the landmarks");
        let squares = shown.iter().zip(landmarks).map(|(a, b)| distance2(a, b)).sum::<f64>();
        Ok(Fit { parameters, rms: (squares / POINTS as f64).sqrt(), steps })
    }

    /// One step from landmarks that are `shown`; how far it moved the fastest landmark (pixels) or mode (standard deviations). `None` where the equations
    /// have no solution.
    fn step(&self, landmarks: &Landmarks, parameters: &mut Parameters, shown: &mut Landmarks) -> Option<f64> {
        let before = *shown;
        let (mut hessian, mut gradient) = normal_equations(&self.jacobian(parameters), &before, landmarks);
        let variances = self.eigenvalues();
        for (k, (p, variance)) in parameters.shape.iter().zip(variances).enumerate() {
            hessian[(6 + k) * PARAMETERS + 6 + k] += 1.0 / variance;
            gradient[6 + k] -= p / variance;
        }
        let update: Vec<f64> = cholesky::solve(&mut hessian, gradient)?.iter().map(|v| STEP * v).collect();
        parameters.scale += update[0];
        let turned = times(&rotation_of(parameters.rotation), &about([update[1], update[2], update[3]]));
        parameters.rotation = angles_of(&turned);
        parameters.translation[0] += update[4];
        parameters.translation[1] += update[5];
        let mut most: f64 = 0.0;
        for ((p, by), variance) in parameters.shape.iter_mut().zip(&update[6..]).zip(variances) {
            *p += by;
            most = most.max(by.abs() / variance.sqrt());
        }
        *shown = self.landmarks(parameters);
        let squares = shown.iter().zip(&before).map(|(a, b)| distance2(a, b)).fold(0.0, f64::max);
        // `max` would lose a NaN.
        let moved = if squares.is_finite() { squares.sqrt().max(most) } else { f64::NAN };
        moved.is_finite().then_some(moved)
    }
}

/// `J'J` (its lower half) and `J'(landmarks - shown)`.
fn normal_equations(jacobian: &[f64], shown: &Landmarks, landmarks: &Landmarks) -> (Vec<f64>, Vec<f64>) {
    let mut hessian = vec![0.0; PARAMETERS * PARAMETERS];
    let mut gradient = vec![0.0; PARAMETERS];
    for (row, derivative) in jacobian.chunks_exact(PARAMETERS).enumerate() {
        let (axis, i) = (row / POINTS, row % POINTS);
        let residual = landmarks[i][axis] - shown[i][axis];
        for (k, &d) in derivative.iter().enumerate() {
            gradient[k] += d * residual;
            let out = &mut hessian[k * PARAMETERS..k * PARAMETERS + k + 1];
            out.iter_mut().zip(derivative).for_each(|(h, e)| *h += d * e);
        }
    }
    (hessian, gradient)
}

fn distance2(a: &[f64; 2], b: &[f64; 2]) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}
