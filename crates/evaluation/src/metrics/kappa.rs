//! Cohen's kappa: agreement of truth and prediction beyond what their class frequencies give by chance.

use super::{Metric, Unit, plain};
use crate::{Sample, Score};

/// See the module.
pub struct Kappa;

impl Metric for Kappa {
    fn name(&self) -> &'static str {
        "kappa"
    }

    fn title(&self) -> &'static str {
        "Cohen's kappa"
    }

    fn meaning(&self) -> &'static str {
        "Agreement of truth and prediction beyond chance, unweighted; undefined where both have one single class."
    }

    fn unit(&self) -> Unit {
        Unit::Number
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        let c = &sample.confusion;
        let total = c.total() as f64;
        let observed = (0..c.classes()).map(|class| c.hits(class)).sum::<u64>() as f64 / total;
        let chance: f64 =
            (0..c.classes()).map(|class| c.support(class) as f64 / total * (c.predicted(class) as f64 / total)).sum();
        // Exactly 1 only where truth and prediction are one and the same single class.
        (chance < 1.0).then(|| plain((observed - chance) / (1.0 - chance), sample))
    }
}
