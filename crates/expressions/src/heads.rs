//! The ranges of the section `heads`, and what heads cannot be combined with.

use ferrotype_base::problems::Problems;
use ferrotype_base::problems::first_repeat;
use ferrotype_model::objective::{HeadLoss, HeadOptions, ObjectiveOptions};

use crate::Experiment;

impl Experiment {
    /// What is wrong with the heads, or with other keys beside them.
    pub(crate) fn check_heads(&self, p: &mut Problems) {
        if self.heads.is_empty() {
            return;
        }
        for (name, head) in &self.heads {
            check(p, name, head);
        }
        if self.objective != ObjectiveOptions::default() {
            p.add(
                "objective",
                "is for a model of classes alone; with heads each has its own loss (heads.NAME.loss): remove it".into(),
            );
        }
        if self.train.adversarial.is_some() {
            p.add(
                "train.adversarial",
                "makes adversarial examples of classes, which a model with heads cannot be given: remove one of the two".into(),
            );
        }
        if self.data.clips.is_some() {
            p.add("data.clips", "has classes alone, no other targets for heads: remove one of the two".into());
        }
    }
}

fn check(p: &mut Problems, name: &str, head: &HeadOptions) {
    let at = format!("heads.{name}");
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    p.check(&at, name, is_name, "a name of letters, digits and `_`: outputs of the exported model are called after it");
    p.range(&format!("{at}.weight"), head.weight, head.weight > 0.0, "a number above 0");
    if let Some(columns) = &head.columns {
        let twice = first_repeat(columns).is_some();
        p.check(&format!("{at}.columns"), columns, !columns.is_empty() && !twice, "at least one column, none twice");
    }
    if let Some(lds) = &head.lds {
        let at = |name: &str| format!("{at}.lds.{name}");
        p.up_to(&at("bins"), lds.bins, 2, 10_000);
        let is_odd = lds.kernel_size % 2 == 1 && lds.kernel_size <= 999;
        p.check(&at("kernel_size"), lds.kernel_size, is_odd, "an odd number up to 999");
        p.range(&at("sigma"), lds.sigma, lds.sigma > 0.0 && lds.sigma <= 1000.0, "a number above 0, up to 1000");
    }
    match &head.loss {
        Some(HeadLoss::Huber(options)) => {
            p.range(&format!("{at}.loss.huber.delta"), options.delta, options.delta > 0.0, "a number above 0");
        }
        Some(HeadLoss::CrossEntropy(options)) => {
            p.below_one(&format!("{at}.loss.cross_entropy.label_smoothing"), options.label_smoothing);
        }
        _ => {}
    }
}
