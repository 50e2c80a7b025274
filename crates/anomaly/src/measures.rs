//! How well scores find injected anomalies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rules::{events, ranked};
use ferrotype_evaluation::statistics::auroc;

/// Seconds between two peaks that count as two.
const APART: f64 = 1.0;

/// An injected anomaly: a run of frames of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Injected {
    /// Its kind.
    pub kind: String,
    /// First frame.
    pub first: usize,
    /// Last frame.
    pub last: usize,
}

/// The injected anomalies of a table's truth.
pub fn injected(truth: &[String]) -> Vec<Injected> {
    let mut all: Vec<Injected> = Vec::new();
    for (i, kind) in truth.iter().enumerate().filter(|(_, kind)| !kind.is_empty()) {
        match all.last_mut() {
            Some(p) if p.last + 1 == i && p.kind == *kind => p.last = i,
            _ => all.push(Injected { kind: kind.clone(), first: i, last: i }),
        }
    }
    all
}

/// How well one score finds the injected anomalies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Area under the ROC curve over frames; 0.5 is chance.
    pub auroc: f64,
    /// Average precision over frames; the share of anomalous frames is chance.
    pub average_precision: f64,
    /// Of as many peaks as there are injected anomalies: the share that lies at one.
    pub precision_at_n: f64,
    /// The share of the injected anomalies with one of these peaks.
    pub recall_at_n: f64,
    /// The area under the ROC curve of each kind's frames against normal ones.
    pub auroc_by_kind: BTreeMap<String, f64>,
}

/// Measures scores against the truth; `None` where no frame or every frame is anomalous. A peak hits an anomaly when it
/// lies within `tolerance` seconds of it.
pub fn detection(scores: &[f64], times: &[f64], truth: &[String], tolerance: f64) -> Option<Detection> {
    let positive: Vec<bool> = truth.iter().map(|kind| !kind.is_empty()).collect();
    let auroc = auroc(scores, &positive)?;
    let all = injected(truth);
    let peaks = events(scores, times, APART, all.len());
    let hits = |p: &Injected, i: usize| times[i] >= times[p.first] - tolerance && times[i] <= times[p.last] + tolerance;
    let right = peaks.iter().filter(|&&i| all.iter().any(|p| hits(p, i))).count();
    let found = all.iter().filter(|p| peaks.iter().any(|&i| hits(p, i))).count();
    let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
    Some(Detection {
        auroc,
        average_precision: average_precision(scores, &positive),
        precision_at_n: share(right, peaks.len()),
        recall_at_n: share(found, all.len()),
        auroc_by_kind: by_kind(scores, truth),
    })
}

fn by_kind(scores: &[f64], truth: &[String]) -> BTreeMap<String, f64> {
    let mut kinds: Vec<&String> = truth.iter().filter(|kind| !kind.is_empty()).collect();
    kinds.sort();
    kinds.dedup();
    let of = |kind: &String| {
        let kept = (0..scores.len()).filter(|&i| truth[i].is_empty() || truth[i] == *kind);
        let (scores, positive): (Vec<f64>, Vec<bool>) = kept.map(|i| (scores[i], truth[i] == *kind)).unzip();
        auroc(&scores, &positive)
    };
    kinds.into_iter().filter_map(|kind| Some((kind.clone(), of(kind)?))).collect()
}

/// The sum over thresholds of the gain in recall times the precision, as scikit-learn's `average_precision_score`.
fn average_precision(scores: &[f64], positive: &[bool]) -> f64 {
    let order = ranked(scores);
    let all = positive.iter().filter(|p| **p).count() as f64;
    let (mut area, mut seen, mut right, mut start) = (0.0, 0.0, 0.0, 0);
    while start < order.len() {
        let same = order[start..].iter().take_while(|&&i| scores[i] == scores[order[start]]).count();
        let gained = order[start..start + same].iter().filter(|&&i| positive[i]).count() as f64;
        (seen, right, start) = (seen + same as f64, right + gained, start + same);
        area += gained / all * right / seen;
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 8] = [0.1, 0.9, 0.8, 0.1, 0.2, 0.7, 0.1, 0.1];

    fn truth(kinds: &[&str]) -> Vec<String> {
        kinds.iter().map(|&k| k.to_owned()).collect()
    }

    /// scikit-learn 1.9.1: roc_auc_score(y, s) = 0.866666..., average_precision_score(y, s) = 0.805555...
    #[test]
    fn areas_are_those_of_scikit_learn() {
        let truth = truth(&["", "flash", "", "", "freeze", "freeze", "", ""]);
        let times: Vec<f64> = (0..8).map(|i| 0.5 * f64::from(i)).collect();
        let d = detection(&SCORES, &times, &truth, 0.0).unwrap();
        assert!(
            (d.auroc - 13.0 / 15.0).abs() < 1e-12 && (d.average_precision - 0.805_555_555_555_555_6).abs() < 1e-12,
            "{d:?}"
        );
        // Two injected, and the two peaks lie at 0.5 s and 2.5 s.
        assert_eq!((d.precision_at_n, d.recall_at_n), (1.0, 1.0));
        assert_eq!(d.auroc_by_kind["flash"], 1.0);
        assert_eq!(d.auroc_by_kind.len(), 2);
    }

    #[test]
    fn runs_of_frames_are_one_anomaly() {
        let all = injected(&truth(&["", "freeze", "freeze", "flash", "", "freeze"]));
        let spans: Vec<(usize, usize)> = all.iter().map(|p| (p.first, p.last)).collect();
        assert_eq!(spans, [(1, 2), (3, 3), (5, 5)]);
    }

    #[test]
    fn without_both_sorts_of_frames_there_is_no_measure() {
        assert!(detection(&SCORES, &[0.0; 8], &truth(&[""; 8]), 0.0).is_none());
        assert!(detection(&SCORES, &[0.0; 8], &truth(&["x"; 8]), 0.0).is_none());
    }

    #[test]
    fn scores_that_do_not_differ_are_chance() {
        let truth = truth(&["", "x", "", ""]);
        let d = detection(&[0.5; 4], &[0.0, 2.0, 4.0, 6.0], &truth, 0.0).unwrap();
        assert_eq!((d.auroc, d.average_precision), (0.5, 0.25));
    }
}
