//! Exponential moving average of weights and running statistics.

use burn::tensor::Tensor;

/// `e = d e + (1 - d) w` after every optimizer step, with `d = min(decay, (1 + t) / (10 + t))`, so that the first
/// steps do not weigh the random start (TensorFlow's `ExponentialMovingAverage` with `num_updates`).
pub struct Ema {
    decay: f64,
    tensors: Vec<Tensor<1>>,
}

impl Ema {
    /// Starts at the given weights.
    pub fn new(decay: f64, tensors: Vec<Tensor<1>>) -> Self {
        Self { decay, tensors }
    }

    /// Takes in the weights after `step` optimizer steps (1, 2, ...). Those that are frozen (one flag per tensor, or none
    /// at all) did not move, so their averages are left as they are, to the bit.
    pub fn update<'a>(&mut self, step: u64, weights: impl Iterator<Item = &'a Tensor<1>>, frozen: &[bool]) {
        let t = step as f64;
        let d = self.decay.min((1.0 + t) / (10.0 + t)) as f32;
        for (i, (average, weight)) in self.tensors.iter_mut().zip(weights).enumerate() {
            if frozen.get(i).copied().unwrap_or(false) {
                continue;
            }
            *average = average.clone().mul_scalar(d) + weight.clone().mul_scalar(1.0 - d);
        }
    }

    /// The averages, in the order they were given.
    pub fn tensors(&self) -> &[Tensor<1>] {
        &self.tensors
    }

    /// Replaces the averages (resume).
    pub fn restore(&mut self, tensors: Vec<Tensor<1>>) {
        self.tensors = tensors;
    }
}

#[cfg(test)]
mod tests {
    use super::super::optimizer::values;
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn follows_its_formula() {
        let device = Device::flex();
        let w = |v: f32| Tensor::<1>::from_floats([v], &device);
        let mut ema = Ema::new(0.5, vec![w(0.0)]);
        ema.update(1, [w(1.0)].iter(), &[]);
        let first = 1.0 - 2.0 / 11.0;
        assert!((values(&ema.tensors()[0])[0] - first).abs() < 1e-6);
        ema.update(100, [w(1.0)].iter(), &[false]);
        assert!((values(&ema.tensors()[0])[0] - (0.5 * first + 0.5)).abs() < 1e-6);
        let before = values(&ema.tensors()[0]);
        ema.update(101, [w(7.0)].iter(), &[true]);
        assert_eq!(values(&ema.tensors()[0]), before);
    }
}
