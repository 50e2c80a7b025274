//! Reduce on plateau.

use super::super::options::PlateauOptions;
use super::{Memory, Place, Schedule};

/// Keras' `ReduceLROnPlateau` without cooldown: after `patience` evaluations without an improvement of at least
/// `min_delta`, the rate is multiplied by `factor`.
pub struct Plateau {
    options: PlateauOptions,
    smallest: f64,
    memory: Memory,
}

impl Plateau {
    pub(super) fn new(options: PlateauOptions, base_lr: f64) -> Self {
        let smallest = options.min_lr / base_lr;
        Self { options, smallest, memory: Memory::default() }
    }
}

impl Schedule for Plateau {
    fn factor(&self, _place: Place) -> f64 {
        self.memory.factor.unwrap_or(1.0)
    }

    fn observe(&mut self, value: f64, higher_is_better: bool) {
        let delta = self.options.min_delta;
        let improved = match self.memory.best {
            None => true,
            Some(best) if higher_is_better => value > best + delta,
            Some(best) => value < best - delta,
        };
        if improved {
            self.memory.best = Some(value);
            self.memory.waited = 0;
            return;
        }
        self.memory.waited += 1;
        if self.memory.waited >= self.options.patience {
            let factor = (self.memory.factor.unwrap_or(1.0) * self.options.factor).max(self.smallest);
            self.memory.factor = Some(factor);
            self.memory.waited = 0;
        }
    }

    fn watches(&self) -> Option<&str> {
        Some(&self.options.watch)
    }

    fn memory(&self) -> Memory {
        self.memory.clone()
    }

    fn restore(&mut self, memory: &Memory) {
        self.memory = memory.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn reduces_after_patience_and_not_below_the_smallest() {
        let options = PlateauOptions { patience: 2, min_lr: 0.005, ..Default::default() };
        let mut p = Plateau::new(options, 0.1);
        let here = place(0, 1, 1);
        [1.0, 0.9, 0.9].iter().for_each(|&v| p.observe(v, false));
        assert_eq!(p.factor(here), 1.0);
        p.observe(0.95, false);
        assert!((p.factor(here) - 0.1).abs() < 1e-12);
        let mut resumed = Plateau::new(p.options.clone(), 0.1);
        resumed.restore(&p.memory());
        [0.9, 0.9].iter().for_each(|&v| resumed.observe(v, false));
        assert!((resumed.factor(here) - 0.05).abs() < 1e-12);
    }
}
