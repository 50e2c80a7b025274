//! Landmarks without place, size and turn of the head.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// x and y of a point.
type Point = [f64; 2];

/// Rounds of averaging; the mean shape of faces hardly changes after the second.
const ROUNDS: usize = 5;

/// The mean of landmark sets that were shifted, scaled and turned onto each other (generalised Procrustes analysis, Gower,
/// Psychometrika 40, 1975): centred, with the sum of squares 1, standing as the first set does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanShape {
    points: Vec<Point>,
}

impl MeanShape {
    /// The mean of these sets, each x and y in turn.
    ///
    /// # Errors
    /// When there are none, or all points of one stand at one place.
    pub fn fit(sets: &[&[f32]]) -> Result<Self> {
        ensure!(!sets.is_empty(), "there are no landmarks");
        let mut mean = Self { points: centred(sets[0])? };
        for _ in 0..ROUNDS {
            let mut sum = vec![[0.0; 2]; mean.points.len()];
            for set in sets {
                sum.iter_mut().zip(mean.turned(set)?).for_each(|(s, p)| (s[0], s[1]) = (s[0] + p[0], s[1] + p[1]));
            }
            mean.points = scaled(sum)?;
        }
        Ok(mean)
    }

    /// Differences of a set from the mean, once it is shifted, scaled and turned onto it with the least squared error: x and
    /// y in turn.
    ///
    /// # Errors
    /// When all its points stand at one place.
    pub fn differences(&self, set: &[f32]) -> Result<Vec<f32>> {
        let turned = self.turned(set)?;
        let pairs = turned.iter().zip(&self.points);
        Ok(pairs.flat_map(|(p, m)| [(p[0] - m[0]) as f32, (p[1] - m[1]) as f32]).collect())
    }

    /// With complex numbers: the factor `sum(conj(z) m) / sum(|z|^2)` turns and scales z onto m.
    fn turned(&self, set: &[f32]) -> Result<Vec<Point>> {
        let z = centred(set)?;
        let (mut real, mut imaginary) = (0.0, 0.0);
        for ([x, y], [mx, my]) in z.iter().zip(&self.points) {
            real += x * mx + y * my;
            imaginary += x * my - y * mx;
        }
        Ok(z.iter().map(|[x, y]| [real * x - imaginary * y, real * y + imaginary * x]).collect())
    }
}

/// The points around their middle, with the sum of squares 1.
fn centred(set: &[f32]) -> Result<Vec<Point>> {
    let points: Vec<Point> = set.chunks_exact(2).map(|p| [f64::from(p[0]), f64::from(p[1])]).collect();
    let n = points.len() as f64;
    let middle = points.iter().fold([0.0; 2], |m, p| [m[0] + p[0] / n, m[1] + p[1] / n]);
    scaled(points.into_iter().map(|p| [p[0] - middle[0], p[1] - middle[1]]).collect())
}

fn scaled(points: Vec<Point>) -> Result<Vec<Point>> {
    let size = points.iter().flatten().map(|v| v * v).sum::<f64>().sqrt();
    ensure!(size.is_finite() && size > 1e-9, "all landmarks stand at one place");
    Ok(points.into_iter().map(|p| p.map(|v| v / size)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_base::random::Stream;

    fn moved(set: &[f32], scale: f32, turn: f32, [dx, dy]: [f32; 2]) -> Vec<f32> {
        let (sin, cos) = turn.sin_cos();
        let place = |p: &[f32]| [dx + scale * (cos * p[0] - sin * p[1]), dy + scale * (sin * p[0] + cos * p[1])];
        set.chunks_exact(2).flat_map(place).collect()
    }

    #[test]
    fn place_size_and_turn_are_taken_out() {
        let mut s = Stream::new(3);
        let face: Vec<f32> = (0..136).map(|_| s.uniform(50.0, 150.0)).collect();
        let sets: Vec<Vec<f32>> =
            (0..6).map(|i| moved(&face, 0.5 + i as f32, 0.2 * i as f32 - 0.4, [30.0 * i as f32, -9.0])).collect();
        let refs: Vec<&[f32]> = sets.iter().map(Vec::as_slice).collect();
        let mean = MeanShape::fit(&refs).unwrap();
        for set in &sets {
            assert!(mean.differences(set).unwrap().iter().all(|d| d.abs() < 1e-5));
        }
        // One point that moves is seen, and as much wherever the face stands.
        let mut other = face.clone();
        other[9] += 10.0;
        let here = mean.differences(&other).unwrap();
        let there = mean.differences(&moved(&other, 3.0, 1.0, [5.0, 5.0])).unwrap();
        assert!(here[9].abs() > 0.005 && here.iter().zip(&there).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!(mean.differences(&[4.0; 136]).unwrap_err().to_string().contains("at one place"));
        assert!(MeanShape::fit(&[]).is_err());
    }
}
