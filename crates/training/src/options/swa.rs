//! Options of stochastic weight averaging.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stochastic weight averaging (Izmailov et al., arXiv:1803.05407): the mean of the weights that the last epochs ended with is what is
/// scored and saved: epochs before `after` are scored, but not selected, and early stopping does not count them. Batch
/// normalisation's statistics are taken anew for it, in a pass over the training set, each time it is scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwaOptions {
    /// Epochs before the first whose weights count.
    pub after: usize,
    /// The learning rate from then on; without it the schedule goes on.
    #[serde(default)]
    pub lr: Option<f64>,
    /// Epochs in which the rate comes to `lr`, along a half cosine; 0 is at once. Without `lr` there is none to come to.
    #[serde(default)]
    pub anneal: f64,
}

impl SwaOptions {
    /// The rate after so many epochs, where the schedule's was `at_start` when averaging began and is `scheduled` now.
    pub fn rate(&self, epochs: f64, at_start: f64, scheduled: f64) -> f64 {
        let since = epochs - self.after as f64;
        match self.lr {
            Some(lr) if since >= 0.0 => {
                let t = if self.anneal > 0.0 { (since / self.anneal).min(1.0) } else { 1.0 };
                let share = (1.0 - (std::f64::consts::PI * t).cos()) / 2.0;
                lr * share + at_start * (1.0 - share)
            }
            _ => scheduled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_comes_to_its_own_along_a_half_cosine() {
        let options = SwaOptions { after: 10, lr: Some(0.05), anneal: 4.0 };
        let rate = |epochs: f64| options.rate(epochs, 0.1, 0.03);
        // torch.optim.swa_utils.SWALR(sgd at 0.1, swa_lr=0.05, anneal_epochs=4), after 0, 1, 2, 3, 4 and 9 steps
        let torch = [0.1, 0.092677669529663, 0.075, 0.057322330470336, 0.05, 0.05];
        for (epochs, torch) in [10.0, 11.0, 12.0, 13.0, 14.0, 19.0].into_iter().zip(torch) {
            assert!((rate(epochs) - torch).abs() < 1e-12, "{epochs}: {}", rate(epochs));
        }
        assert_eq!(rate(9.9), 0.03);
        assert_eq!(SwaOptions { anneal: 0.0, ..options.clone() }.rate(10.0, 0.1, 0.03), 0.05);
        assert_eq!(SwaOptions { lr: None, ..options }.rate(12.0, 0.1, 0.03), 0.03);
    }
}
