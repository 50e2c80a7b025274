//! Piecewise constant schedules.

use super::super::options::{MultiStepOptions, StepOptions};
use super::{Place, Schedule};

/// Always the base rate.
pub struct Constant;

impl Schedule for Constant {
    fn factor(&self, _place: Place) -> f64 {
        1.0
    }
}

/// A factor every so many epochs.
pub struct Step(pub StepOptions);

impl Schedule for Step {
    fn factor(&self, place: Place) -> f64 {
        let epoch = place.step / place.per_epoch.max(1);
        self.0.factor.powi((epoch / self.0.every.max(1) as u64) as i32)
    }
}

/// A factor at each of some epochs.
pub struct MultiStep(pub MultiStepOptions);

impl Schedule for MultiStep {
    fn factor(&self, place: Place) -> f64 {
        let epoch = place.step / place.per_epoch.max(1);
        let passed = self.0.at.iter().filter(|&&at| epoch >= at as u64).count();
        let factor = |i: usize| self.0.factor.get(i).or(self.0.factor.last()).copied().unwrap_or(1.0);
        (0..passed).map(factor).product()
    }
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn steps_fall_at_their_epochs() {
        let s = Step(StepOptions { every: 2, factor: 0.1 });
        assert_eq!(s.factor(place(19, 10, 100)), 1.0);
        assert_eq!(s.factor(place(20, 10, 100)), 0.1);
        // FER+'s recipe: 0.05 for 20 epochs, 0.025 for 20, then 0.005.
        let m = MultiStep(MultiStepOptions { at: vec![20, 40], factor: vec![0.5, 0.2] });
        let rate = |epoch: u64| 0.05 * m.factor(place(epoch * 7, 7, 700));
        assert!(
            (rate(19) - 0.05).abs() < 1e-12 && (rate(20) - 0.025).abs() < 1e-12 && (rate(99) - 0.005).abs() < 1e-12
        );
    }
}
