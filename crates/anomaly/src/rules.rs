//! Which frames are anomalies, by their scores.

use super::options::{Pick, Rules};
use ferrotype_base::statistics::{moments, quantile};

/// What a rule finds in the scores of one detector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleResult {
    /// Per frame: whether it is an anomaly.
    pub flags: Vec<bool>,
    /// The peaks of the groups of anomalies, in order of time.
    pub peaks: Vec<usize>,
}

/// Applies the rules to scores, one per frame in order of time.
pub fn apply(rules: &Rules, scores: &[f64], times: &[f64]) -> RuleResult {
    let mut flags = pick(&rules.pick, scores);
    let hidden: Vec<usize> = (0..flags.len()).filter(|&i| flags[i]).take(rules.hide_first).collect();
    hidden.iter().for_each(|&i| flags[i] = false);
    let peaks = match rules.group {
        Some(gap) => groups(&flags, times, gap).iter().map(|g| peak(g, scores)).collect(),
        None => (0..flags.len()).filter(|&i| flags[i]).collect(),
    };
    RuleResult { flags, peaks }
}

fn pick(rule: &Pick, scores: &[f64]) -> Vec<bool> {
    match rule {
        Pick::Top(o) => {
            let mut flags = vec![false; scores.len()];
            ranked(scores).into_iter().take(o.n).for_each(|i| flags[i] = true);
            flags
        }
        Pick::Deviation(o) => {
            let (mean, sd) = moments(scores);
            above(scores, mean + o.k * sd)
        }
        Pick::Quantile(o) => above(scores, quantile_of(scores, o.q)),
    }
}

fn above(scores: &[f64], threshold: f64) -> Vec<bool> {
    scores.iter().map(|&s| s > threshold).collect()
}

/// Frames by falling score; of equal scores the first comes first.
pub fn ranked(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

/// The quantile of scores in any order; of none, what no score lies above.
fn quantile_of(scores: &[f64], q: f64) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() { f64::INFINITY } else { quantile(&sorted, q) }
}

/// Runs of flagged frames of which each lies within `gap` seconds of the one before.
fn groups(flags: &[bool], times: &[f64], gap: f64) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    for i in (0..flags.len()).filter(|&i| flags[i]) {
        match all.last_mut() {
            Some(group) if times[i] - times[group[group.len() - 1]] <= gap + 1e-9 => group.push(i),
            _ => all.push(vec![i]),
        }
    }
    all
}

/// The frame with the largest score.
fn peak(group: &[usize], scores: &[f64]) -> usize {
    group.iter().copied().fold(group[0], |best, i| if scores[i] > scores[best] { i } else { best })
}

/// The `n` highest frames of which no two lie within `gap` seconds: events by falling score.
pub fn events(scores: &[f64], times: &[f64], gap: f64, n: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for i in ranked(scores) {
        if kept.len() == n {
            break;
        }
        if kept.iter().all(|&k| (times[k] - times[i]).abs() > gap) {
            kept.push(i);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::options::*;
    use super::*;

    const SCORES: [f64; 8] = [0.1, 0.9, 0.8, 0.1, 0.2, 0.7, 0.1, 0.1];

    fn times() -> Vec<f64> {
        (0..8).map(|i| 0.5 * f64::from(i)).collect()
    }

    fn rules(pick: Pick) -> Rules {
        Rules { pick, ..Rules::default() }
    }

    #[test]
    fn the_largest_are_picked_and_grouped_within_a_second() {
        let found = apply(&rules(Pick::Top(TopOptions { n: 3 })), &SCORES, &times());
        assert_eq!(found.flags, [false, true, true, false, false, true, false, false]);
        // 0.5 s and 1.0 s are one group; 2.5 s is 1.5 s later.
        assert_eq!(found.peaks, [1, 5]);
        let single = apply(&Rules { group: None, ..rules(Pick::Top(TopOptions { n: 3 })) }, &SCORES, &times());
        assert_eq!(single.peaks, [1, 2, 5]);
        let hidden = apply(&Rules { hide_first: 1, ..rules(Pick::Top(TopOptions { n: 3 })) }, &SCORES, &times());
        assert_eq!(hidden.peaks, [2, 5]);
        assert_eq!(apply(&rules(Pick::Top(TopOptions { n: 99 })), &SCORES, &times()).peaks, [1]);
    }

    /// s = np.array(SCORES); s.mean(), s.std(): 0.375, 0.334477204; np.quantile(s, .7): 0.65
    #[test]
    fn thresholds_are_numpys() {
        let (mean, sd) = moments(&SCORES);
        assert!((mean - 0.375).abs() < 1e-12 && (sd - 0.334_477_204).abs() < 1e-9, "{mean} {sd}");
        assert!((quantile_of(&SCORES, 0.7) - 0.65).abs() < 1e-12);
        let found = apply(&rules(Pick::Deviation(DeviationOptions { k: 1.5 })), &SCORES, &times());
        assert_eq!(found.peaks, [1]);
        let found = apply(&rules(Pick::Quantile(QuantileOptions { q: 0.7 })), &SCORES, &times());
        assert_eq!(found.flags.iter().filter(|f| **f).count(), 3);
        // Scores that do not differ have no anomalies above a threshold.
        assert!(apply(&rules(Pick::Deviation(DeviationOptions { k: 0.0 })), &[0.5; 4], &times()[..4]).peaks.is_empty());
    }

    #[test]
    fn events_keep_their_distance() {
        assert_eq!(events(&SCORES, &times(), 1.0, 2), [1, 5]);
        assert_eq!(events(&SCORES, &times(), 0.0, 3), [1, 2, 5]);
    }
}
