//! Ranges of an experiment of the system `real_fake`.

use super::Found;
use crate::config::diagnostic::Problem;
use crate::config::{RealFakeExperiment, Root};
use crate::real_fake::data::RealFakeData;

/// More folds than any set of clips has subjects.
const MAX_FOLDS: usize = 1000;

impl Root for RealFakeExperiment {
    fn validate(&self) -> Vec<Problem> {
        let mut found = Found::default();
        found.general(&self.name, &self.device, self.threads);
        found.real_fake_data(&self.data);
        let method = self.method.name();
        for (key, message) in self.method.build().problems() {
            found.add(&format!("method.{method}.{key}"), message);
        }
        found.train(&self.train);
        found.only_for_expressions(&self.train, "real_fake");
        found.range("export.tolerance", self.export.tolerance, self.export.tolerance > 0.0, "more than 0");
        if let Some(expect) = &self.expect {
            found.expect(expect);
        }
        found.problems
    }
}

impl Found {
    fn real_fake_data(&mut self, data: &RealFakeData) {
        for (key, message) in data.source.problems() {
            self.add(&format!("data.source.{key}"), message);
        }
        if let Some(rate) = data.rate {
            self.range("data.rate", rate, rate > 0.0 && rate <= 1000.0, "frames per second above 0, at most 1000");
        }
        self.not_negative("data.longest_gap", data.longest_gap);
        if let Some(folds) = data.split.folds() {
            self.up_to("data.split", folds, 2, MAX_FOLDS);
            self.check(
                "data.fold",
                data.fold,
                data.fold < folds.max(1),
                &format!("a fold of 0 to {}", folds.max(1) - 1),
            );
        } else {
            self.check("data.fold", data.fold, data.fold == 0, "0: the official division has no folds");
        }
        let part = data.validation;
        self.range("data.validation", part, part > 0.0 && part <= 0.5, "a number above 0, at most 0.5");
    }
}
