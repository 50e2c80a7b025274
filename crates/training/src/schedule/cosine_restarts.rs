//! Cosine annealing with warm restarts.

use super::super::options::CosineRestartsOptions;
use super::{Place, Schedule};

/// Half a cosine over `first` epochs, then again from the top over `growth` times as many, and so on (SGDR, Loshchilov and Hutter,
/// arXiv:1608.03983; PyTorch's `CosineAnnealingWarmRestarts` stepped with fractions of epochs).
pub struct CosineRestarts(pub CosineRestartsOptions);

impl Schedule for CosineRestarts {
    fn factor(&self, place: Place) -> f64 {
        let o = &self.0;
        let (mut since, mut length) = (place.epochs(), o.first);
        while since >= length {
            since -= length;
            length *= o.growth;
        }
        o.floor + (1.0 - o.floor) * 0.5 * (1.0 + (std::f64::consts::PI * since / length).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;

    #[test]
    fn rates_are_pytorchs() {
        // import torch
        // p = torch.nn.Parameter(torch.zeros(1)); o = torch.optim.SGD([p], lr=1.0)
        // s = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=2, T_mult=2, eta_min=0.1)
        // for step in range(0, 70): s.step(step / 10); step % 7 == 0 and print(o.param_groups[0]["lr"])
        let c = CosineRestarts(CosineRestartsOptions { first: 2.0, growth: 2.0, floor: 0.1 });
        for (step, rate) in TORCH {
            assert!((c.factor(place(step, 10, 70)) - rate).abs() < 1e-12, "{step}");
        }
        // Without growth it is periodic.
        let same = CosineRestarts(CosineRestartsOptions { first: 3.0, growth: 1.0, floor: 0.0 });
        assert_eq!(same.factor(place(4, 10, 100)), same.factor(place(64, 10, 100)));
    }

    const TORCH: [(u64, f64); 10] = [
        (0, 1.0),
        (7, 0.7542957248827961),
        (14, 0.2854966364683872),
        (21, 0.9986128001799076),
        (28, 0.9140576474687263),
        (35, 0.7222075445642904),
        (42, 0.47960449073189604),
        (49, 0.2577483782514173),
        (56, 0.12202456766718096),
        (63, 0.9968808056297169),
    ];
}
