//! Synthetic clips: series of action units and landmarks without any video.

use clap::Args;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::acts::{Act, EMOTIONS};
use crate::clip::{Clip, ClipSet, Part, Series};
use crate::synthesise::measured as values;
use ferrotype_vision::clips::synthesise::UNITS;

/// Pixels per side of the frames that the landmarks stand in.
const FRAME: usize = 200;

/// Synthetic clips in SASE-FE's form: every subject shows six emotions, each genuine and posed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Args)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratedClipsOptions {
    /// Number of subjects; each has twelve clips.
    #[arg(long, default_value_t = Self::default().subjects)]
    pub subjects: usize,
    /// Seconds of a clip, about.
    #[arg(long, default_value_t = Self::default().seconds)]
    pub seconds: f64,
    /// Frames per second.
    #[arg(long, default_value_t = Self::default().rate)]
    pub rate: f64,
    /// How far genuine and posed clips differ in all, 0 to 2: 0 is not at all, so no method can be above chance.
    #[arg(long, default_value_t = Self::default().strength)]
    pub strength: f64,
    /// Of that, how far in the speed of the onset, 0 to 1: genuine expressions rise more slowly.
    #[arg(long, default_value_t = Self::default().onset)]
    pub onset: f64,
    /// How far in the evenness of the sides, 0 to 1: posed expressions are less even. Landmarks show it, action units
    /// hardly do.
    #[arg(long, default_value_t = Self::default().asymmetry)]
    pub asymmetry: f64,
    /// How far in the time for which the expression is held, 0 to 1: posed ones are held longer.
    #[arg(long, default_value_t = Self::default().apex)]
    pub apex: f64,
    /// How far in the part that the eyes take (action units 6 and 7), 0 to 1: more in genuine expressions.
    #[arg(long, default_value_t = Self::default().eyes)]
    pub eyes: f64,
    /// How far in the smoothness of the course, 0 to 1: posed expressions flicker.
    #[arg(long, default_value_t = Self::default().irregularity)]
    pub irregularity: f64,
    /// How far in the length of the clip, 0 to 1: a confound, as recordings have it; posed clips are shorter.
    #[arg(long, default_value_t = Self::default().length)]
    pub length: f64,
    /// Standard deviation of the measurement's error, of a full intensity.
    #[arg(long, default_value_t = Self::default().noise)]
    pub noise: f64,
    /// Chooses the people and what they do. The experiment's seed does not: several seeds of one experiment see the same
    /// clips, and so do several methods.
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,
}

impl Default for GeneratedClipsOptions {
    fn default() -> Self {
        Self {
            subjects: 50,
            seconds: 3.6,
            rate: 30.0,
            strength: 1.0,
            onset: 1.0,
            asymmetry: 1.0,
            apex: 1.0,
            eyes: 1.0,
            irregularity: 1.0,
            length: 0.0,
            noise: 0.03,
            seed: 0,
        }
    }
}

impl GeneratedClipsOptions {
    /// Impossible options.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut range = |name, value: f64, low: f64, high: f64| {
            if !(low..=high).contains(&value) {
                found.push((name, format!("{value} is impossible; expected a number from {low} to {high}")));
            }
        };
        range("subjects", self.subjects as f64, 1.0, 1000.0);
        range("seconds", self.seconds, 0.5, 60.0);
        range("rate", self.rate, 5.0, 240.0);
        range("strength", self.strength, 0.0, 2.0);
        for (name, cue) in [
            ("onset", self.onset),
            ("asymmetry", self.asymmetry),
            ("apex", self.apex),
            ("eyes", self.eyes),
            ("irregularity", self.irregularity),
            ("length", self.length),
        ] {
            range(name, cue, 0.0, 1.0);
        }
        range("noise", self.noise, 0.0, 1.0);
        found
    }

    /// All clips: of each subject every emotion, genuine and posed.
    pub fn acts(&self) -> Vec<Act> {
        let of_subject = |subject: usize| {
            let kinds = (0..EMOTIONS.len()).flat_map(|emotion| [true, false].map(|real| (emotion, real)));
            kinds.map(move |(emotion, real)| Act::new(self, subject, emotion, real)).collect::<Vec<_>>()
        };
        (1..=self.subjects).flat_map(of_subject).collect()
    }
}

/// Makes the clips. The last fifth of the subjects, at least one, is the validation part; there is no test part.
pub(super) fn generate(options: &GeneratedClipsOptions) -> ClipSet {
    let held_out = (options.subjects / 5).max(1);
    let clip = |act: Act| {
        let part = if act.subject > options.subjects - held_out { Part::Validation } else { Part::Training };
        measured(&act, options.noise, part)
    };
    ClipSet {
        emotions: EMOTIONS.iter().map(|e| e.0.to_owned()).collect(),
        units: UNITS.iter().map(|u| u.1.to_owned()).collect(),
        rate: Some(options.rate),
        clips: options.acts().into_par_iter().map(clip).collect(),
        notes: Vec::new(),
        synthetic: true,
    }
}

/// A clip as two programs would measure it: intensities of 0 to 5 as OpenFace's, and landmarks.
fn measured(act: &Act, noise: f64, part: Part) -> Clip {
    let times: Vec<f64> = (0..act.frames).map(|frame| act.time(frame)).collect();
    let (units, points) = values(act, FRAME, noise);
    Clip {
        name: format!("{:03}/{}", act.subject, act.code()),
        subject: Some(act.subject.to_string()),
        emotion: Some(act.emotion),
        real: Some(act.real),
        part,
        seconds: act.frames as f64 / act.rate,
        units: Some(Series { times: times.clone(), values: units }),
        landmarks: Some(Series { times, values: points }),
        descriptor: None,
        video: None,
    }
}

#[cfg(test)]
mod tests;
