//! Ranges of the `data:` section.

use super::{Found, MAX_THREADS};
use crate::data::options::{
    Augment, Component, DataOptions, DrawnClipsOptions, FerplusOptions, MeanStd, Preprocess, Scale, SegmentOptions,
    SegmentRule, SourceOptions, SplitRule, VideoOptions,
};

/// As many drawn faces as a disk holds.
const MAX_FACES: usize = 10_000_000;

impl Found {
    pub fn data(&mut self, data: &DataOptions) {
        self.check("data.path", &data.path, !data.path.as_os_str().is_empty(), "a file's path");
        if let Some(source) = &data.source {
            self.source(source);
        }
        if let Some(segments) = &data.clips {
            self.segments(segments);
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
            SourceOptions::Clips(options) => {
                self.video(&format!("{at}.clips.video"), &options.video);
                None
            }
            SourceOptions::Baum1a(options) => {
                self.video(&format!("{at}.baum1a.video"), &options.video);
                None
            }
            SourceOptions::Baum1s(options) => {
                self.video(&format!("{at}.baum1s.video"), &options.video);
                None
            }
            SourceOptions::Baum2(options) => {
                self.video(&format!("{at}.baum2.video"), &options.video);
                None
            }
            SourceOptions::DrawnClips(options) => {
                self.drawn_clips(&format!("{at}.drawn_clips"), options);
                None
            }
        };
        if let Some((name, size)) = size {
            self.pixels(&format!("{at}.{name}.size"), size);
        }
    }

    fn video(&mut self, at: &str, options: &VideoOptions) {
        self.pixels(&format!("{at}.size"), options.size);
        self.fraction(&format!("{at}.min_score"), options.min_score);
        self.not_negative(&format!("{at}.max_gap"), options.max_gap);
        self.not_negative_f32(&format!("{at}.padding"), options.padding);
        if let Some(rate) = options.rate {
            self.positive(&format!("{at}.rate"), rate);
        }
        self.parts(&format!("{at}.parts"), &options.parts);
    }

    fn parts(&mut self, at: &str, parts: &[Component]) {
        let twice = parts.iter().enumerate().any(|(i, p)| parts[..i].contains(p));
        self.check(at, parts, !parts.is_empty() && !twice, "at least one part, none of them twice");
    }

    fn drawn_clips(&mut self, at: &str, options: &DrawnClipsOptions) {
        self.at_least(&format!("{at}.subjects"), options.subjects, 1);
        self.at_least(&format!("{at}.clips"), options.clips, 1);
        self.positive(&format!("{at}.seconds"), options.seconds);
        self.positive(&format!("{at}.rate"), options.rate);
        self.pixels(&format!("{at}.size"), options.size);
        self.fraction(&format!("{at}.intensity"), options.intensity);
        self.fraction(&format!("{at}.nuisance"), options.nuisance);
    }

    fn segments(&mut self, options: &SegmentOptions) {
        self.parts("data.clips.parts", &options.parts);
        self.up_to("data.clips.frames", options.frames, 1, 10_000);
        if let SegmentRule::Windows(windows) = &options.segments {
            self.at_least("data.clips.segments.windows.stride", windows.stride, 1);
        }
        if let Some(most) = options.max_segments {
            self.at_least("data.clips.max_segments", most, 1);
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
            SplitRule::Own | SplitRule::OwnMerged | SplitRule::SegmentsAtRandom => self.fold(fold, 1),
            SplitRule::Holdout(options) | SplitRule::ClipHoldout(options) => {
                let at = if matches!(split, SplitRule::Holdout(_)) { "holdout" } else { "clip_holdout" };
                self.fraction(&format!("data.split.{at}.validation"), options.validation);
                self.fraction(&format!("data.split.{at}.test"), options.test);
                let sum = options.validation + options.test;
                let message =
                    format!("validation and test are {sum} of the rows; expected less than 1, to leave training rows");
                if sum >= 1.0 {
                    self.add(&format!("data.split.{at}"), message);
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
            SplitRule::ClipKFold(options) => {
                self.at_least("data.split.clip_k_fold.k", options.k, 3);
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
