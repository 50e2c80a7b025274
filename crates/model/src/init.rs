//! How parameters begin. Values depend on seed and parameter name alone, so neither the order of layers nor a layer
//! added elsewhere changes them.

use ferrotype_base::random::{Purpose, Stream, name_index};

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
    /// Random orthonormal columns of the matrix `[out, the rest]`, or rows where these are fewer (Saxe et al.,
    /// arXiv:1312.6120): Keras' recurrent weights.
    Orthogonal,
    /// The bias of a recurrent layer: this value for the forget gate (the second quarter), else 0.
    ForgetGate(f32),
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
            Self::ForgetGate(value) => {
                return (0..len).map(|i| if (len / 4..len / 2).contains(&i) { value } else { 0.0 }).collect();
            }
            Self::Orthogonal => return orthogonal(shape[0], len / shape[0].max(1), &mut stream),
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

/// A matrix `[rows, columns]` with orthonormal rows or, where these are fewer, columns: normal numbers, made orthogonal
/// one after another.
fn orthogonal(rows: usize, columns: usize, stream: &mut Stream) -> Vec<f32> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    for _ in 0..count {
        let mut v: Vec<f64> = (0..length).map(|_| stream.normal()).collect();
        // Twice: what rounding leaves of the first pass is gone after the second.
        for _ in 0..2 {
            for other in &vectors {
                let dot: f64 = v.iter().zip(other).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
            }
        }
        let norm = v.iter().map(|a| a * a).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        v.iter_mut().for_each(|a| *a /= norm);
        vectors.push(v);
    }
    let at = |r: usize, c: usize| if rows <= columns { vectors[r][c] } else { vectors[c][r] };
    (0..rows * columns).map(|i| at(i / columns, i % columns) as f32).collect()
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
    fn orthogonal_values_are_orthonormal_along_the_shorter_side() {
        for shape in [vec![12, 5], vec![5, 12], vec![6, 6], vec![8, 2, 3, 3]] {
            let v = Initialiser::Orthogonal.values(3, "a", &shape);
            let (rows, columns) = (shape[0], v.len() / shape[0]);
            let dot = |a: usize, b: usize| -> f32 {
                match rows <= columns {
                    true => (0..columns).map(|c| v[a * columns + c] * v[b * columns + c]).sum(),
                    false => (0..rows).map(|r| v[r * columns + a] * v[r * columns + b]).sum(),
                }
            };
            for a in 0..rows.min(columns) {
                for b in 0..=a {
                    let wanted = f32::from(u8::from(a == b));
                    assert!((dot(a, b) - wanted).abs() < 1e-6, "{shape:?}: {a} and {b} give {}", dot(a, b));
                }
            }
        }
    }

    #[test]
    fn forget_gates_are_the_second_quarter() {
        assert_eq!(Initialiser::ForgetGate(1.0).values(1, "b", &[8]), [0., 0., 1., 1., 0., 0., 0., 0.]);
    }

    #[test]
    fn values_depend_on_seed_and_name_alone() {
        let values = |seed, name| Initialiser::GlorotUniform.values(seed, name, &[4, 4]);
        assert_eq!(values(1, "a"), values(1, "a"));
        assert_ne!(values(1, "a"), values(1, "b"));
        assert_ne!(values(1, "a"), values(2, "a"));
    }
}
