//! Scores of the datasets that a test set is made of, with intervals over people: what the micro-expression challenges report.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::statistics::quantile;
use crate::{Confusion, Predictions};
use ferrotype_base::random::{Purpose, Stream};

/// Drawings of the bootstrap over people.
const RESAMPLES: u64 = 1000;

/// A measure with the interval that resampling the people gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverPeople {
    /// Of the clips as they are.
    pub value: f64,
    /// 95 % by drawing people with replacement: percentiles of 1,000 drawings.
    pub interval: [f64; 2],
}

/// The scores of a part of the test rows, or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartScores {
    /// The dataset; `all` for all rows.
    pub part: String,
    /// Rows.
    pub rows: usize,
    /// People.
    pub people: usize,
    /// Unweighted F1: mean over the classes that occur.
    pub uf1: OverPeople,
    /// Unweighted average recall.
    pub uar: OverPeople,
    /// Mean precision over the classes that occur; what a few papers print as UAR.
    pub macro_precision: f64,
}

/// Scores all rows together and each part by itself, from pooled predictions. `part` and `person` say of each example which
/// dataset and whom it is of.
///
/// # Errors
/// When there are no rows, or not as many parts or people as rows.
pub fn score_parts(predictions: &Predictions, part: &[&str], person: &[&str]) -> Result<Vec<PartScores>> {
    let n = predictions.len();
    ensure!(
        n > 0 && part.len() == n && person.len() == n,
        "{n} rows, {} parts and {} people",
        part.len(),
        person.len()
    );
    let mut names: Vec<&str> = part.to_vec();
    names.sort_unstable();
    names.dedup();
    let all = (0..n).collect::<Vec<_>>();
    let mut scores = vec![of("all", predictions, &all, person)];
    if names.len() > 1 {
        for name in names {
            let own: Vec<usize> = (0..n).filter(|&i| part[i] == name).collect();
            scores.push(of(name, predictions, &own, person));
        }
    }
    Ok(scores)
}

fn of(part: &str, predictions: &Predictions, rows: &[usize], person: &[&str]) -> PartScores {
    let k = predictions.classes.len();
    let mut people: BTreeMap<&str, Confusion> = BTreeMap::new();
    for &i in rows {
        let counts = people.entry(person[i]).or_insert_with(|| Confusion::new(k));
        counts.add(predictions.truth[i], predictions.predicted(i));
    }
    let people: Vec<Confusion> = people.into_values().collect();
    let whole = Confusion::sum(k, people.iter());
    let mut drawn: Vec<[f64; 2]> = (0..RESAMPLES)
        .into_par_iter()
        .filter_map(|number| {
            let mut stream = Stream::of(0, Purpose::Statistics, &[number]);
            let drawn = Confusion::sum(k, (0..people.len()).map(|_| &people[stream.below(people.len())]));
            Some([uf1(&drawn)?, uar(&drawn)?])
        })
        .collect();
    let mut over = |at: usize, value: Option<f64>| {
        drawn.sort_by(|a, b| a[at].total_cmp(&b[at]));
        let values: Vec<f64> = drawn.iter().map(|v| v[at]).collect();
        OverPeople { value: value.unwrap_or(0.0), interval: [quantile(&values, 0.025), quantile(&values, 0.975)] }
    };
    PartScores {
        part: part.to_owned(),
        rows: rows.len(),
        people: people.len(),
        uf1: over(0, uf1(&whole)),
        uar: over(1, uar(&whole)),
        macro_precision: whole.mean_over(|c| whole.support(c) > 0, |c| whole.precision(c)).unwrap_or(0.0),
    }
}

fn uf1(c: &Confusion) -> Option<f64> {
    c.mean_over(|class| c.support(class) > 0, |class| c.f1(class))
}

fn uar(c: &Confusion) -> Option<f64> {
    c.mean_over(|class| c.support(class) > 0, |class| c.recall(class))
}

#[cfg(test)]
mod tests {
    use super::super::mocks::sure;
    use super::*;

    /// Two datasets, worked out by hand: `a` is right in all of class 0 and half of class 1, `b` in half of each.
    #[test]
    fn parts_are_scored_by_themselves_and_together() {
        let classes = ["x", "y"];
        let truth = [0, 0, 1, 1, 0, 0, 1, 1];
        let predicted = [0, 0, 1, 0, 0, 1, 1, 0];
        let predictions = sure(&classes, truth.to_vec(), &predicted);
        let part = ["a", "a", "a", "a", "b", "b", "b", "b"];
        let person = ["p", "p", "q", "q", "r", "r", "s", "s"];
        let scores = score_parts(&predictions, &part, &person).unwrap();
        let names: Vec<(&str, usize, usize)> = scores.iter().map(|s| (s.part.as_str(), s.rows, s.people)).collect();
        assert_eq!(names, [("all", 8, 4), ("a", 4, 2), ("b", 4, 2)]);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        // a: F1 of x is 4/5, of y 2/3; recalls 1 and 1/2; precisions 2/3 and 1.
        close(scores[1].uf1.value, (0.8 + 2.0 / 3.0) / 2.0);
        close(scores[1].uar.value, 0.75);
        close(scores[1].macro_precision, (2.0 / 3.0 + 1.0) / 2.0);
        close(scores[2].uf1.value, 0.5);
        // All: x 3 of 4 with 2 false, y 2 of 4 with 1 false.
        close(scores[0].uf1.value, (6.0 / 9.0 + 4.0 / 7.0) / 2.0);
        close(scores[0].uar.value, 0.625);
        for score in &scores {
            assert!(score.uf1.interval[0] <= score.uf1.value && score.uf1.value <= score.uf1.interval[1], "{score:?}");
        }
        assert!(score_parts(&predictions, &part[1..], &person).is_err());
        assert_eq!(score_parts(&predictions, &["a"; 8], &person).unwrap().len(), 1);
    }
}
