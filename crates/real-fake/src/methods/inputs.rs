//! What methods take from clips, with words for what is missing.

use anyhow::{Context, Result, bail, ensure};
use ferrotype_classic::matrix::Matrix;

use crate::clip::{CLASSES, Clip, ClipSet};

/// The truth of training clips: all known, and of both classes.
pub(super) fn truths(set: &ClipSet, clips: &[usize]) -> Result<Vec<bool>> {
    let known = |&i: &usize| {
        let clip = &set.clips[i];
        clip.real.with_context(|| format!("clip {} is to be trained on, and nobody says whether it is real", clip.name))
    };
    let truths = clips.iter().map(known).collect::<Result<Vec<_>>>()?;
    let real = truths.iter().filter(|&&real| real).count();
    ensure!(
        real > 0 && real < truths.len(),
        "all {} training clips are {}: a method needs clips of both classes to learn from",
        truths.len(),
        CLASSES[usize::from(real > 0)]
    );
    Ok(truths)
}

/// One row per clip.
pub(super) fn rows(set: &ClipSet, clips: &[usize], of: impl Fn(&Clip) -> Result<Vec<f64>>) -> Result<Matrix> {
    let row = |&i: &usize| of(&set.clips[i]).with_context(|| format!("clip {}", set.clips[i].name));
    Matrix::from_rows(&clips.iter().map(row).collect::<Result<Vec<_>>>()?)
}

/// What mends clips without action units.
const TAKE_UNITS: &str =
    "this method works on them: take a source with tables of action units (py-feat, OpenFace, LibreFace)";

/// Refuses a set without action units.
pub(super) fn has_units(set: &ClipSet) -> Result<()> {
    ensure!(!set.units.is_empty(), "the clips have no action units, and {TAKE_UNITS}");
    Ok(())
}

/// The series of the action units of a clip, one after another.
pub(super) fn units(clip: &Clip) -> Result<Vec<Vec<f64>>> {
    let series = clip.units.as_ref().filter(|series| !series.is_empty());
    let series = series.with_context(|| format!("it has no action units, and {TAKE_UNITS}"))?;
    Ok((0..series.columns()).map(|column| series.column(column).map(f64::from).collect()).collect())
}

/// Refuses clips with other action units than a method was fitted on.
pub(super) fn same_units(fitted: &[String], set: &ClipSet) -> Result<()> {
    ensure!(
        fitted == set.units,
        "the method was fitted on the action units {}, and these clips have {}",
        fitted.join(" "),
        set.units.join(" ")
    );
    Ok(())
}

/// Refuses clips whose emotions are counted otherwise than those a method was fitted on.
pub(super) fn same_emotions(fitted: &[String], set: &ClipSet) -> Result<()> {
    ensure!(
        fitted == set.emotions,
        "the method was fitted on the emotions {}, and these clips have {}",
        shown(fitted),
        shown(&set.emotions)
    );
    Ok(())
}

fn shown(emotions: &[String]) -> String {
    if emotions.is_empty() { "of no names".into() } else { emotions.join(", ") }
}

/// The place of a clip's emotion.
pub(super) fn emotion(clip: &Clip) -> Result<usize> {
    let Some(emotion) = clip.emotion else {
        bail!("nobody says which emotion it shows, and this method has one model for each");
    };
    Ok(emotion)
}

/// Says that a number must be above 0, where it is not.
pub(super) fn above_zero(key: &str, value: f64) -> Option<(String, String)> {
    (!(value.is_finite() && value > 0.0)).then(|| (key.to_owned(), format!("is {value}, but must be above 0")))
}

/// Clips of drawn movements, for the tests of methods.
#[cfg(test)]
pub(super) mod drawn {
    use crate::clip::{Clip, ClipSet, Part, Series};
    use ferrotype_base::random::{Purpose, Stream};

    pub const UNITS: [&str; 7] = ["AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25"];

    /// Real clips rise faster and higher in AU06 by `strength`; two of each subject and emotion, real and fake.
    pub fn clips(subjects: usize, strength: f64, seed: u64) -> ClipSet {
        let emotions = ["happiness", "sadness"];
        let mut set = ClipSet {
            emotions: emotions.map(String::from).to_vec(),
            units: UNITS.map(String::from).to_vec(),
            rate: Some(25.0),
            synthetic: true,
            ..ClipSet::default()
        };
        for subject in 0..subjects {
            for emotion in 0..2 {
                for real in [false, true] {
                    let index = ((subject * 2 + emotion) * 2 + usize::from(real)) as u64;
                    set.clips.push(clip(
                        subject,
                        emotion,
                        real,
                        strength,
                        &mut Stream::of(seed, Purpose::Synthesis, &[index]),
                    ));
                }
            }
        }
        set
    }

    fn clip(subject: usize, emotion: usize, real: bool, strength: f64, draw: &mut Stream) -> Clip {
        let frames = 60 + draw.below(40);
        let level = (subject as f64).sin();
        let mut values = Vec::new();
        for frame in 0..frames {
            let time = frame as f64 / frames as f64;
            for (unit, name) in UNITS.iter().enumerate() {
                let more = if real && *name == "AU06" { strength } else { 0.0 };
                let rise = 1.0 / (1.0 + (-(8.0 + 8.0 * more) * (time - 0.4)).exp());
                let value = level + 0.1 * unit as f64 + (1.0 + more) * rise + 0.15 * draw.normal();
                values.push(value as f32);
            }
        }
        Clip {
            name: format!("{subject}/{emotion}{}", if real { "real" } else { "fake" }),
            subject: Some(subject.to_string()),
            emotion: Some(emotion),
            real: Some(real),
            part: Part::Training,
            seconds: frames as f64 / 25.0,
            units: Some(Series { times: (0..frames).map(|f| f as f64 / 25.0).collect(), values }),
            landmarks: None,
            descriptor: None,
            video: None,
        }
    }

    /// Share of clips whose score has the right sign.
    pub fn accuracy(set: &ClipSet, clips: &[usize], scores: &[f64]) -> f64 {
        let right = clips.iter().zip(scores).filter(|&(&i, &score)| set.clips[i].real == Some(score > 0.0)).count();
        right as f64 / clips.len() as f64
    }
}
