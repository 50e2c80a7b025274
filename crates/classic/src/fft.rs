//! Circular convolutions and correlations through a fast Fourier transform (Cooley and Tukey 1965, radix 2).
//! Lengths that are no power of two are convolved linearly in the next sufficient one and wrapped.

/// Transforms of one length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Circle {
    /// Length of the circle.
    length: usize,
    /// Cosine and sine of the transform's angles, half of its length.
    roots: Vec<[f64; 2]>,
}

impl Circle {
    pub(crate) fn new(length: usize) -> Self {
        let size = if length.is_power_of_two() { length } else { (2 * length).next_power_of_two() };
        let angle = |k: usize| -2.0 * std::f64::consts::PI * k as f64 / size as f64;
        Self { length, roots: (0..size / 2).map(|k| [angle(k).cos(), angle(k).sin()]).collect() }
    }

    /// `out[k] = sum_i a[i] b[(k - i) mod length]`.
    pub(crate) fn convolve(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        // Two real series in one complex transform: a is its real part, b its imaginary part.
        let size = (2 * self.roots.len()).max(1);
        let mut z = vec![[0.0; 2]; size];
        a.iter().zip(&mut z).for_each(|(&v, z)| z[0] = v);
        b.iter().zip(&mut z).for_each(|(&v, z)| z[1] = v);
        self.transform(&mut z);
        let product = |k: usize| {
            let ([r, i], [s, j]) = (z[k], z[(size - k) % size]);
            // (A + iB)(k) and its mirror give A and B; A B = (z(k)^2 - conj(z(-k))^2) / 4i.
            let (square, mirrored) = ([r * r - i * i, 2.0 * r * i], [s * s - j * j, -2.0 * s * j]);
            [(square[1] - mirrored[1]) / 4.0, -(square[0] - mirrored[0]) / 4.0]
        };
        // The inverse of a transform whose result is real is the transform of its conjugate.
        let mut z: Vec<[f64; 2]> = (0..size).map(product).map(|[r, i]| [r, -i]).collect();
        self.transform(&mut z);
        let mut out = vec![0.0; self.length];
        z.iter().enumerate().for_each(|(k, v)| out[k % self.length] += v[0] / size as f64);
        out
    }

    /// `out[i] = sum_k a[k] b[(k - i) mod length]`: the gradient of [`Self::convolve`] with regard to one factor, `a` being
    /// that of its result and `b` the other factor.
    pub(crate) fn correlate(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let mut reversed = b.to_vec();
        reversed[1..].reverse();
        self.convolve(a, &reversed)
    }

    fn transform(&self, z: &mut [[f64; 2]]) {
        let size = z.len();
        let bits = size.trailing_zeros();
        for k in 0..size {
            let mirrored = if bits == 0 { 0 } else { k.reverse_bits() >> (usize::BITS - bits) };
            if k < mirrored {
                z.swap(k, mirrored);
            }
        }
        let mut half = 1;
        while half < size {
            let stride = self.roots.len() / half;
            for block in z.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let [c, s] = self.roots[k * stride];
                    let turned = [b[0] * c - b[1] * s, b[0] * s + b[1] * c];
                    *b = [a[0] - turned[0], a[1] - turned[1]];
                    *a = [a[0] + turned[0], a[1] + turned[1]];
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolutions_are_sums_of_products() {
        for length in [1usize, 2, 3, 4, 5, 8, 12, 31, 64, 100] {
            let a: Vec<f64> = (0..length).map(|i| (1.7 * i as f64).sin()).collect();
            let b: Vec<f64> = (0..length).map(|i| (0.9 * i as f64 + 1.0).cos()).collect();
            let circle = Circle::new(length);
            let at = |k: usize, i: usize| (k + length - i) % length;
            for k in 0..length {
                let sum: f64 = (0..length).map(|i| a[i] * b[at(k, i)]).sum();
                assert!((circle.convolve(&a, &b)[k] - sum).abs() < 1e-11, "length {length}");
                let sum: f64 = (0..length).map(|j| a[j] * b[at(j, k)]).sum();
                assert!((circle.correlate(&a, &b)[k] - sum).abs() < 1e-11, "length {length}");
            }
        }
    }
}
