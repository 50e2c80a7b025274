//! Ranges of the `data:` section.

mod sources;

use crate::options::{Augment, DataOptions, MeanStd, Policy, Preprocess, Scale, SplitRule};
use crate::split::Dividing;
use ferrotype_base::problems::Problems;
use sources::{check_segments, check_source};

const MAX_THREADS: usize = 1024;

/// Impossible values of the section `data`.
pub fn data(p: &mut Problems, data: &DataOptions) {
    p.check("data.path", &data.path, !data.path.as_os_str().is_empty(), "a file's path");
    if let Some(source) = &data.source {
        check_source(p, source);
    }
    if let Some(mb) = data.storage.shard_mb {
        p.at_least("data.storage.shard_mb", mb as usize, 1);
    }
    p.up_to("data.storage.jpeg_quality", usize::from(data.storage.jpeg_quality), 1, 100);
    if let Some(segments) = &data.clips {
        check_segments(p, segments);
    }
    check_split(p, &data.dividing());
    if let Some(limit) = data.limit {
        p.at_least("data.limit", limit, 1);
    }
    p.up_to("data.workers", data.workers, 0, MAX_THREADS);
    check_preprocess(p, &data.preprocess);
    check_augment(p, &data.augment);
    if data.augment.random_crop && data.preprocess.crop_from.is_none() {
        let message = "has nothing to choose from: set data.preprocess.crop_from, such as 48 for a size of 44";
        p.add("data.augment.random_crop", message.into());
    }
}

fn check_split(p: &mut Problems, how: &Dividing<'_>) {
    let &Dividing { rule: split, fold, has_validation } = how;
    let least = if has_validation { 3 } else { 2 };
    match split {
        SplitRule::TestAsValidation | SplitRule::SegmentsAtRandom if !has_validation => {
            let message = "false contradicts this split, which is the one of a recipe with a validation set; expected another split";
            p.add("data.validation_set", message.into());
        }
        SplitRule::Own | SplitRule::TestAsValidation | SplitRule::SegmentsAtRandom => check_fold(p, fold, 1),
        SplitRule::Holdout(options) | SplitRule::ClipHoldout(options) => {
            let at = if matches!(split, SplitRule::Holdout(_)) { "holdout" } else { "clip_holdout" };
            let kept = if has_validation { options.validation } else { 0.0 };
            if has_validation {
                p.fraction(&format!("data.split.{at}.validation"), kept);
            }
            p.fraction(&format!("data.split.{at}.test"), options.test);
            let sum = kept + options.test;
            let message =
                format!("validation and test are {sum} of the rows; expected less than 1, to leave training rows");
            if sum >= 1.0 {
                p.add(&format!("data.split.{at}"), message);
            }
            check_fold(p, fold, 1);
        }
        SplitRule::KFold(options) => {
            p.at_least("data.split.k_fold.k", options.k, least);
            check_fold(p, fold, options.k);
        }
        SplitRule::SubjectKFold(options) => {
            p.at_least("data.split.subject_k_fold.k", options.k, least);
            check_fold(p, fold, options.k);
        }
        SplitRule::ClipKFold(options) => {
            p.at_least("data.split.clip_k_fold.k", options.k, least);
            check_fold(p, fold, options.k);
        }
        SplitRule::ClassBlocks(options) => {
            p.at_least("data.split.class_blocks.k", options.k, least);
            check_fold(p, fold, options.k);
        }
        SplitRule::LeaveOneSubjectOut => {}
    }
}

fn check_fold(p: &mut Problems, fold: usize, folds: usize) {
    let expected = if folds > 1 { format!("0 to {}", folds - 1) } else { "0, as this split has no folds".into() };
    p.check("data.fold", fold, fold < folds.max(1), &expected);
}

fn check_preprocess(p: &mut Problems, preprocess: &Preprocess) {
    p.pixels("data.preprocess.size", preprocess.size);
    if let Some(frame) = preprocess.crop_from {
        p.pixels("data.preprocess.crop_from", frame);
        let expected = format!("data.preprocess.size ({}) or more", preprocess.size);
        p.check("data.preprocess.crop_from", frame, frame >= preprocess.size, &expected);
    }
    let Scale::MeanStd(MeanStd { mean, std }) = &preprocess.scale else { return };
    let at = "data.preprocess.scale.mean_std";
    for (name, values) in [("mean", mean), ("std", std)] {
        let ok = matches!(values.len(), 1 | 3);
        p.check(&format!("{at}.{name}"), values, ok, "1 value, or 3 for RGB");
    }
    for (i, &value) in std.iter().enumerate() {
        p.range(&format!("{at}.std[{i}]"), value, value > 0.0, "a number above 0");
    }
}

fn check_augment(p: &mut Problems, augment: &Augment) {
    let at = |name: &str| format!("data.augment.{name}");
    let fractions = [("flip", augment.flip), ("shift", augment.shift), ("brightness", augment.brightness)];
    for (name, value) in fractions.into_iter().chain([("erase", augment.erase)]) {
        value.into_iter().for_each(|value| p.fraction(&at(name), value));
    }
    for (name, value) in [("zoom", augment.zoom), ("contrast", augment.contrast)] {
        value.into_iter().for_each(|value| p.below_one(&at(name), value));
    }
    let amounts = [("scale", augment.scale), ("shear", augment.shear)];
    for (name, value) in amounts.into_iter().chain([("mixup", augment.mixup), ("cutmix", augment.cutmix)]) {
        value.into_iter().for_each(|value| p.not_negative_f32(&at(name), value));
    }
    if let Some(Policy::RandAugment(o)) = augment.policy {
        let at = |key: &str| at(&format!("policy.rand_augment.{key}"));
        p.check(&at("operations"), o.operations, (1..=14).contains(&o.operations), "1 to 14");
        p.check(&at("magnitude"), o.magnitude, o.magnitude <= 30, "0 to 30");
    }
    if let Some(degrees) = augment.rotate {
        p.range(&at("rotate"), degrees, (0.0..=180.0).contains(&degrees), "0 to 180 degrees");
    }
}
