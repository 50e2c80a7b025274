//! Ranges of the options of sources.

use ferrotype_base::problems::{Problems, first_repeat};

use crate::options::{
    Component, FerplusOptions, MicroOptions, SegmentOptions, SegmentRule, SourceOptions, SyntheticClipsOptions,
    SyntheticMotionOptions, VideoOptions,
};

/// As many synthetic faces as a disk holds.
const MAX_FACES: usize = 10_000_000;

pub(super) fn check_source(p: &mut Problems, source: &SourceOptions) {
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
        SourceOptions::Disfa(options) => {
            let at = format!("{at}.disfa");
            check_units(p, &at, &options.units);
            p.up_to(&format!("{at}.threshold"), usize::from(options.threshold), 1, 5);
            check_frames(p, &at, Some(options.every), Some(options.margin));
            options.size.map(|size| ("disfa", size))
        }
        SourceOptions::Bp4d(options) => {
            check_units(p, &format!("{at}.bp4d"), &options.units);
            check_frames(p, &format!("{at}.bp4d"), Some(options.every), Some(options.margin));
            options.size.map(|size| ("bp4d", size))
        }
        SourceOptions::CkPlus(options) => {
            check_units(p, &format!("{at}.ck_plus"), &options.units);
            check_frames(p, &format!("{at}.ck_plus"), None, Some(options.margin));
            options.size.map(|size| ("ck_plus", size))
        }
        SourceOptions::Jaffe(options) => {
            check_frames(p, &format!("{at}.jaffe"), None, Some(options.margin));
            options.size.map(|size| ("jaffe", size))
        }
        SourceOptions::Kdef(options) => {
            check_frames(p, &format!("{at}.kdef"), None, Some(options.margin));
            options.size.map(|size| ("kdef", size))
        }
        SourceOptions::AfewVa(options) => {
            check_frames(p, &format!("{at}.afew_va"), Some(options.every), Some(options.margin));
            options.size.map(|size| ("afew_va", size))
        }
        SourceOptions::AffWild2(options) => {
            let at = format!("{at}.aff_wild2");
            let twice = first_repeat(&options.tasks).is_some();
            p.check(&format!("{at}.tasks"), &options.tasks, !twice, "none of them twice");
            check_frames(p, &at, Some(options.every), None);
            options.size.map(|size| ("aff_wild2", size))
        }
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

fn check_units(p: &mut Problems, at: &str, units: &[u32]) {
    let twice = first_repeat(units).is_some();
    let numbers = units.iter().all(|unit| (1..=99).contains(unit));
    p.check(&format!("{at}.units"), units, numbers && !twice, "numbers from 1 to 99, none of them twice");
}

fn check_frames(p: &mut Problems, at: &str, every: Option<usize>, margin: Option<f32>) {
    if let Some(every) = every {
        p.up_to(&format!("{at}.every"), every, 1, 10_000);
    }
    if let Some(margin) = margin {
        p.range(&format!("{at}.margin"), margin, (-0.4..=4.0).contains(&margin), "-0.4 to 4");
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
    let twice = first_repeat(parts).is_some();
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

pub(super) fn check_segments(p: &mut Problems, options: &SegmentOptions) {
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
