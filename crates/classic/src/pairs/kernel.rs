//! Scalar products of differences of clips, from those of the clips: a hundred clips make thousands of pairs.

use super::Clips;
use super::ensemble::Samples;
use crate::matrix::Matrix;
use crate::standardise::Standardiser;
use crate::svm::smo::Kernel;

/// Standardised samples of pairs: first all differences `a - b` (label 1), then all `b - a` (label 0).
pub(super) struct Differences<'a> {
    pairs: &'a [[usize; 2]],
    clips: Clips<'a>,
    /// Clips divided by the deviations of their differences.
    scaled: Matrix,
    gram: Vec<f64>,
    /// Standardised codes, and their products.
    codes: Vec<Vec<f64>>,
    code_gram: Vec<Vec<f64>>,
}

impl<'a> Differences<'a> {
    pub(super) fn new(clips: &Clips<'a>, pairs: &'a [[usize; 2]], standardiser: &Standardiser) -> Self {
        let columns = clips.features.columns();
        let scaled =
            clips.features.mapped(|row| row.iter_mut().zip(&standardiser.scale).for_each(|(v, scale)| *v /= scale));
        let code = |code: usize| -> Vec<f64> {
            let parts = standardiser.mean[columns..].iter().zip(&standardiser.scale[columns..]).enumerate();
            parts.map(|(k, (mean, scale))| (f64::from(u8::from(k == code)) - mean) / scale).collect()
        };
        let codes: Vec<Vec<f64>> = (0..clips.codes.max(1)).map(code).collect();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
        let code_gram = codes.iter().map(|a| codes.iter().map(|b| product(a, b)).collect()).collect();
        Self { pairs, clips: *clips, gram: scaled.gram(), scaled, codes, code_gram }
    }

    /// Clips in the order of the sample's difference.
    fn clips_of(&self, sample: usize) -> [usize; 2] {
        let [a, b] = self.pairs[sample % self.pairs.len()];
        if self.label(sample) { [a, b] } else { [b, a] }
    }
}

impl Kernel for Differences<'_> {
    fn count(&self) -> usize {
        2 * self.pairs.len()
    }

    fn value(&self, p: usize, q: usize) -> f64 {
        let ([a, b], [c, d]) = (self.clips_of(p), self.clips_of(q));
        let n = self.scaled.rows();
        let of = |i: usize, j: usize| self.gram[i * n + j];
        (of(a, c) - of(a, d)) - (of(b, c) - of(b, d)) + self.code_gram[self.clips.code[a]][self.clips.code[c]]
    }
}

impl Samples for Differences<'_> {
    fn label(&self, sample: usize) -> bool {
        sample < self.pairs.len()
    }

    fn weights(&self, coefficients: &[(usize, f64)]) -> Vec<f64> {
        let columns = self.scaled.columns();
        let mut of_clips = vec![0.0; self.scaled.rows()];
        let mut of_codes = vec![0.0; self.codes.len()];
        for &(sample, coefficient) in coefficients {
            let [a, b] = self.clips_of(sample);
            of_clips[a] += coefficient;
            of_clips[b] -= coefficient;
            of_codes[self.clips.code[a]] += coefficient;
        }
        let mut weights = vec![0.0; columns + self.clips.codes];
        for (at, coefficient) in of_clips.iter().enumerate() {
            weights.iter_mut().zip(self.scaled.row(at)).for_each(|(w, v)| *w += coefficient * v);
        }
        for (code, coefficient) in self.codes.iter().zip(of_codes) {
            weights[columns..].iter_mut().zip(code).for_each(|(w, v)| *w += coefficient * v);
        }
        weights
    }
}
