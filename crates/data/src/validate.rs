//! Ranges of the `data:` section.

use crate::options::{
    Augment, Component, DataOptions, FerplusOptions, MeanStd, MicroOptions, Preprocess, Scale, SegmentOptions,
    SegmentRule, SourceOptions, SplitRule, SyntheticClipsOptions, SyntheticMotionOptions, VideoOptions,
};
use crate::split::Dividing;
use ferrotype_base::problems::Problems;

const MAX_THREADS: usize = 1024;
/// As many synthetic faces as a disk holds.
const MAX_FACES: usize = 10_000_000;

/// Impossible values of the section `data`.
pub fn data(p: &mut Problems, data: &DataOptions) {
    p.check("data.path", &data.path, !data.path.as_os_str().is_empty(), "a file's path");
    if let Some(source) = &data.source {
        check_source(p, source);
    }
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
}

fn check_source(p: &mut Problems, source: &SourceOptions) {
    let at = "data.source";
    let size = match source {
        SourceOptions::Synthetic(options) => {
            p.up_to(&format!("{at}.synthetic.count"), options.count, 1, MAX_FACES);
            p.at_least(&format!("{at}.synthetic.identities"), options.identities, 1);
            p.fraction(&format!("{at}.synthetic.intensity"), options.intensity);
            p.fraction(&format!("{at}.synthetic.nuisance"), options.nuisance);
            Some(("synthetic", options.size))
        }
        SourceOptions::Ferplus(options) => {
            check_ferplus(p, &format!("{at}.ferplus"), options);
            None
        }
        SourceOptions::Fer2013(_) | SourceOptions::Megc2019(_) => None,
        SourceOptions::Joined(options) => {
            p.check(&format!("{at}.joined.files"), &options.files, options.files.len() >= 2, "at least two files");
            None
        }
        SourceOptions::Casme2(options)
        | SourceOptions::Smic(options)
        | SourceOptions::Samm(options)
        | SourceOptions::Casme3(options) => {
            check_micro(p, &format!("{at}.{}", crate::sources::name(source)), options);
            None
        }
        SourceOptions::SyntheticMicro(options) => {
            check_drawn_micro(p, &format!("{at}.synthetic_micro"), options);
            None
        }
        SourceOptions::Folder(options) => options.size.map(|size| ("folder", size)),
        SourceOptions::Manifest(options) => {
            for (name, group) in &options.targets.0 {
                let at = format!("{at}.manifest.targets.{name}");
                if let Err(problem) = group.target_kind() {
                    p.add(&at, problem.into());
                }
                p.check(&format!("{at}.columns"), &group.columns, !group.columns.is_empty(), "at least one column");
            }
            options.size.map(|size| ("manifest", size))
        }
        SourceOptions::Rafdb(options) => options.size.map(|size| ("rafdb", size)),
        SourceOptions::Affectnet(options) => options.size.map(|size| ("affectnet", size)),
        SourceOptions::Clips(options) => {
            check_video(p, &format!("{at}.clips.video"), &options.video);
            None
        }
        SourceOptions::Baum1a(options) => {
            check_video(p, &format!("{at}.baum1a.video"), &options.video);
            None
        }
        SourceOptions::Baum1s(options) => {
            check_video(p, &format!("{at}.baum1s.video"), &options.video);
            None
        }
        SourceOptions::Baum2(options) => {
            check_video(p, &format!("{at}.baum2.video"), &options.video);
            None
        }
        SourceOptions::SyntheticClips(options) => {
            check_drawn_clips(p, &format!("{at}.synthetic_clips"), options);
            None
        }
    };
    if let Some((name, size)) = size {
        p.pixels(&format!("{at}.{name}.size"), size);
    }
}

fn check_micro(p: &mut Problems, at: &str, options: &MicroOptions) {
    match (&options.detector, options.cropped) {
        (None, false) => p.add(at, "how the face is found is missing; expected `detector`, or `cropped: true`".into()),
        (Some(_), true) => p.add(at, "`detector` and `cropped: true` exclude each other; expected one of them".into()),
        _ => {}
    }
    check_motion(p, at, options.side, options.face);
}

fn check_motion(p: &mut Problems, at: &str, side: usize, face: usize) {
    p.pixels(&format!("{at}.side"), side);
    p.up_to(&format!("{at}.face"), face, 32, 1024);
}

fn check_drawn_micro(p: &mut Problems, at: &str, options: &SyntheticMotionOptions) {
    let drawn = &options.drawn;
    let at_drawn = format!("{at}.drawn");
    p.up_to(&format!("{at_drawn}.subjects"), drawn.subjects, 2, 99);
    p.up_to(&format!("{at_drawn}.clips"), drawn.clips, 1, 30);
    p.up_to(&format!("{at_drawn}.size"), drawn.size, 64, 1024);
    p.fraction(&format!("{at_drawn}.intensity"), drawn.intensity);
    p.fraction(&format!("{at_drawn}.nuisance"), drawn.nuisance);
    check_motion(p, at, options.side, options.face);
}

fn check_video(p: &mut Problems, at: &str, options: &VideoOptions) {
    p.pixels(&format!("{at}.size"), options.size);
    p.fraction(&format!("{at}.min_score"), options.min_score);
    p.not_negative(&format!("{at}.max_gap"), options.max_gap);
    p.not_negative_f32(&format!("{at}.padding"), options.padding);
    if let Some(rate) = options.rate {
        p.positive(&format!("{at}.rate"), rate);
    }
    check_parts(p, &format!("{at}.parts"), &options.parts);
}

fn check_parts(p: &mut Problems, at: &str, parts: &[Component]) {
    let twice = parts.iter().enumerate().any(|(i, p)| parts[..i].contains(p));
    p.check(at, parts, !parts.is_empty() && !twice, "at least one part, none of them twice");
}

fn check_drawn_clips(p: &mut Problems, at: &str, options: &SyntheticClipsOptions) {
    p.at_least(&format!("{at}.subjects"), options.subjects, 1);
    p.at_least(&format!("{at}.clips"), options.clips, 1);
    p.positive(&format!("{at}.seconds"), options.seconds);
    p.positive(&format!("{at}.rate"), options.rate);
    p.pixels(&format!("{at}.size"), options.size);
    p.fraction(&format!("{at}.intensity"), options.intensity);
    p.fraction(&format!("{at}.nuisance"), options.nuisance);
}

fn check_segments(p: &mut Problems, options: &SegmentOptions) {
    check_parts(p, "data.clips.parts", &options.parts);
    p.up_to("data.clips.frames", options.frames, 1, 10_000);
    if let SegmentRule::Windows(windows) = &options.segments {
        p.at_least("data.clips.segments.windows.stride", windows.stride, 1);
    }
    if let Some(most) = options.max_segments {
        p.at_least("data.clips.max_segments", most, 1);
    }
}

fn check_ferplus(p: &mut Problems, at: &str, options: &FerplusOptions) {
    match (&options.csv, &options.images) {
        (None, None) => p.add(at, "the pictures are missing; expected `csv` or `images`".into()),
        (Some(_), Some(_)) => p.add(at, "the pictures stand twice; expected `csv` or `images`, not both".into()),
        (Some(_), None) if options.votes.is_empty() => {
            p.add(at, "with `csv`, the files of votes are missing; expected `votes`".into());
        }
        _ => {}
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
        SplitRule::LeaveOneSubjectOut => {}
    }
}

fn check_fold(p: &mut Problems, fold: usize, folds: usize) {
    let expected = if folds > 1 { format!("0 to {}", folds - 1) } else { "0, as this split has no folds".into() };
    p.check("data.fold", fold, fold < folds.max(1), &expected);
}

fn check_preprocess(p: &mut Problems, preprocess: &Preprocess) {
    p.pixels("data.preprocess.size", preprocess.size);
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
    if let Some(degrees) = augment.rotate {
        p.range(&at("rotate"), degrees, (0.0..=180.0).contains(&degrees), "0 to 180 degrees");
    }
}
