//! Cosine annealing with warm-up.

use super::super::options::CosineOptions;
use super::{Place, Schedule};

/// Linear warm-up, then half a cosine (Loshchilov and Hutter, arXiv:1608.03983, without restarts).
pub struct Cosine(pub CosineOptions);

impl Schedule for Cosine {
    fn factor(&self, place: Place) -> f64 {
        let o = &self.0;
        let epochs = place.epochs();
        if epochs < o.warmup {
            return (place.step + 1) as f64 / (o.warmup * place.per_epoch as f64).max(1.0);
        }
        let all = place.total as f64 / place.per_epoch.max(1) as f64;
        let part = ((epochs - o.warmup) / (all - o.warmup).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        o.floor + (1.0 - o.floor) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn rises_then_falls_to_the_floor() {
        let c = Cosine(CosineOptions { warmup: 1.0, floor: 0.1 });
        assert!((c.factor(place(0, 10, 110)) - 0.1).abs() < 1e-12);
        assert!((c.factor(place(9, 10, 110)) - 1.0).abs() < 1e-12);
        assert!((c.factor(place(60, 10, 110)) - 0.55).abs() < 1e-12);
        assert!((c.factor(place(110, 10, 110)) - 0.1).abs() < 1e-12);
    }
}
