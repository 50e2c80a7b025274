//! Halton's sequence (1960), scrambled: each digit goes through a permutation of its own, so that the high bases of
//! many-dimensional spaces do not march in step (Owen 2017, arXiv:1706.02808, calls it a randomised Halton sequence).

use ferrotype_base::random::{Purpose, Stream, name_index};

use crate::space::{Space, Values};

/// The values of a trial: its coordinate along a key is a base-`prime` number.
pub fn sample(space: &Space, seed: u64, trial: usize) -> Values {
    let bases = primes(space.dimensions().len());
    space.fill(|d| {
        let name = name_index(&d.key);
        let scramble = |digit: u64, place: u64, base: u64| {
            let mut order: Vec<u64> = (0..base).collect();
            Stream::of(seed, Purpose::Trial, &[u64::MAX, name, place]).shuffle(&mut order);
            order[digit as usize]
        };
        d.domain.value(radical_inverse(trial as u64, bases[d.index], scramble))
    })
}

/// The first primes.
fn primes(count: usize) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    (2..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0)).take(count).for_each(|p| found.push(p));
    found
}

/// The digits of `index` in `base`, each changed by `scramble(digit, place, base)`, mirrored at the point: in [0, 1).
/// Digits are taken as far as a double can tell them, since scrambling changes zeros too.
fn radical_inverse(index: u64, base: u64, scramble: impl Fn(u64, u64, u64) -> u64) -> f64 {
    let (mut rest, mut place, mut weight, mut sum) = (index, 0, 1.0 / base as f64, 0.0);
    while weight > 1e-12 {
        sum += scramble(rest % base, place, base) as f64 * weight;
        rest /= base;
        place += 1;
        weight /= base as f64;
    }
    sum.min(1.0 - f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.qmc.Halton(2, scramble=False).random(6)`:
    /// [[0, 0], [1/2, 1/3], [1/4, 2/3], [3/4, 1/9], [1/8, 4/9], [5/8, 7/9]].
    #[test]
    fn without_scrambling_it_is_haltons_sequence() {
        let point = |i: u64| [2, 3].map(|base| radical_inverse(i, base, |digit, _, _| digit));
        let known = [
            [0.0, 0.0],
            [0.5, 1.0 / 3.0],
            [0.25, 2.0 / 3.0],
            [0.75, 1.0 / 9.0],
            [0.125, 4.0 / 9.0],
            [0.625, 7.0 / 9.0],
        ];
        for (i, expected) in known.iter().enumerate() {
            let found = point(i as u64);
            assert!((0..2).all(|d| (found[d] - expected[d]).abs() < 1e-9), "{i}: {found:?}");
        }
    }

    /// The property that makes it quasi-random: of the first b^k points, each interval of width b^-k holds one.
    #[test]
    fn scrambled_points_fall_into_every_interval_once() {
        for (base, power) in [(2u64, 5), (3, 3), (7, 2)] {
            let n = base.pow(power);
            let scramble = |digit: u64, place: u64, base: u64| {
                let mut order: Vec<u64> = (0..base).collect();
                Stream::of(9, Purpose::Trial, &[place]).shuffle(&mut order);
                order[digit as usize]
            };
            let mut cells: Vec<u64> = (0..n).map(|i| (radical_inverse(i, base, scramble) * n as f64) as u64).collect();
            cells.sort_unstable();
            assert_eq!(cells, (0..n).collect::<Vec<_>>(), "base {base}");
        }
    }

    #[test]
    fn bases_are_primes() {
        assert_eq!(primes(8), [2, 3, 5, 7, 11, 13, 17, 19]);
    }
}
