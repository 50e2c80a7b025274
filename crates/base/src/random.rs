//! Random numbers without a position to save: each choice has a key made of seed, purpose and place, so it does not
//! depend on what was drawn before, on the number of workers, or on where a run was interrupted.

/// What a random choice is for. Choices of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights: index is a hash of the parameter's name.
    Initialisation = 1,
    /// Order of rows: index is the epoch.
    Order = 2,
    /// Augmentation: indices are epoch and row.
    Augmentation = 3,
    /// Mixing partners and ratios: indices are epoch and batch.
    Mixing = 4,
    /// Labels drawn from a distribution: indices are epoch and row.
    DrawnLabel = 5,
    /// Dropout: indices are step and layer.
    Dropout = 6,
    /// Random divisions of a dataset.
    Division = 7,
    /// Synthetic faces: index is the row.
    Synthesis = 8,
    /// Bootstrap and other resampling in statistics.
    Statistics = 9,
    /// Attacks: in training, indices are step and part, and row of the batch; in `attack`, row and restart.
    Attack = 10,
    /// Parameters of a sweep's trials: indices are the trial and a hash of the parameter's name.
    Trial = 16,
}

/// The finaliser of splitmix64 (Steele et al. 2014): a bijection that changes half of the bits for each bit changed.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The key of one choice.
pub fn key(seed: u64, purpose: Purpose, indices: &[u64]) -> u64 {
    let start = mix(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ purpose as u64);
    indices.iter().fold(start, |k, &i| mix(k.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mix(i.wrapping_add(1))))
}

/// A stable 64-bit hash of a name (FNV-1a), to use as an index of [`key`].
pub fn name_index(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

/// A short sequence of random numbers that starts at a key (splitmix64).
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The sequence of `key`.
    pub fn new(key: u64) -> Self {
        Self { state: key }
    }

    /// The sequence of one choice: see [`key`].
    pub fn of(seed: u64, purpose: Purpose, indices: &[u64]) -> Self {
        Self::new(key(seed, purpose, indices))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        (f64::from(low) + (f64::from(high) - f64::from(low)) * self.unit()) as f32
    }

    /// Uniform in 0..n; 0 for n = 0. Unbiased to within 2^-64 (Lemire's multiplication).
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < f64::from(p)
    }

    /// Standard normal (Box-Muller, one of the pair).
    pub fn normal(&mut self) -> f64 {
        let u = 1.0 - self.unit();
        (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }

    /// Gamma(shape, 1) by Marsaglia and Tsang (2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let u = 1.0 - self.unit();
            return self.gamma(shape + 1.0) * u.powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta(a, b).
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let x = self.gamma(a);
        x / (x + self.gamma(b))
    }

    /// Puts the slice in random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_seed_purpose_and_place() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..20 {
            for purpose in [Purpose::Order, Purpose::Dropout] {
                for i in 0..20 {
                    assert!(seen.insert(key(seed, purpose, &[i, 3])));
                    assert!(seen.insert(key(seed, purpose, &[3, i, 0])));
                }
            }
        }
    }

    #[test]
    fn moments_are_right() {
        let mut s = Stream::new(7);
        let n = 200_000;
        let normals: Vec<f64> = (0..n).map(|_| s.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let var = normals.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.01 && (var - 1.0).abs() < 0.02, "{mean} {var}");
        let beta = (0..n).map(|_| s.beta(0.4, 0.4)).sum::<f64>() / f64::from(n);
        assert!((beta - 0.5).abs() < 0.01, "{beta}");
        let gamma = (0..n).map(|_| s.gamma(2.5)).sum::<f64>() / f64::from(n);
        assert!((gamma - 2.5).abs() < 0.03, "{gamma}");
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut s = Stream::new(3);
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[s.below(7)] += 1);
        assert!(counts.iter().all(|&c| (9_500..10_500).contains(&c)), "{counts:?}");
    }
}
