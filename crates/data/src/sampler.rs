//! The order in which an epoch visits its examples.

use super::face_set::Labelled;
use super::options::Sampler;
use ferrotype_base::random::{Purpose, Stream};

/// The examples (indices into `labelled`, from `examples`) of one epoch, in order; as many as `examples` has.
///
/// The class of an example is its most likely one ([`Labelled::class`]). The balanced samplers give each class its share of
/// the epoch, to within one draw, and take its members in turn from random orders of all of them: no member comes a third
/// time before each has come twice. A function of its arguments alone.
pub fn order(labelled: &Labelled, examples: &[u32], sampler: Sampler, seed: u64, epoch: u64) -> Vec<u32> {
    match sampler {
        Sampler::Shuffle => shuffled(examples, seed, epoch),
        Sampler::ShuffleOnce => shuffled(examples, seed, 0),
        Sampler::InOrder => examples.to_vec(),
        Sampler::ByClass => by_class(labelled, examples),
        Sampler::Balanced => weighted(labelled, examples, seed, epoch, |_| 1.0),
        Sampler::SqrtBalanced => weighted(labelled, examples, seed, epoch, |count| (count as f64).sqrt()),
    }
}

fn shuffled(examples: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
    let mut order = examples.to_vec();
    Stream::of(seed, Purpose::Order, &[epoch]).shuffle(&mut order);
    order
}

fn by_class(labelled: &Labelled, examples: &[u32]) -> Vec<u32> {
    let mut order = examples.to_vec();
    order.sort_by_key(|&e| labelled.class(e as usize));
    order
}

/// Draws by class, each class weighted by a function of its count; examples whose class is not known are one more.
fn weighted(labelled: &Labelled, examples: &[u32], seed: u64, epoch: u64, weight: impl Fn(usize) -> f64) -> Vec<u32> {
    let mut choice = Stream::of(seed, Purpose::Order, &[epoch]);
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); labelled.classes.len() + 1];
    examples.iter().for_each(|&e| members[labelled.class(e as usize)].push(e));
    members.retain(|m| !m.is_empty());
    let weights: Vec<f64> = members.iter().map(|m| weight(m.len())).collect();
    let quotas = shares(&weights, examples.len(), &mut choice);
    let mut order = Vec::with_capacity(examples.len());
    for (members, quota) in members.iter_mut().zip(quotas) {
        let mut left = quota;
        while left > 0 {
            choice.shuffle(members);
            let taken = left.min(members.len());
            order.extend_from_slice(&members[..taken]);
            left -= taken;
        }
    }
    choice.shuffle(&mut order);
    order
}

/// Divides `total` draws by weight: the whole parts, and what is left over to random classes, likelier where the fraction
/// is larger (systematic sampling: each share's expectation is exact).
fn shares(weights: &[f64], total: usize, choice: &mut Stream) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    let start = choice.unit();
    let mut reached = 0.0;
    let mut given = 0;
    let mut share = |weight: &f64| {
        reached += weight / sum * total as f64;
        let until = ((reached + start).floor() as usize).clamp(given, total);
        let share = until - given;
        given = until;
        share
    };
    let mut shares: Vec<usize> = weights.iter().map(&mut share).collect();
    // Rounding may leave the last boundary a hair below `total`.
    if let Some(last) = shares.last_mut() {
        *last += total - given;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example i has the class `classes[i]`.
    fn labelled(classes: &[usize]) -> Labelled {
        Labelled {
            classes: ["a", "b", "c"].map(String::from).to_vec(),
            rows: (0..classes.len() as u32).collect(),
            targets: classes.iter().flat_map(|&c| (0..3).map(move |k| if k == c { 1.0 } else { 0.0 })).collect(),
            ..Labelled::default()
        }
    }

    /// 900 of class 0, 100 of class 1, none of class 2.
    fn unequal() -> Labelled {
        labelled(&(0..1000).map(|i| usize::from(i % 10 == 0)).collect::<Vec<_>>())
    }

    fn counts(labelled: &Labelled, order: &[u32]) -> [usize; 3] {
        let mut counts = [0; 3];
        order.iter().for_each(|&e| counts[labelled.class(e as usize)] += 1);
        counts
    }

    #[test]
    fn shuffles_visit_every_example_once() {
        let set = unequal();
        let examples: Vec<u32> = (100..600).collect();
        for sampler in [Sampler::Shuffle, Sampler::ShuffleOnce] {
            let first = order(&set, &examples, sampler, 3, 0);
            let second = order(&set, &examples, sampler, 3, 1);
            assert_eq!(first == second, sampler == Sampler::ShuffleOnce);
            assert_ne!(first, order(&set, &examples, sampler, 4, 0));
            let mut sorted = second.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, examples);
        }
    }

    #[test]
    fn balanced_gives_equal_shares_and_reuses_evenly() {
        let set = unequal();
        let examples: Vec<u32> = (0..1000).collect();
        let order = order(&set, &examples, Sampler::Balanced, 1, 5);
        assert_eq!(counts(&set, &order), [500, 500, 0]);
        let visits = examples.iter().map(|e| order.iter().filter(|o| *o == e).count()).collect::<Vec<_>>();
        assert!((0..1000).all(|i| if i % 10 == 0 { visits[i] == 5 } else { visits[i] <= 1 }));
    }

    #[test]
    fn sqrt_balanced_weighs_by_the_root_of_the_count() {
        let set = unequal();
        let examples: Vec<u32> = (0..1000).collect();
        let order = order(&set, &examples, Sampler::SqrtBalanced, 1, 5);
        assert_eq!(counts(&set, &order), [750, 250, 0]);
    }

    #[test]
    fn left_over_draws_are_shared_fairly() {
        let set = labelled(&[0, 1, 2, 2]);
        let mut total = [0; 3];
        for epoch in 0..3000 {
            let order = order(&set, &[0, 1, 2, 3], Sampler::Balanced, 1, epoch);
            assert_eq!(order.len(), 4);
            counts(&set, &order).iter().zip(&mut total).for_each(|(c, t)| *t += c);
        }
        assert!(total.iter().all(|t| (3850..4150).contains(t)), "{total:?}");
        assert!(order(&set, &[], Sampler::Balanced, 1, 0).is_empty());
    }

    #[test]
    fn orders_that_do_not_change_are_the_files_or_go_class_by_class() {
        let set = labelled(&[2, 0, 1, 0, 2]);
        let examples: Vec<u32> = (0..5).collect();
        for epoch in 0..2 {
            assert_eq!(order(&set, &examples, Sampler::InOrder, 1, epoch), [0, 1, 2, 3, 4]);
            assert_eq!(order(&set, &examples, Sampler::ByClass, 1, epoch), [1, 3, 2, 0, 4]);
        }
    }
}
