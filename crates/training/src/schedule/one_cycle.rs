//! The one-cycle schedule.

use super::super::options::OneCycleOptions;
use super::{Place, Schedule};

/// PyTorch's `OneCycleLR` with cosine annealing and two phases; momentum is left alone.
pub struct OneCycle(pub OneCycleOptions);

impl Schedule for OneCycle {
    fn factor(&self, place: Place) -> f64 {
        let o = &self.0;
        let start = 1.0 / o.start_div;
        let end = start / o.end_div;
        let peak = o.rise * place.total as f64 - 1.0;
        let last = place.total as f64 - 1.0;
        let step = place.step as f64;
        if step <= peak {
            anneal(start, 1.0, step / peak.max(1.0))
        } else {
            anneal(1.0, end, ((step - peak) / (last - peak).max(1.0)).min(1.0))
        }
    }
}

/// Half a cosine from `a` to `b`.
fn anneal(a: f64, b: f64, part: f64) -> f64 {
    b + (a - b) / 2.0 * (1.0 + (std::f64::consts::PI * part).cos())
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    // o = torch.optim.SGD([torch.zeros(1)], lr=1); s = torch.optim.lr_scheduler.OneCycleLR(o, 1., total_steps=20)
    // for i in range(20): print(o.param_groups[0]["lr"]); o.step(); s.step()      (values at 0, 3, 5, 10, 19)
    #[test]
    fn agrees_with_pytorch() {
        let c = OneCycle(OneCycleOptions::default());
        for (step, want) in [(0, 0.04), (3, 0.668_328_2), (5, 1.0), (10, 0.716_943), (19, 4e-6)] {
            let got = c.factor(place(step, 5, 20));
            assert!((got - want).abs() < 1e-5, "{step}: {got} instead of {want}");
        }
    }
}
