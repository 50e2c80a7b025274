//! Unweighted average recall (balanced accuracy): mean recall of the classes that occur in the truth.

use super::{Metric, plain};
use crate::{Sample, Score};

/// See the module.
pub struct Uar;

impl Metric for Uar {
    fn name(&self) -> &'static str {
        "uar"
    }

    fn title(&self) -> &'static str {
        "UAR"
    }

    fn meaning(&self) -> &'static str {
        "Unweighted average recall (balanced accuracy): mean recall of the classes that occur in the truth."
    }

    fn score(&self, sample: &Sample) -> Option<Score> {
        let c = &sample.confusion;
        c.mean_over(|class| c.support(class) > 0, |class| c.recall(class)).map(|value| plain(value, sample))
    }
}
