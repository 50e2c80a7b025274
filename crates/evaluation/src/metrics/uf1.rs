//! Unweighted F1 of the counts pooled over all folds: mean over the classes that occur in the truth.
//!
//! It differs from macro-F1 by what it does with a class that is predicted but never true: the micro-expression
//! challenges, whose measure it is, leave such a class out; scikit-learn counts it as 0.

use super::{Metric, plain};
use crate::{Sample, Score};

/// See the module.
pub struct Uf1;

impl Metric for Uf1 {
    fn name(&self) -> &'static str {
        "uf1"
    }

    fn title(&self) -> &'static str {
        "UF1"
    }

    fn meaning(&self) -> &'static str {
        "Unweighted F1 of the counts pooled over all folds: mean over the classes that occur in the truth."
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        let c = &sample.confusion;
        c.mean_over(|class| c.support(class) > 0, |class| c.f1(class)).map(|value| plain(value, sample))
    }
}
