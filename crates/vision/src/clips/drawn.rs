//! Synthetic clips: moving faces and their true landmarks, cut into components as those of videos are.

use anyhow::{Result, ensure};

use super::labels::SYSTEM003;
use super::making::{Making, Wanted};
use crate::faces::{Landmarks, cut_component};
use ferrotype_base::random::{Purpose, Stream};
use ferrotype_data::clips::{Clip, ClipSet, Features, Frames, Part};
use ferrotype_data::options::{Component, SyntheticClipsOptions, VideoOptions};
use ferrotype_data::preprocess::Picture;
use ferrotype_data::synthetic::{Au, Expression, Performance};

/// The expressions that stand for system 003's classes, in their order.
pub(super) const EXPRESSIONS: [Expression; 7] = [
    Expression::Neutral,
    Expression::Anger,
    Expression::Contempt,
    Expression::Surprise,
    Expression::Fear,
    Expression::Happiness,
    Expression::Sadness,
];

/// A performance with its place in the set.
pub(super) struct Take {
    /// Clip number of its subject, from 1.
    pub number: usize,
    /// Class in the order of [`SYSTEM003`].
    pub class: usize,
    pub performance: Performance,
}

impl Take {
    /// `S001_015`.
    pub(super) fn name(&self) -> String {
        format!("{}_{:03}", self.subject(), self.number)
    }

    /// `S001`.
    pub(super) fn subject(&self) -> String {
        format!("S{:03}", self.performance.subject + 1)
    }

    /// Frame `number` with its landmarks.
    pub(super) fn frame(&self, number: usize, size: usize) -> (Vec<u8>, Landmarks) {
        let rendering = self.performance.frame(number, size);
        let mut points = [[0.0; 2]; 68];
        points.iter_mut().zip(rendering.landmarks).for_each(|(p, l)| *p = l);
        (rendering.pixels, points)
    }

    /// Time of a frame in seconds.
    pub(super) fn time(&self, number: usize) -> f64 {
        number as f64 / self.performance.rate
    }
}

pub(super) fn check(options: &SyntheticClipsOptions) -> Result<()> {
    ensure!((1..=999).contains(&options.subjects), "{} subjects: 1 to 999 can be drawn", options.subjects);
    ensure!((1..=100).contains(&options.clips), "{} clips per class: 1 to 100 can be drawn", options.clips);
    let size = options.size;
    ensure!(
        (32..=1024).contains(&size) && size.is_multiple_of(2),
        "frames of {size} pixels: an even number from 32 to 1024"
    );
    for (name, value, most) in [("seconds", options.seconds, 600.0), ("rate", options.rate, 240.0)] {
        ensure!(value > 0.0 && value <= most, "{name} is {value}: a number above 0, at most {most}, is expected");
    }
    for (name, value) in [("intensity", options.intensity), ("nuisance", options.nuisance)] {
        ensure!((0.0..=1.0).contains(&value), "{name} is {value}: it must be from 0 to 1");
    }
    Ok(())
}

/// All performances: of each subject every class `clips` times, in random order.
pub(super) fn takes(options: &SyntheticClipsOptions, expressions: &[(usize, Expression)]) -> Vec<Take> {
    let of_subject = |subject: usize| {
        let mut order: Vec<(usize, Expression, usize)> =
            expressions.iter().flat_map(|&(class, e)| (0..options.clips).map(move |take| (class, e, take))).collect();
        Stream::of(options.seed, Purpose::Synthesis, &[4, subject as u64]).shuffle(&mut order);
        let take = move |(place, (class, expression, take)): (usize, (usize, Expression, usize))| Take {
            number: place + 1,
            class,
            performance: Performance::new(options, subject, expression, take),
        };
        order.into_iter().enumerate().map(take).collect::<Vec<_>>()
    };
    (0..options.subjects).flat_map(of_subject).collect()
}

/// The clips with all components, labelled with system 003's classes.
pub(super) fn making(options: &SyntheticClipsOptions) -> Result<Making<'_>> {
    check(options)?;
    let takes = takes(options, &EXPRESSIONS.into_iter().enumerate().collect::<Vec<_>>());
    let wanted = |take: &Take| Wanted {
        name: take.name(),
        subject: take.subject(),
        label: take.class as i16,
        // A take follows from the options and its name.
        made_of: String::new(),
    };
    Ok(Making {
        wanted: takes.iter().map(wanted).collect(),
        classes: SYSTEM003.map(String::from).to_vec(),
        side_by_side: true,
        make: Box::new(move |number| draw(&takes[number], options)),
    })
}

fn draw(take: &Take, options: &SyntheticClipsOptions) -> Result<ClipSet> {
    let VideoOptions { size, padding, .. } = VideoOptions::default();
    let empty = |component| Part { component, pixels: Vec::new() };
    let mut parts: Vec<Part> = Component::ALL.into_iter().map(empty).collect();
    let count = take.performance.frames;
    let (mut landmarks, mut units) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (pixels, points) = take.frame(number, options.size);
        let picture = Picture::new(&pixels, options.size, options.size, 1)?;
        for part in &mut parts {
            let grey = cut_component(&picture, &points, part.component, padding, size)?;
            part.pixels.extend(grey.into_iter().flat_map(|v| [v; 3]));
        }
        landmarks.extend_from_slice(points.as_flattened());
        let shown = take.performance.action_units(take.time(number));
        units.extend(Au::ALL.map(|unit| 5.0 * shown.both(unit)));
    }
    Ok(ClipSet {
        size,
        parts,
        frames: Frames {
            numbers: (0..count as u32).collect(),
            times: (0..count).map(|n| take.time(n)).collect(),
            tracks: vec![0; count],
            copied: vec![false; count],
            landmarks,
            scores: vec![1.0; count],
        },
        clips: vec![Clip {
            name: take.name(),
            subject: take.subject(),
            label: take.class as i16,
            count,
            decoded: count as u32,
            with_face: count as u32,
            ..Clip::default()
        }],
        classes: SYSTEM003.map(String::from).to_vec(),
        features: vec![Features {
            name: "au".into(),
            columns: Au::ALL.iter().map(|u| format!("AU{:02}_r", u.number())).collect(),
            values: units,
        }],
        ..ClipSet::default()
    })
}
