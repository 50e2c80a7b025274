//! Which trials are ended early, judged by validation scores during training.
//!
//! With several seeds the first one's training decides: a trial that survives it is trained on all others in full.

use ferrotype_base::statistics;

use crate::curve::{Curve, Objective};
use crate::options::{AshaOptions, MedianOptions, Pruner};

/// The epochs before the end at which ASHA judges: `min_epochs`, then times `eta` each.
pub fn rungs(options: &AshaOptions, epochs: u64) -> Vec<u64> {
    let next = |rung: &u64| rung.checked_mul(options.eta.max(2));
    std::iter::successors(Some(options.min_epochs.max(1)), next).take_while(|&rung| rung < epochs).collect()
}

/// Whether a trial that now stands at its last point should end; the reason if so.
///
/// `judged` is the epoch of the last judgement, `epochs` what the trial is to be trained for, `others` the curves of
/// all other trials, however they ended.
pub fn verdict(
    pruner: &Pruner,
    own: &Curve,
    others: &[&Curve],
    judged: u64,
    epochs: u64,
    objective: &Objective,
) -> Option<String> {
    match pruner {
        Pruner::None => None,
        Pruner::Median(options) => median(options, own, others, epochs, objective),
        Pruner::Asha(options) => {
            let reached = rungs(options, epochs).into_iter().filter(|&r| r > judged && r <= own.epochs());
            reached.max().and_then(|rung| asha(options, own, others, rung, objective))
        }
    }
}

/// The stopping form of ASHA: at its rung a trial goes on if it is among the best `1 / eta` of those that have come so
/// far, itself included; while there are fewer than `eta`, if it is the best. (Pausing and promoting later, the other
/// form, would keep a run per paused trial on every worker.)
fn asha(options: &AshaOptions, own: &Curve, others: &[&Curve], rung: u64, objective: &Objective) -> Option<String> {
    let at = |curve: &Curve| curve.value_at(rung, objective);
    let Some(mine) = at(own) else { return Some(format!("no score is a number at epoch {rung}")) };
    let values: Vec<f64> = others.iter().filter_map(|c| at(c)).collect();
    let count = values.len() + 1;
    let places = (count / options.eta.max(2) as usize).max(1);
    let better = values.iter().filter(|&&v| objective.goal.better(v, mine)).count();
    let name = &objective.metric;
    (better >= places).then(|| {
        format!("{name} {mine:.4} at epoch {rung} is place {} of {count}; the best {places} go on", better + 1)
    })
}

fn median(
    options: &MedianOptions,
    own: &Curve,
    others: &[&Curve],
    epochs: u64,
    objective: &Objective,
) -> Option<String> {
    let epoch = own.epochs();
    if epoch < options.warmup_epochs.max(1) || epoch >= epochs {
        return None;
    }
    let Some(mine) = own.value(objective) else { return Some(format!("no score is a number at epoch {epoch}")) };
    let values: Vec<f64> = others.iter().filter_map(|c| c.value_at(epoch, objective)).collect();
    if values.len() < options.min_trials.max(1) {
        return None;
    }
    let middle = statistics::median(&values)?;
    let name = &objective.metric;
    objective.goal.better(middle, mine).then(|| {
        format!("{name} {mine:.4} at epoch {epoch} is worse than the median {middle:.4} of {} trials", values.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{Goal, Point};

    fn objective(goal: Goal) -> Objective {
        Objective { metric: "accuracy".into(), goal, select_by: "accuracy".into(), select_goal: goal }
    }

    fn curve(values: &[f64]) -> Curve {
        let point = |(i, &v): (usize, &f64)| Point { epoch: i as u64 + 1, metric: v, select: v };
        Curve { points: values.iter().enumerate().map(point).collect() }
    }

    fn judge(pruner: &Pruner, own: &[f64], others: &[&[f64]], judged: u64) -> bool {
        let others: Vec<Curve> = others.iter().map(|v| curve(v)).collect();
        let others: Vec<&Curve> = others.iter().collect();
        verdict(pruner, &curve(own), &others, judged, 27, &objective(Goal::Maximise)).is_some()
    }

    #[test]
    fn rungs_grow_by_eta_and_end_before_the_last_epoch() {
        assert_eq!(rungs(&AshaOptions { min_epochs: 1, eta: 3 }, 27), [1, 3, 9]);
        assert_eq!(rungs(&AshaOptions { min_epochs: 2, eta: 4 }, 33), [2, 8, 32]);
        assert!(rungs(&AshaOptions { min_epochs: 5, eta: 2 }, 5).is_empty());
    }

    /// Worked by hand: eta 3, trials arriving at the rung of epoch 1 one after the other with 0.5, 0.4, 0.6, 0.55,
    /// 0.58, 0.59.
    #[test]
    fn asha_goes_by_the_best_third_of_those_that_have_come_so_far() {
        let asha = Pruner::Asha(AshaOptions { min_epochs: 1, eta: 3 });
        // Alone: the best. Second of two: only the best goes on. Best of three: goes on.
        assert!(!judge(&asha, &[0.5], &[], 0));
        assert!(judge(&asha, &[0.4], &[&[0.5]], 0));
        assert!(!judge(&asha, &[0.6], &[&[0.5], &[0.4]], 0));
        // Of four, one place: 0.55 is second. Of five, one place. Of six, two places: 0.59 is second.
        assert!(judge(&asha, &[0.55], &[&[0.5], &[0.4], &[0.6]], 0));
        assert!(judge(&asha, &[0.58], &[&[0.5], &[0.4], &[0.6], &[0.55]], 0));
        assert!(!judge(&asha, &[0.59], &[&[0.5], &[0.4], &[0.6], &[0.55], &[0.58]], 0));
        // Between rungs nothing is judged; at epoch 3 the best so far counts, and only of those that came as far.
        assert!(!judge(&asha, &[0.1, 0.1], &[&[0.5, 0.5]], 1));
        assert!(judge(&asha, &[0.6, 0.5, 0.5], &[&[0.5, 0.6, 0.7], &[0.9]], 1));
        assert!(!judge(&asha, &[0.6, 0.75, 0.5], &[&[0.5, 0.6, 0.7], &[0.9]], 1));
    }

    #[test]
    fn the_median_needs_company_and_a_warmup() {
        let median = Pruner::Median(MedianOptions { warmup_epochs: 2, min_trials: 3 });
        let others: [&[f64]; 3] = [&[0.2, 0.3], &[0.2, 0.5], &[0.2, 0.7]];
        assert!(judge(&median, &[0.1, 0.49], &others, 0));
        assert!(!judge(&median, &[0.1, 0.5], &others, 0));
        assert!(!judge(&median, &[0.1], &others, 0), "before the warmup");
        assert!(!judge(&median, &[0.1, 0.1], &others[..2], 0), "too few others");
        assert!(judge(&median, &[f64::NAN, f64::NAN], &others, 0), "not a number");
    }

    #[test]
    fn less_is_better_where_the_metric_says_so() {
        let asha = Pruner::Asha(AshaOptions { min_epochs: 1, eta: 3 });
        let loss = objective(Goal::Minimise);
        assert!(verdict(&asha, &curve(&[0.4]), &[&curve(&[0.5])], 0, 9, &loss).is_none());
        assert!(verdict(&asha, &curve(&[0.6]), &[&curve(&[0.5])], 0, 9, &loss).is_some());
    }
}
