//! Which weights are kept, and when to stop.

use serde::{Deserialize, Serialize};

/// The best value of the selection metric so far. Part of every checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// Best value.
    pub best: Option<f64>,
    /// Epoch of the best value, counted from 0.
    pub best_epoch: usize,
    /// Best value that also passed the smallest improvement that early stopping counts.
    pub reference: Option<f64>,
    /// Evaluations since the reference was set.
    pub waited: usize,
}

impl Selection {
    /// Takes the value of an evaluation; true when it is the best so far. Of equal values the first stays.
    pub fn observe(&mut self, value: f64, epoch: usize, higher_is_better: bool, min_delta: f64) -> bool {
        let better = |a: f64, b: f64| if higher_is_better { a > b } else { a < b };
        let reached = |r: f64| if higher_is_better { r + min_delta } else { r - min_delta };
        if self.reference.is_none_or(|r| better(value, reached(r))) {
            self.reference = Some(value);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        let best = self.best.is_none_or(|b| better(value, b));
        if best {
            self.best = Some(value);
            self.best_epoch = epoch;
        }
        best
    }

    /// Whether a value as good as this was seen.
    pub fn has_reached(&self, target: f64, higher_is_better: bool) -> bool {
        self.best.is_some_and(|best| if higher_is_better { best >= target } else { best <= target })
    }

    /// Whether early stopping's patience is used up.
    pub fn is_exhausted(&self, patience: Option<usize>) -> bool {
        patience.is_some_and(|p| self.waited >= p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_stays_and_patience_counts() {
        let mut s = Selection::default();
        assert!(s.observe(0.5, 0, true, 0.0));
        assert!(!s.observe(0.5, 1, true, 0.0));
        assert!(s.observe(0.6, 2, true, 0.0));
        assert_eq!((s.best_epoch, s.waited), (2, 0));
        s.observe(0.6, 3, true, 0.0);
        s.observe(0.1, 4, true, 0.0);
        assert!(s.is_exhausted(Some(2)) && !s.is_exhausted(Some(3)) && !s.is_exhausted(None));
    }

    #[test]
    fn what_is_good_enough_depends_on_the_metric() {
        let mut s = Selection::default();
        assert!(!s.has_reached(0.0, true) && !s.has_reached(0.0, false));
        s.observe(0.5, 0, true, 0.0);
        assert!(s.has_reached(0.5, true) && !s.has_reached(0.51, true));
        assert!(s.has_reached(0.5, false) && !s.has_reached(0.49, false));
    }

    #[test]
    fn small_improvements_are_kept_but_do_not_reset_patience() {
        let mut s = Selection::default();
        s.observe(1.0, 0, false, 0.1);
        assert!(s.observe(0.95, 1, false, 0.1));
        assert_eq!(s.waited, 1);
        assert!(s.observe(0.85, 2, false, 0.1));
        assert_eq!(s.waited, 0);
    }
}
