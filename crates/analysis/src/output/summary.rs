//! What is said of each person over a whole video, or of all faces of stills, summed up frame by frame.

use std::collections::BTreeMap;

use ferrotype_action_units::{INTENSITIES, PRESENCES};
use ferrotype_base::statistics::first_largest;
use serde::Serialize;

use super::Facts;
use super::kinds::valence_arousal;
use crate::record::{FaceRecord, FrameRecord};

/// All persons.
#[derive(Clone, Debug)]
pub struct Summary {
    names: Names,
    persons: BTreeMap<usize, Person>,
    /// Whether all faces are summed up together, whosever they are.
    pub is_stills: bool,
    /// Frames that were looked at.
    pub frames: u64,
    /// Pictures that could not be.
    pub unusable: u64,
    /// Of these, frames with a face.
    pub frames_with_faces: u64,
}

#[derive(Clone, Debug)]
struct Names {
    /// Each head's name, its outputs, and whether they are classes of which one is dominant.
    heads: Vec<(String, Vec<String>, bool)>,
    has_units: bool,
}

#[derive(Clone, Debug, Default)]
struct Person {
    frames: u64,
    first: f64,
    last: f64,
    /// The place of the last frame among those that were looked at, from 1.
    last_at: u64,
    quantities: BTreeMap<(usize, usize), Quantity>,
    quadrants: BTreeMap<usize, [u64; 4]>,
}

#[derive(Clone, Debug, Default)]
struct Quantity {
    count: u64,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
    /// Frames in which it is on: present, or the dominant class.
    on: u64,
    counts_on: bool,
    current: Option<(f64, f64)>,
    longest: Option<Episode>,
}

/// A stretch of time in which something was on in each frame that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Episode {
    /// Seconds of its first frame.
    pub from: f64,
    /// Seconds of its last frame.
    pub to: f64,
}

/// A person, or all faces of stills, as it stands in `results.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackSummary {
    /// The person's number; none of stills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<usize>,
    /// Frames with the person; of stills the number of faces.
    pub frames: u64,
    /// Seconds of the first and the last one; none of stills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<f64>,
    /// See `first`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<f64>,
    /// What was measured.
    pub quantities: Vec<QuantitySummary>,
    /// Of each head with valence and arousal the shares of frames by their signs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quadrants: Vec<Quadrants>,
}

impl TrackSummary {
    /// `Person 0: 40 frames, 0.0 to 9.8 s`; `All faces: 12` of stills.
    pub fn title(&self) -> String {
        match (self.track, self.first, self.last) {
            (Some(track), Some(first), Some(last)) => {
                format!("Person {track}: {} frames, {first:.1} to {last:.1} s", self.frames)
            }
            _ => format!("All faces: {}", self.frames),
        }
    }

    /// What its shares are of.
    pub fn unit(&self) -> &'static str {
        if self.track.is_some() { "frames" } else { "faces" }
    }

    /// What was present or dominant at all, the largest share of frames first.
    pub fn shares(&self) -> Vec<&QuantitySummary> {
        let mut shares: Vec<&QuantitySummary> =
            self.quantities.iter().filter(|q| q.share.is_some_and(|s| s > 0.0)).collect();
        shares.sort_by(|a, b| b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0)));
        shares
    }
}

/// A quantity of a person over all of its frames.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantitySummary {
    /// `HEAD.OUTPUT`, `AU12_r` (intensity) or `AU12_c` (presence).
    pub name: String,
    /// Mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Standard deviation (n - 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// Smallest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Share of frames in which it was present or the dominant class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The longest stretch of such frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<Episode>,
}

/// Shares of frames by the signs of valence and arousal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quadrants {
    /// The head.
    pub head: String,
    /// Valence and arousal of at least 0.
    pub pleasant_active: f64,
    /// Valence below 0, arousal of at least 0.
    pub unpleasant_active: f64,
    /// Both below 0.
    pub unpleasant_calm: f64,
    /// Valence of at least 0, arousal below.
    pub pleasant_calm: f64,
}

/// The group of action units among the quantities, behind those of the heads.
const UNITS: usize = usize::MAX;

impl Summary {
    /// Nobody yet.
    pub fn new(facts: &Facts) -> Self {
        let heads = facts.heads.iter().zip(&facts.kinds);
        let heads = heads.map(|((name, outputs), kinds)| (name.clone(), outputs.clone(), kinds.is_empty())).collect();
        let names = Names { heads, has_units: facts.has_units };
        Self {
            names,
            persons: BTreeMap::new(),
            is_stills: facts.is_stills,
            frames: 0,
            unusable: 0,
            frames_with_faces: 0,
        }
    }

    /// Adds a frame.
    pub fn add(&mut self, record: &FrameRecord) {
        if record.error.is_some() {
            self.unusable += 1;
            return;
        }
        self.frames += 1;
        self.frames_with_faces += u64::from(!record.faces.is_empty());
        for face in &record.faces {
            let new = || Person { first: record.time, ..Person::default() };
            let key = if self.is_stills { 0 } else { face.track };
            let person = self.persons.entry(key).or_insert_with(new);
            if person.last_at + 1 != self.frames {
                // The person was out of sight: nothing lasted over that.
                person.quantities.values_mut().for_each(|q| q.current = None);
            }
            person.last_at = self.frames;
            person.add(face, record.time, &self.names);
        }
    }

    /// The persons, in the order of their numbers; of stills all faces as one.
    pub fn tracks(&self) -> Vec<TrackSummary> {
        let mut tracks: Vec<TrackSummary> =
            self.persons.iter().map(|(&track, person)| person.summary(track, &self.names)).collect();
        if self.is_stills {
            for all in &mut tracks {
                (all.track, all.first, all.last) = (None, None, None);
                all.quantities.iter_mut().for_each(|q| q.longest = None);
            }
        }
        tracks
    }

    /// `20 looked at, 18 with a face, 1 unusable; 2 persons`.
    pub fn counts(&self) -> String {
        let unusable = if self.unusable > 0 { format!(", {} unusable", self.unusable) } else { String::new() };
        let Self { frames, frames_with_faces, .. } = self;
        format!("{frames} looked at, {frames_with_faces} with a face{unusable}; {}", self.count())
    }

    /// `3 persons`, or `12 faces` of stills.
    fn count(&self) -> String {
        let (n, one) = match self.is_stills {
            true => (self.persons.values().map(|p| p.frames).sum(), "face"),
            false => (self.persons.len() as u64, "person"),
        };
        format!("{n} {one}{}", if n == 1 { "" } else { "s" })
    }
}

impl Person {
    fn add(&mut self, face: &FaceRecord, time: f64, names: &Names) {
        self.frames += 1;
        self.last = time;
        for (h, ((_, outputs, is_class), values)) in names.heads.iter().zip(&face.heads).enumerate() {
            if values.is_empty() {
                continue;
            }
            let dominant = is_class.then(|| first_largest(values));
            for (o, &value) in values.iter().enumerate() {
                self.quantities.entry((h, o)).or_default().add(value, time, dominant.map(|d| d == o));
            }
            if let Some([valence, arousal]) = valence_arousal(outputs, values) {
                let quadrant = match (valence >= 0.0, arousal >= 0.0) {
                    (true, true) => 0,
                    (false, true) => 1,
                    (false, false) => 2,
                    (true, false) => 3,
                };
                self.quadrants.entry(h).or_default()[quadrant] += 1;
            }
        }
        let Some(units) = &face.units else { return };
        for (i, &value) in units.intensities.iter().enumerate() {
            self.quantities.entry((UNITS, i)).or_default().add(f64::from(value), time, None);
        }
        for (i, &present) in units.presences.iter().enumerate() {
            let quantity = self.quantities.entry((UNITS, INTENSITIES.len() + i)).or_default();
            quantity.add(f64::from(u8::from(present)), time, Some(present));
        }
    }

    fn summary(&self, track: usize, names: &Names) -> TrackSummary {
        let name = |&(h, o): &(usize, usize)| match h {
            UNITS if o < INTENSITIES.len() => format!("AU{:02}_r", INTENSITIES[o]),
            UNITS => format!("AU{:02}_c", PRESENCES[o - INTENSITIES.len()]),
            _ => format!("{}.{}", names.heads[h].0, names.heads[h].1[o]),
        };
        let quadrants = self.quadrants.iter().map(|(&h, counts)| {
            let share = |i: usize| counts[i] as f64 / counts.iter().sum::<u64>() as f64;
            Quadrants {
                head: names.heads[h].0.clone(),
                pleasant_active: share(0),
                unpleasant_active: share(1),
                unpleasant_calm: share(2),
                pleasant_calm: share(3),
            }
        });
        debug_assert!(names.has_units || !self.quantities.keys().any(|(h, _)| *h == UNITS));
        TrackSummary {
            track: Some(track),
            frames: self.frames,
            first: Some(self.first),
            last: Some(self.last),
            quantities: self.quantities.iter().map(|(key, q)| q.summary(name(key))).collect(),
            quadrants: quadrants.collect(),
        }
    }
}

impl Quantity {
    fn add(&mut self, value: f64, time: f64, on: Option<bool>) {
        if self.count == 0 {
            (self.min, self.max) = (value, value);
        }
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let Some(on) = on else { return };
        self.counts_on = true;
        self.on += u64::from(on);
        self.current = on.then(|| (self.current.map_or(time, |(from, _)| from), time));
        if let Some((from, to)) = self.current
            && self.longest.is_none_or(|e| to - from > e.to - e.from)
        {
            self.longest = Some(Episode { from, to });
        }
    }

    fn summary(&self, name: String) -> QuantitySummary {
        let n = self.count as f64;
        let mean = self.sum / n;
        let variance = (self.squares - n * mean * mean).max(0.0) / (n - 1.0);
        QuantitySummary {
            name,
            mean: Some(mean),
            sd: (self.count > 1).then(|| variance.sqrt()),
            min: Some(self.min),
            max: Some(self.max),
            share: self.counts_on.then(|| self.on as f64 / n),
            longest: self.longest,
        }
    }
}
