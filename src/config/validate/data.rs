//! Ranges of the `data:` section.

use super::{Found, MAX_THREADS};
use crate::data::options::{
    Augment, DataOptions, FerplusOptions, MeanStd, Preprocess, Scale, SourceOptions, SplitRule,
};

/// As many drawn faces as a disk holds.
const MAX_FACES: usize = 10_000_000;

impl Found {
    pub fn data(&mut self, data: &DataOptions) {
        self.check("data.path", &data.path, !data.path.as_os_str().is_empty(), "a file's path");
        if let Some(source) = &data.source {
            self.source(source);
        }
        self.split(&data.split, data.fold);
        if let Some(limit) = data.limit {
            self.at_least("data.limit", limit, 1);
        }
        self.up_to("data.workers", data.workers, 0, MAX_THREADS);
        self.preprocess(&data.preprocess);
        self.augment(&data.augment);
    }

    fn source(&mut self, source: &SourceOptions) {
        let at = "data.source";
        let size = match source {
            SourceOptions::Synthetic(options) => {
                self.up_to(&format!("{at}.synthetic.count"), options.count, 1, MAX_FACES);
                self.at_least(&format!("{at}.synthetic.identities"), options.identities, 1);
                self.fraction(&format!("{at}.synthetic.intensity"), options.intensity);
                self.fraction(&format!("{at}.synthetic.nuisance"), options.nuisance);
                Some(("synthetic", options.size))
            }
            SourceOptions::Ferplus(options) => {
                self.ferplus(&format!("{at}.ferplus"), options);
                None
            }
            SourceOptions::Fer2013(_) => None,
            SourceOptions::Folder(options) => options.size.map(|size| ("folder", size)),
            SourceOptions::Manifest(options) => options.size.map(|size| ("manifest", size)),
            SourceOptions::Rafdb(options) => options.size.map(|size| ("rafdb", size)),
            SourceOptions::Affectnet(options) => options.size.map(|size| ("affectnet", size)),
        };
        if let Some((name, size)) = size {
            self.pixels(&format!("{at}.{name}.size"), size);
        }
    }

    fn ferplus(&mut self, at: &str, options: &FerplusOptions) {
        match (&options.csv, &options.images) {
            (None, None) => self.add(at, "the pictures are missing; expected `csv` or `images`".into()),
            (Some(_), Some(_)) => self.add(at, "the pictures stand twice; expected `csv` or `images`, not both".into()),
            (Some(_), None) if options.votes.is_empty() => {
                self.add(at, "with `csv`, the files of votes are missing; expected `votes`".into());
            }
            _ => {}
        }
    }

    fn split(&mut self, split: &SplitRule, fold: usize) {
        match split {
            SplitRule::Own | SplitRule::OwnMerged => self.fold(fold, 1),
            SplitRule::Holdout(options) => {
                self.fraction("data.split.holdout.validation", options.validation);
                self.fraction("data.split.holdout.test", options.test);
                let sum = options.validation + options.test;
                let message =
                    format!("validation and test are {sum} of the rows; expected less than 1, to leave training rows");
                if sum >= 1.0 {
                    self.add("data.split.holdout", message);
                }
                self.fold(fold, 1);
            }
            SplitRule::KFold(options) => {
                self.at_least("data.split.k_fold.k", options.k, 3);
                self.fold(fold, options.k);
            }
            SplitRule::SubjectKFold(options) => {
                self.at_least("data.split.subject_k_fold.k", options.k, 3);
                self.fold(fold, options.k);
            }
            SplitRule::LeaveOneSubjectOut => {}
        }
    }

    fn fold(&mut self, fold: usize, folds: usize) {
        let expected = if folds > 1 { format!("0 to {}", folds - 1) } else { "0, as this split has no folds".into() };
        self.check("data.fold", fold, fold < folds.max(1), &expected);
    }

    fn preprocess(&mut self, preprocess: &Preprocess) {
        self.pixels("data.preprocess.size", preprocess.size);
        let Scale::MeanStd(MeanStd { mean, std }) = &preprocess.scale else { return };
        let at = "data.preprocess.scale.mean_std";
        for (name, values) in [("mean", mean), ("std", std)] {
            let ok = matches!(values.len(), 1 | 3);
            self.check(&format!("{at}.{name}"), values, ok, "1 value, or 3 for RGB");
        }
        for (i, &value) in std.iter().enumerate() {
            self.range(&format!("{at}.std[{i}]"), value, value > 0.0, "a number above 0");
        }
    }

    fn augment(&mut self, augment: &Augment) {
        let at = |name: &str| format!("data.augment.{name}");
        let fractions = [("flip", augment.flip), ("shift", augment.shift), ("brightness", augment.brightness)];
        for (name, value) in fractions.into_iter().chain([("erase", augment.erase)]) {
            value.into_iter().for_each(|value| self.fraction(&at(name), value));
        }
        for (name, value) in [("zoom", augment.zoom), ("contrast", augment.contrast)] {
            value.into_iter().for_each(|value| self.below_one(&at(name), value));
        }
        let amounts = [("scale", augment.scale), ("shear", augment.shear)];
        for (name, value) in amounts.into_iter().chain([("mixup", augment.mixup), ("cutmix", augment.cutmix)]) {
            value.into_iter().for_each(|value| self.not_negative_f32(&at(name), value));
        }
        if let Some(degrees) = augment.rotate {
            self.range(&at("rotate"), degrees, (0.0..=180.0).contains(&degrees), "0 to 180 degrees");
        }
    }
}
