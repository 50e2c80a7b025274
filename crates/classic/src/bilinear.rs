//! Compact bilinear pooling by Tensor Sketch (Pham and Pagh, KDD 2013; Gao et al., CVPR 2016): `d` numbers that stand for
//! the outer product of two vectors, in that scalar products of sketches are products of scalar products in expectation.

use anyhow::{Result, ensure};
use ferrotype_base::random::{Purpose, Stream, name_index};
use serde::{Deserialize, Serialize};

use crate::fft::Circle;
use crate::matrix::check_width;

/// Two count sketches and the convolution of their results. A function of its three numbers, so that it is stored as them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct TensorSketch {
    form: Form,
    sketches: [CountSketch; 2],
    circle: Circle,
}

/// What a sketch is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    inputs: usize,
    outputs: usize,
    seed: u64,
}

/// Each input is added to, or taken from, one output.
#[derive(Clone, Debug, PartialEq)]
struct CountSketch {
    place: Vec<usize>,
    sign: Vec<f64>,
}

impl CountSketch {
    fn drawn(form: Form, which: u64) -> Self {
        let mut stream = Stream::of(form.seed, Purpose::Initialisation, &[name_index("tensor sketch"), which]);
        let draw = |_| (stream.below(form.outputs), if stream.bits() & 1 == 0 { 1.0 } else { -1.0 });
        let (place, sign) = (0..form.inputs).map(draw).unzip();
        Self { place, sign }
    }

    fn apply(&self, x: &[f64], outputs: usize) -> Vec<f64> {
        let mut out = vec![0.0; outputs];
        self.place.iter().zip(&self.sign).zip(x).for_each(|((&at, sign), x)| out[at] += sign * x);
        out
    }

    /// Adds the gradient of the input.
    fn pull_back(&self, gradient: &[f64], into: &mut [f64]) {
        self.place.iter().zip(&self.sign).zip(into).for_each(|((&at, sign), g)| *g += sign * gradient[at]);
    }
}

impl TryFrom<Form> for TensorSketch {
    type Error = anyhow::Error;

    fn try_from(form: Form) -> Result<Self> {
        Self::new(form.inputs, form.outputs, form.seed)
    }
}

impl From<TensorSketch> for Form {
    fn from(sketch: TensorSketch) -> Self {
        sketch.form
    }
}

impl TensorSketch {
    /// A sketch of vectors of `inputs` numbers in `outputs` numbers.
    ///
    /// # Errors
    /// When one of them is 0 or far beyond use.
    pub fn new(inputs: usize, outputs: usize, seed: u64) -> Result<Self> {
        let possible = 1..=1 << 22;
        ensure!(
            possible.contains(&inputs) && possible.contains(&outputs),
            "compact bilinear pooling of {inputs} numbers to {outputs}: both must be 1 to {}",
            possible.end()
        );
        let form = Form { inputs, outputs, seed };
        let sketches = [CountSketch::drawn(form, 0), CountSketch::drawn(form, 1)];
        Ok(Self { form, sketches, circle: Circle::new(outputs) })
    }

    /// Length of the vectors that it takes.
    pub fn inputs(&self) -> usize {
        self.form.inputs
    }

    /// Length of the vectors that it gives.
    pub fn outputs(&self) -> usize {
        self.form.outputs
    }

    /// The sketch of the outer product of `x` and `y`.
    ///
    /// # Errors
    /// When one of them has another length than [`Self::inputs`].
    pub fn pair(&self, x: &[f64], y: &[f64]) -> Result<Vec<f64>> {
        check_width(x, self.inputs())?;
        check_width(y, self.inputs())?;
        let [a, b] = &self.sketches;
        Ok(self.circle.convolve(&a.apply(x, self.outputs()), &b.apply(y, self.outputs())))
    }

    /// Bilinear pooling: the sum over positions of the sketch of each vector with itself. `positions` holds them one after
    /// another. Divide by their number for the mean.
    ///
    /// # Errors
    /// When they are not whole vectors, or none.
    pub fn pool(&self, positions: &[f64]) -> Result<Vec<f64>> {
        self.check_positions(positions)?;
        let mut sum = vec![0.0; self.outputs()];
        for x in positions.chunks_exact(self.inputs()) {
            sum.iter_mut().zip(self.pair(x, x)?).for_each(|(s, v)| *s += v);
        }
        Ok(sum)
    }

    /// The gradient of [`Self::pool`]: from that of its result to that of all positions.
    ///
    /// # Errors
    /// As [`Self::pool`], and when the gradient is not as long as the result.
    pub fn pool_backward(&self, positions: &[f64], gradient: &[f64]) -> Result<Vec<f64>> {
        self.check_positions(positions)?;
        ensure!(gradient.len() == self.outputs(), "a gradient of {} numbers for {}", gradient.len(), self.outputs());
        let [a, b] = &self.sketches;
        let mut back = vec![0.0; positions.len()];
        for (x, into) in positions.chunks_exact(self.inputs()).zip(back.chunks_exact_mut(self.inputs())) {
            let (u, v) = (a.apply(x, self.outputs()), b.apply(x, self.outputs()));
            a.pull_back(&self.circle.correlate(gradient, &v), into);
            b.pull_back(&self.circle.correlate(gradient, &u), into);
        }
        Ok(back)
    }

    fn check_positions(&self, positions: &[f64]) -> Result<()> {
        ensure!(
            !positions.is_empty() && positions.len().is_multiple_of(self.inputs()),
            "{} numbers are no whole vectors of {}",
            positions.len(),
            self.inputs()
        );
        Ok(())
    }
}

/// `sign(x) sqrt(|x|)`, in place.
pub fn signed_square_root(vector: &mut [f64]) {
    vector.iter_mut().for_each(|v| *v = v.signum() * v.abs().sqrt());
}

/// Divides a vector by its Euclidean length, in place; the zero vector stays.
pub fn normalise(vector: &mut [f64]) {
    let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|v| *v /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(n: usize, k: f64) -> Vec<f64> {
        (0..n).map(|i| (k * (i as f64 + 1.0)).sin()).collect()
    }

    fn product(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn products_of_sketches_are_exact_in_expectation() {
        let (x, y) = (vector(10, 1.1), vector(10, 1.2));
        let exact = product(&x, &y).powi(2);
        for outputs in [16, 24] {
            let of = |seed| {
                let sketch = TensorSketch::new(10, outputs, seed).unwrap();
                product(&sketch.pair(&x, &x).unwrap(), &sketch.pair(&y, &y).unwrap())
            };
            let drawn: Vec<f64> = (0..4000).map(of).collect();
            let mean = drawn.iter().sum::<f64>() / 4000.0;
            let spread = (drawn.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4000.0).sqrt();
            let error = spread / 4000f64.sqrt();
            assert!((mean - exact).abs() < 3.5 * error, "{outputs}: {mean} +- {error}, not {exact}");
            assert!(error < 0.03 * exact, "{outputs}: {error} says nothing about {exact}");
        }
    }

    #[test]
    fn a_sketch_of_many_outputs_is_nearly_the_product() {
        let (x, y) = (vector(6, 1.1), vector(6, 0.4));
        let sketch = TensorSketch::new(6, 1 << 16, 5).unwrap();
        let ours = product(&sketch.pair(&x, &x).unwrap(), &sketch.pair(&y, &y).unwrap());
        assert!((ours - product(&x, &y).powi(2)).abs() < 0.02, "{ours}");
        let mixed = product(&sketch.pair(&x, &y).unwrap(), &sketch.pair(&x, &y).unwrap());
        assert!((mixed - product(&x, &x) * product(&y, &y)).abs() < 0.05 * mixed, "{mixed}");
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for outputs in [8, 7] {
            let sketch = TensorSketch::new(5, outputs, 3).unwrap();
            let (positions, weights) = (vector(15, 0.8), vector(outputs, 2.3));
            let loss = |positions: &[f64]| product(&sketch.pool(positions).unwrap(), &weights);
            let gradient = sketch.pool_backward(&positions, &weights).unwrap();
            for at in 0..15 {
                let moved = |by: f64| {
                    let mut moved = positions.clone();
                    moved[at] += by;
                    loss(&moved)
                };
                let numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((gradient[at] - numeric).abs() < 1e-8, "{at}: {} {numeric}", gradient[at]);
            }
        }
    }

    #[test]
    fn sums_roots_lengths_and_errors() {
        let sketch = TensorSketch::new(3, 4, 1).unwrap();
        let (x, y) = ([1.0, -2.0, 0.5], [0.3, 0.0, 4.0]);
        let both: Vec<f64> = [x, y].concat();
        let sum = sketch.pool(&both).unwrap();
        let parts = [sketch.pair(&x, &x).unwrap(), sketch.pair(&y, &y).unwrap()];
        (0..4).for_each(|i| assert!((sum[i] - parts[0][i] - parts[1][i]).abs() < 1e-12));
        let mut v = [4.0, -9.0, 0.0];
        signed_square_root(&mut v);
        assert_eq!(v, [2.0, -3.0, 0.0]);
        let mut v = [3.0, -4.0];
        normalise(&mut v);
        assert_eq!(v, [0.6, -0.8]);
        let mut v = [0.0; 2];
        normalise(&mut v);
        assert_eq!(v, [0.0; 2]);
        assert!(sketch.pool(&[1.0; 4]).unwrap_err().to_string().contains("no whole vectors"));
        assert!(sketch.pair(&x, &[1.0]).is_err());
        assert!(sketch.pool_backward(&both, &[1.0]).is_err());
        assert!(TensorSketch::new(0, 4, 1).is_err());
    }
}
