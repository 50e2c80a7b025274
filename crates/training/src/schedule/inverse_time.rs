//! The decay of Keras' optimizers before 2.11.

use super::super::options::InverseTimeOptions;
use super::{Place, Schedule};

/// `1 / (1 + decay * step)`, with the steps done before this one (`keras/optimizers.py`, 2.4).
pub struct InverseTime(pub InverseTimeOptions);

impl Schedule for InverseTime {
    fn factor(&self, place: Place) -> f64 {
        1.0 / (1.0 + self.0.decay * place.step as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn halves_after_one_over_decay_steps() {
        let schedule = InverseTime(InverseTimeOptions { decay: 0.01 });
        assert_eq!(schedule.factor(place(0, 10, 1000)), 1.0);
        assert!((schedule.factor(place(100, 10, 1000)) - 0.5).abs() < 1e-12);
    }
}
