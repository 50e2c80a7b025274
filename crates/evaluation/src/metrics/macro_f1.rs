//! Mean F1 of the classes that occur in the truth or in the predictions; F1 is 0 where it is undefined (scikit-learn's meaning).

use super::{Metric, plain};
use crate::{Sample, Score};

/// See the module.
pub struct MacroF1;

impl Metric for MacroF1 {
    fn name(&self) -> &'static str {
        "macro_f1"
    }

    fn title(&self) -> &'static str {
        "Macro-F1"
    }

    fn meaning(&self) -> &'static str {
        "Mean F1 of the classes that occur in the truth or in the predictions; F1 is 0 where it is undefined (scikit-learn's meaning)."
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        let c = &sample.confusion;
        let present = |class| c.support(class) + c.predicted(class) > 0;
        c.mean_over(present, |class| c.f1(class)).map(|value| plain(value, sample))
    }
}
