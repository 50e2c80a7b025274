//! The `data:` section: clips from their source, at one rate.

use anyhow::{Context, Result, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clip::{Clip, ClipSet, Series};
use super::resample::resampled;
use super::sources::{self, RealFakeSource};
use super::split::RealFakeSplit;

/// The clips and their division.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealFakeData {
    /// Where the clips come from.
    pub source: RealFakeSource,
    /// Frames per second that all series are brought to, linearly by time; as measured, where none is given.
    #[serde(default)]
    pub rate: Option<f64>,
    /// Seconds: frames without a face are filled in by straight lines where no more time than this lies between the
    /// measured ones beside them; otherwise they are left out.
    #[serde(default = "max_gap")]
    pub max_gap: f64,
    /// Which clips are trained on and which are tested on.
    #[serde(default)]
    pub split: RealFakeSplit,
    /// The fold that is tested, counted from 0, for divisions that make folds.
    #[serde(default)]
    pub fold: usize,
    /// The part of the training clips that selects the weights of networks; whole subjects, where these are known.
    /// Methods without networks train on all of them.
    #[serde(default = "validation")]
    pub validation: f64,
}

fn max_gap() -> f64 {
    0.25
}

fn validation() -> f64 {
    0.15
}

/// The clips that a data section describes, in the order of their names.
///
/// # Errors
/// When the source cannot be read, or has no clips or impossible values; the clip is named.
pub fn obtain(data: &RealFakeData) -> Result<ClipSet> {
    let mut set = sources::read(&data.source, data.max_gap)?;
    set.clips.sort_by(|a, b| a.name.cmp(&b.name));
    check(&set).with_context(|| format!("the clips of {} cannot be used", sources::describe(&data.source)))?;
    if let Some(rate) = data.rate {
        at_rate(&mut set, rate, data.max_gap);
        check(&set).with_context(|| format!("at {rate} frames per second"))?;
    }
    Ok(set)
}

/// Brings all series to a rate.
pub fn at_rate(set: &mut ClipSet, rate: f64, max_gap: f64) {
    let mut lost = 0;
    for clip in &mut set.clips {
        for series in [&mut clip.units, &mut clip.landmarks].into_iter().flatten() {
            // A clip summed up in one row has no rate.
            if series.len() > 1 {
                let (values, left_out) = resampled(series, rate, max_gap);
                (*series, lost) = (values, lost + left_out);
            }
        }
    }
    set.rate = Some(rate);
    if lost > 0 {
        set.notes.push(format!(
            "resampled to {rate} frames per second: {lost} frames of series were left out where the nearest measured ones \
             lie more than {max_gap} s apart"
        ));
    }
}

/// Whether sizes fit, names differ, and every value is a finite number.
///
/// # Errors
/// When they do not; the clip is named.
pub fn check(set: &ClipSet) -> Result<()> {
    ensure!(!set.clips.is_empty(), "there are no clips");
    for pair in set.clips.windows(2) {
        ensure!(pair[0].name != pair[1].name, "two clips have the name {}", pair[0].name);
    }
    for clip in &set.clips {
        check_clip(set, clip).with_context(|| format!("clip {}", clip.name))?;
    }
    let descriptor = |clip: &Clip| clip.descriptor.as_ref().map(Vec::len);
    let first = descriptor(&set.clips[0]);
    if let Some(odd) = set.clips.iter().find(|c| descriptor(c) != first) {
        bail!(
            "clip {} has a descriptor of {} values, and clip {} one of {}",
            odd.name,
            descriptor(odd).unwrap_or_default(),
            set.clips[0].name,
            first.unwrap_or_default()
        );
    }
    Ok(())
}

fn check_clip(set: &ClipSet, clip: &Clip) -> Result<()> {
    ensure!(clip.seconds.is_finite() && clip.seconds >= 0.0, "its length is {} s", clip.seconds);
    ensure!(clip.emotion.is_none_or(|e| e < set.emotions.len()), "its emotion has no name");
    if let Some(units) = &clip.units {
        check_series(units, set.units.len()).context("action units")?;
    }
    if let Some(landmarks) = &clip.landmarks {
        check_series(landmarks, 136).context("landmarks")?;
    }
    if let Some(i) = clip.descriptor.iter().flatten().position(|v| !v.is_finite()) {
        bail!("value {i} of its descriptor is not a finite number");
    }
    Ok(())
}

fn check_series(series: &Series, columns: usize) -> Result<()> {
    ensure!(!series.is_empty(), "there are no frames");
    ensure!(
        series.values.len() == series.len() * columns,
        "{} frames of {columns} columns have {} values",
        series.len(),
        series.values.len()
    );
    ensure!(series.times.windows(2).all(|w| w[0] < w[1]), "the frames are not in order of time");
    ensure!(series.times.iter().all(|t| t.is_finite()), "a frame's time is not a finite number");
    if let Some(i) = series.values.iter().position(|v| !v.is_finite()) {
        bail!("column {} of frame {} is {}, not a number", i % columns, i / columns, series.values[i]);
    }
    Ok(())
}

/// sha256 of names, labels and values of all clips.
pub fn digest(set: &ClipSet) -> String {
    let mut hash = Sha256::new();
    for name in set.emotions.iter().chain(&set.units) {
        hash.update(name);
        hash.update([0]);
    }
    for clip in &set.clips {
        hash.update(format!("{}\0{:?}\0{:?}\0", clip.name, clip.subject, (clip.emotion, clip.real, clip.part)));
        hash.update(clip.seconds.to_le_bytes());
        for series in [&clip.units, &clip.landmarks].into_iter().flatten() {
            series.times.iter().for_each(|t| hash.update(t.to_le_bytes()));
            series.values.iter().for_each(|v| hash.update(v.to_le_bytes()));
        }
        clip.descriptor.iter().flatten().for_each(|v| hash.update(v.to_le_bytes()));
    }
    ferrotype_base::digest::hex(&hash.finalize())
}
