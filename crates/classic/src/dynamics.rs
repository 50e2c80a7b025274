//! How action units move over a clip: the descriptor of NIT-OVGU's winning entry to the ICCV 2017 challenge on real and fake
//! emotions (fsaxen/NIT-ICCV17Challenge, `DescriptorExtraction18.m`).
//!
//! Each action unit's series is smoothed (low-pass forwards and backwards), its differences are smoothed again, and theirs
//! again: value, speed and acceleration, all per sample. On each of the three stand the 17 [`statistics`], then the squares
//! of eleven of the first series': 62 numbers per action unit. Seven action units and a code of six emotions make 440.
//!
//! Conventions are MATLAB's: see [`statistics`] and [`Edges`]. Two deviations where the original divides 0 by 0 or stops: a
//! series that is constant (its greatest and least value being equal, or closer than [`STILL`] of the raw series' largest
//! magnitude, which is rounding of the filter) has normalised area 0 and time difference 0.
//!
//! # Clip length
//! Six of the 17 carry the length of the clip: the time of the maximum, the crossings, both areas (sums over samples) and
//! the time from the first crossing to the maximum. Where classes differ in length they give it away, so [`Length::Free`]
//! measures times in lengths of the clip, areas as means over samples, and leaves the crossings out (their number per second
//! would carry the length again where it is always 1): 56 numbers per action unit. What remains is that extremes of a longer
//! series are wider.

pub mod statistics;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::filter::{Edges, LowPass};
use statistics::{NAMES, Statistics};

/// A range below this share of the raw series' largest magnitude is rounding.
pub const STILL: f64 = 1e-12;

/// What may be seen of a clip's length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// Nothing: times and areas relative to the length, no crossings.
    #[default]
    Free,
    /// As published: times in seconds, areas as sums, numbers of crossings.
    Published,
}

/// How series become descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dynamics {
    /// Samples per second of the series.
    pub rate: f64,
    /// Cutoff of the low-pass in Hz; none leaves the series as they are.
    pub cutoff: Option<f64>,
    /// Extension of the series at its ends before it is filtered.
    pub edges: Edges,
    /// What may be seen of the clip's length.
    pub length: Length,
}

impl Dynamics {
    /// The published setting: 100 samples per second, cutoff 1 Hz, MATLAB's edges, everything that depends on the length.
    pub fn published() -> Self {
        Self { rate: 100.0, cutoff: Some(1.0), edges: Edges::Matlab, length: Length::Published }
    }

    /// Numbers per action unit: 62, or 56 where the length is not to be seen.
    pub fn per_unit(&self) -> usize {
        let kept = self.kept().count();
        3 * kept + SQUARED.len()
    }

    /// Shortest series, in samples, that can be described.
    pub fn shortest(&self) -> usize {
        // The second differences are filtered too, or need two values for a deviation.
        2 + self.cutoff.map_or(2, |_| self.edges.samples() + 1)
    }

    /// The descriptor of the series of a clip, one per action unit, all of one length: [`Self::per_unit`] numbers for each,
    /// in the order given.
    ///
    /// # Errors
    /// When there are no series, they differ in length, are shorter than [`Self::shortest`] or not finite, or the cutoff does
    /// not suit the rate.
    pub fn describe<S: AsRef<[f64]>>(&self, series: &[S]) -> Result<Vec<f64>> {
        ensure!(!series.is_empty(), "there are no series of action units to describe");
        let filter = self.cutoff.map(|cutoff| LowPass::new(cutoff, self.rate)).transpose()?;
        ensure!(self.rate.is_finite() && self.rate > 0.0, "a series cannot have {} samples per second", self.rate);
        let length = series[0].as_ref().len();
        let mut descriptor = Vec::with_capacity(series.len() * self.per_unit());
        for (at, one) in series.iter().enumerate() {
            let one = one.as_ref();
            ensure!(one.len() == length, "series {} has {} samples and the first {length}", at + 1, one.len());
            ensure!(
                length >= self.shortest(),
                "a clip of {length} samples is too short to be described: it needs at least {}",
                self.shortest()
            );
            self.describe_one(one, filter, &mut descriptor).with_context(|| format!("series {}", at + 1))?;
        }
        Ok(descriptor)
    }

    fn describe_one(&self, raw: &[f64], filter: Option<LowPass>, into: &mut Vec<f64>) -> Result<()> {
        let smooth = |series: Vec<f64>| match filter {
            Some(filter) => filter.filtfilt(&series, self.edges),
            None => Ok(series),
        };
        let differences = |series: &[f64]| series.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let value = smooth(raw.to_vec())?;
        let speed = smooth(differences(&value))?;
        let acceleration = smooth(differences(&speed))?;
        let still = STILL * raw.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let all = [value, speed, acceleration].map(|series| Statistics::of(&series, self.rate, still));
        for statistics in &all {
            let values = self.seen(statistics);
            into.extend(self.kept().map(|k| values[k]));
        }
        let first = self.seen(&all[0]);
        into.extend(SQUARED.map(|k| first[k] * first[k]));
        Ok(())
    }

    /// The statistics, relative to the clip's length where that is not to be seen.
    fn seen(&self, statistics: &Statistics) -> [f64; 17] {
        match self.length {
            Length::Published => statistics.values,
            Length::Free => statistics.free_of_length(),
        }
    }

    /// Which of the 17 are there.
    fn kept(&self) -> impl Iterator<Item = usize> + use<> {
        let free = self.length == Length::Free;
        (0..NAMES.len()).filter(move |k| !(free && statistics::COUNTS.contains(k)))
    }

    /// A name for each number of [`Self::describe`], such as `AU12.speed.iqr` and `AU12.value.mean^2`.
    pub fn names<S: AsRef<str>>(&self, units: &[S]) -> Vec<String> {
        let mut names = Vec::with_capacity(units.len() * self.per_unit());
        for unit in units {
            let unit = unit.as_ref();
            for series in ["value", "speed", "acceleration"] {
                names.extend(self.kept().map(|k| format!("{unit}.{series}.{}", NAMES[k])));
            }
            names.extend(SQUARED.map(|k| format!("{unit}.value.{}^2", NAMES[k])));
        }
        names
    }
}

/// The statistics of the value that are squared: items 1 to 9, 15 and 16.
const SQUARED: [usize; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 14, 15];

/// A one-hot code, to be appended to a descriptor: `code` of `codes`, from 0.
///
/// # Errors
/// When there is no such code.
pub fn one_hot(code: usize, codes: usize) -> Result<Vec<f64>> {
    ensure!(code < codes, "code {code} of {codes} codes, which are counted from 0");
    Ok((0..codes).map(|k| f64::from(u8::from(k == code))).collect())
}
