//! Optical strain: how much the motion of the skin stretches it.
//!
//! With `exx = du/dx`, `eyy = dv/dy` and `exy = eyx = (du/dy + dv/dx) / 2`, the magnitude is
//! `sqrt(exx^2 + eyy^2 + exy^2 + eyx^2) = sqrt(exx^2 + eyy^2 + (du/dy + dv/dx)^2 / 2)`: Liong et al., "Off-ApexNet on
//! micro-expression recognition system" (Signal Processing: Image Communication 74, 2019, [arXiv:1805.08699]) and "Shallow
//! triple stream three-dimensional CNN (STSTNet)" (FG 2019, [arXiv:1902.03634]); Shreve et al. (FG 2011) have the two shear terms
//! as well. They do not say which differences they take, and public code takes backward, forward and central ones; here they are
//! central, as `numpy.gradient` takes them. Translations have no strain; neither have small rotations.
//!
//! [arXiv:1805.08699]: https://arxiv.org/abs/1805.08699
//! [arXiv:1902.03634]: https://arxiv.org/abs/1902.03634

use anyhow::{Result, ensure};

use crate::plane::{Flow, Plane};

/// The magnitude of the strain at every pixel, at least 0 and without a unit (pixels of motion per pixel of distance).
///
/// # Errors
/// A flow of fewer than 2x2 pixels.
pub fn strain(flow: &Flow) -> Result<Plane> {
    let (height, width) = flow.u.size();
    ensure!(height >= 2 && width >= 2, "a flow of {height}x{width} has no differences; both sides must be at least 2");
    Ok(Plane::from_fn(height, width, |y, x| {
        let (xx, yy) = (across(&flow.u, y, x), downwards(&flow.v, y, x));
        let xy = 0.5 * (downwards(&flow.u, y, x) + across(&flow.v, y, x));
        (xx * xx + yy * yy + 2.0 * (xy * xy)).sqrt()
    }))
}

/// The derivative to the right: half the difference of both neighbours, at the border the difference to the one there is.
fn across(plane: &Plane, y: usize, x: usize) -> f32 {
    let (row, (before, after, distance)) = (plane.row(y), neighbours(x, plane.width()));
    (row[after] - row[before]) / distance
}

/// The same downwards.
fn downwards(plane: &Plane, y: usize, x: usize) -> f32 {
    let (before, after, distance) = neighbours(y, plane.height());
    (plane.at(after, x) - plane.at(before, x)) / distance
}

fn neighbours(at: usize, side: usize) -> (usize, usize, f32) {
    let (before, after) = (at.saturating_sub(1), (at + 1).min(side - 1));
    (before, after, (after - before) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// u and v of 4x5 pixels.
    fn small() -> Flow {
        let u = Plane::from_fn(4, 5, |y, x| ((x * x + 3 * y) as f32) / 4.0);
        let v = Plane::from_fn(4, 5, |y, x| ((2 * x * y) as f32 - (y * y) as f32) / 8.0);
        Flow::new(u, v).unwrap()
    }

    #[test]
    fn it_equals_numpy() {
        // y, x = np.mgrid[:4, :5].astype(np.float32); u = (x * x + 3 * y) / 4; v = (2 * x * y - y * y) / 8
        // (uy, ux), (vy, vx) = np.gradient(u), np.gradient(v); exy = .5 * (uy + vx)
        // print(np.sqrt(ux ** 2 + vy ** 2 + 2 * exy ** 2).round(6).tolist())
        let expected: [[f32; 5]; 4] = [
            [0.599479, 0.73951, 1.192424, 1.709349, 2.027159],
            [0.790569, 0.866025, 1.25, 1.732051, 2.03101],
            [1.045825, 1.045825, 1.334635, 1.758906, 2.023302],
            [1.256234, 1.231107, 1.463087, 1.841365, 2.080415],
        ];
        let strain = strain(&small()).unwrap();
        for (found, expected) in strain.values().iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 2e-6, "{found} instead of {expected}");
        }
    }

    #[test]
    fn translations_have_none_and_stretching_has_its_size() {
        let constant = |value| Plane::new(6, 7, vec![value; 42]).unwrap();
        let moved = Flow::new(constant(2.5), constant(-1.0)).unwrap();
        assert!(strain(&moved).unwrap().values().iter().all(|&s| s == 0.0));
        let wider = Flow::new(Plane::from_fn(6, 7, |_, x| 0.25 * x as f32), constant(0.0)).unwrap();
        assert!(strain(&wider).unwrap().values().iter().all(|&s| s == 0.25));
        // A rotation: du/dy = -dv/dx.
        let turned =
            Flow::new(Plane::from_fn(6, 7, |y, _| -(y as f32)), Plane::from_fn(6, 7, |_, x| x as f32)).unwrap();
        assert!(strain(&turned).unwrap().values().iter().all(|&s| s == 0.0));
    }

    #[test]
    fn what_has_no_differences_is_refused() {
        let line = Flow::new(Plane::zeros(1, 4), Plane::zeros(1, 4)).unwrap();
        assert!(strain(&line).unwrap_err().to_string().contains("at least 2"));
        let message = Flow::new(Plane::zeros(3, 4), Plane::zeros(4, 3)).unwrap_err().to_string();
        assert_eq!(message, "u has 3x4 values, v 4x3; a flow has as many of both");
    }
}
