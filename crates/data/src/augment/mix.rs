//! mixup (Zhang et al., arXiv:1710.09412) and CutMix (Yun et al., arXiv:1905.04899) on a finished batch.

use super::ranges::Ranges;
use crate::face_set::Batch;
use ferrotype_base::random::{Purpose, Stream};

/// Mixes each example of a batch with a partner from the same batch.
///
/// One ratio and, for CutMix, one rectangle serve the whole batch, as in the authors' code. Targets and loss weights are
/// mixed in the same ratio as the pictures; a mixed target is known where both are. The partners are a random order of the batch, in which an example may meet
/// itself. `rows` stay those of the first of each pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    mixup: f64,
    cutmix: f64,
}

impl Mix {
    /// The mixing that the ranges ask for; none where both alphas are 0.
    pub fn new(ranges: &Ranges) -> Option<Self> {
        let mix = Self { mixup: f64::from(ranges.mixup), cutmix: f64::from(ranges.cutmix) };
        (mix.mixup > 0.0 || mix.cutmix > 0.0).then_some(mix)
    }

    /// Mixes batch number `index` of an epoch, in place.
    pub fn apply(&self, batch: &mut Batch, seed: u64, epoch: u64, index: u64) {
        let mut choice = Stream::of(seed, Purpose::Mixing, &[epoch, index]);
        let mut partners: Vec<usize> = (0..batch.len()).collect();
        choice.shuffle(&mut partners);
        let cut = if self.mixup > 0.0 && self.cutmix > 0.0 { choice.chance(0.5) } else { self.cutmix > 0.0 };
        let kept = if cut {
            let ratio = choice.beta(self.cutmix, self.cutmix);
            paste(batch, &partners, ratio, &mut choice)
        } else {
            let ratio = choice.beta(self.mixup, self.mixup) as f32;
            batch.images = blend(&batch.images, &partners, ratio);
            ratio
        };
        batch.known = both(&batch.known, &partners);
        batch.targets = blend(&batch.targets, &partners, kept);
        batch.weights = blend(&batch.weights, &partners, kept);
    }
}

/// `kept * own + (1 - kept) * partner's`, for values `[partners.len(), anything]`.
fn blend(values: &[f32], partners: &[usize], kept: f32) -> Vec<f32> {
    let stride = values.len() / partners.len().max(1);
    let pair = |(own, &partner): (usize, &usize)| {
        let (a, b) = (&values[own * stride..][..stride], &values[partner * stride..][..stride]);
        a.iter().zip(b).map(move |(a, b)| kept * a + (1.0 - kept) * b)
    };
    partners.iter().enumerate().flat_map(pair).collect()
}

/// 1 where it is 1 of both, for values `[partners.len(), anything]`.
fn both(known: &[f32], partners: &[usize]) -> Vec<f32> {
    let width = known.len() / partners.len().max(1);
    let row =
        |(own, &partner): (usize, &usize)| (0..width).map(move |c| known[own * width + c] * known[partner * width + c]);
    partners.iter().enumerate().flat_map(row).collect()
}

/// Pastes a rectangle of each partner, about (1 - ratio) of the area, at one random place; returns the fraction that was
/// kept, which is larger where the rectangle reaches over the border.
fn paste(batch: &mut Batch, partners: &[usize], ratio: f64, choice: &mut Stream) -> f32 {
    let [channels, height, width] = batch.shape;
    let side = (1.0 - ratio).max(0.0).sqrt();
    let mut span = |n: usize| {
        let (middle, half) = (choice.below(n) as f64, side * n as f64 / 2.0);
        let end = |x: f64| x.round().clamp(0.0, n as f64) as usize;
        end(middle - half)..end(middle + half)
    };
    let (rows, columns) = (span(height), span(width));
    let source = batch.images.clone();
    let image = channels * height * width;
    for (own, &partner) in partners.iter().enumerate() {
        for channel in 0..channels {
            for row in rows.clone() {
                let line = (channel * height + row) * width;
                let (to, from) = (own * image + line, partner * image + line);
                batch.images[to + columns.start..to + columns.end]
                    .copy_from_slice(&source[from + columns.start..from + columns.end]);
            }
        }
    }
    1.0 - (rows.len() * columns.len()) as f32 / (height * width) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example i is an image full of i with class i.
    fn batch(n: usize, side: usize) -> Batch {
        Batch {
            images: (0..n).flat_map(|i| vec![i as f32; side * side]).collect(),
            targets: (0..n * n).map(|k| if k % n == k / n { 1.0 } else { 0.0 }).collect(),
            weights: vec![1.0; n],
            rows: (0..n as u32).collect(),
            shape: [1, side, side],
            ..Batch::default()
        }
    }

    fn mix(mixup: f32, cutmix: f32) -> Mix {
        Mix::new(&Ranges { mixup, cutmix, ..Ranges::default() }).unwrap()
    }

    /// What the targets say an image's mean should be.
    fn expected_mean(batch: &Batch, i: usize) -> f32 {
        let n = batch.len();
        (0..n).map(|k| k as f32 * batch.targets[i * n + k]).sum()
    }

    #[test]
    fn targets_are_mixed_as_the_pictures_are() {
        for mix in [mix(0.4, 0.0), mix(0.0, 1.0), mix(1.0, 1.0)] {
            let mut changed = false;
            for index in 0..20 {
                let mut batch = batch(6, 8);
                mix.apply(&mut batch, 1, 0, index);
                for i in 0..6 {
                    let mean = batch.images[i * 64..(i + 1) * 64].iter().sum::<f32>() / 64.0;
                    assert!((mean - expected_mean(&batch, i)).abs() < 1e-4);
                    let sum: f32 = batch.targets[i * 6..(i + 1) * 6].iter().sum();
                    assert!((sum - 1.0).abs() < 1e-5 && (batch.weights[i] - 1.0).abs() < 1e-6);
                    changed |= (batch.targets[i * 7] - 1.0).abs() > 0.01;
                }
            }
            assert!(changed);
        }
    }

    #[test]
    fn a_mixed_target_is_known_where_both_are() {
        let mut b = batch(4, 2);
        // Example 2 has no target 1.
        b.known = vec![1.0; 16];
        b.known[2 * 4 + 1] = 0.0;
        mix(1.0, 0.0).apply(&mut b, 3, 0, 0);
        for (i, known) in b.known.chunks_exact(4).enumerate() {
            let from_two = b.targets[i * 4 + 2] > 0.0;
            assert_eq!(known, if from_two { [1.0, 0.0, 1.0, 1.0] } else { [1.0; 4] });
        }
    }

    #[test]
    fn choices_are_those_of_seed_epoch_and_batch() {
        let at = |seed, epoch, index| {
            let mut b = batch(5, 4);
            mix(1.0, 1.0).apply(&mut b, seed, epoch, index);
            b
        };
        assert_eq!(at(1, 2, 3), at(1, 2, 3));
        assert!(at(1, 2, 3) != at(2, 2, 3) && at(1, 2, 3) != at(1, 3, 3) && at(1, 2, 3) != at(1, 2, 4));
    }

    #[test]
    fn cutmix_pastes_one_whole_rectangle() {
        for index in 0..30 {
            let mut b = batch(2, 9);
            mix(0.0, 1.0).apply(&mut b, 4, 0, index);
            assert!(b.images.iter().all(|&v| v == 0.0 || v == 1.0));
        }
        assert!(Mix::new(&Ranges::default()).is_none());
        mix(1.0, 0.0).apply(&mut Batch::default(), 1, 0, 0);
    }
}
