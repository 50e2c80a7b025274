//! How parameters begin. Values depend on seed and parameter name alone, so neither the order of layers nor a layer
//! added elsewhere changes them.

use crate::random::{Purpose, Stream, name_index};

/// A distribution of initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initialiser {
    /// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010): Keras' default.
    GlorotUniform,
    /// Normal with variance 2 / (fan_in + fan_out).
    GlorotNormal,
    /// Normal with variance 2 / fan_out (He et al., arXiv:1502.01852): torchvision's ResNet.
    HeNormalFanOut,
    /// Normal with this standard deviation.
    Normal(f32),
    /// Uniform in +-bound.
    Uniform(f32),
    /// One value.
    Constant(f32),
}

impl Initialiser {
    /// PyTorch's default for the weight and bias of a linear layer: uniform in +-1/sqrt(inputs).
    pub fn pytorch_linear(inputs: usize) -> Self {
        Self::Uniform(1.0 / (inputs.max(1) as f32).sqrt())
    }

    /// The values of the parameter `name` of this shape under `seed`.
    pub fn values(&self, seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
        let len = shape.iter().product();
        let (fan_in, fan_out) = fans(shape);
        let mut stream = Stream::of(seed, Purpose::Initialisation, &[name_index(name)]);
        let mut uniform = |bound: f64| (0..len).map(|_| (bound * (2.0 * stream.unit() - 1.0)) as f32).collect();
        match *self {
            Self::Constant(value) => return vec![value; len],
            Self::GlorotUniform => return uniform((6.0 / (fan_in + fan_out)).sqrt()),
            Self::Uniform(bound) => return uniform(f64::from(bound)),
            _ => {}
        }
        let std = match *self {
            Self::GlorotNormal => (2.0 / (fan_in + fan_out)).sqrt(),
            Self::HeNormalFanOut => (2.0 / fan_out).sqrt(),
            Self::Normal(std) => f64::from(std),
            _ => 0.0,
        };
        (0..len).map(|_| (std * stream.normal()) as f32).collect()
    }
}

/// Inputs and outputs that one weight of this shape (`[out, in, rows, columns]` or `[out, in]`) connects.
fn fans(shape: &[usize]) -> (f64, f64) {
    let (outputs, inputs) = (shape[0], shape.get(1).copied().unwrap_or(1));
    let field: usize = shape.iter().skip(2).product();
    ((inputs * field).max(1) as f64, (outputs * field).max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(init: Initialiser, shape: &[usize]) -> (f64, f64) {
        let v = init.values(1, "a.weight", shape);
        let mean = v.iter().map(|&x| f64::from(x)).sum::<f64>() / v.len() as f64;
        let var = v.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / v.len() as f64;
        (mean, var.sqrt())
    }

    /// The standard deviations that the formulas promise for a 3x3 convolution of 32 to 64 channels.
    #[test]
    fn spreads_follow_the_fans() {
        let shape = [64, 32, 3, 3];
        for (init, expected) in [
            (Initialiser::GlorotUniform, (2.0f64 / (32.0 * 9.0 + 64.0 * 9.0)).sqrt()),
            (Initialiser::GlorotNormal, (2.0f64 / (32.0 * 9.0 + 64.0 * 9.0)).sqrt()),
            (Initialiser::HeNormalFanOut, (2.0f64 / (64.0 * 9.0)).sqrt()),
            (Initialiser::Normal(0.5), 0.5),
            (Initialiser::Uniform(0.5), 0.5 / 3.0f64.sqrt()),
        ] {
            let (mean, std) = spread(init, &shape);
            assert!(mean.abs() < 0.03 * expected && (std / expected - 1.0).abs() < 0.02, "{init:?}: {mean} {std}");
        }
    }

    #[test]
    fn values_depend_on_seed_and_name_alone() {
        let values = |seed, name| Initialiser::GlorotUniform.values(seed, name, &[4, 4]);
        assert_eq!(values(1, "a"), values(1, "a"));
        assert_ne!(values(1, "a"), values(1, "b"));
        assert_ne!(values(1, "a"), values(2, "a"));
    }
}
