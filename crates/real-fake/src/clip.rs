//! Clips of faces, as features over time.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The classes, in the order of every file: a positive score says `real`.
pub const CLASSES: [&str; 2] = ["fake", "real"];

/// Which part of a dataset's own division a clip belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Trained on.
    Training,
    /// Labelled, and used to compare methods.
    Validation,
    /// Not labelled, or not to be looked at before the end.
    Test,
}

/// Measurements over a clip, frame by frame in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Seconds of each frame from the clip's beginning.
    pub times: Vec<f64>,
    /// `[frames, columns]`; finite.
    pub values: Vec<f32>,
}

impl Series {
    /// Number of frames.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.values.len() / self.len().max(1)
    }

    /// One column over time.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f32> + '_ {
        self.values.iter().skip(column).step_by(self.columns().max(1)).copied()
    }
}

/// One clip with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Its name in the dataset; no other clip of the set has it.
    pub name: String,
    /// Who is seen, where the dataset says it.
    pub subject: Option<String>,
    /// Place of the shown emotion in [`ClipSet::emotions`], where the dataset says it.
    pub emotion: Option<usize>,
    /// Whether the expression is genuine; `None` where the truth is not public.
    pub real: Option<bool>,
    /// The part of the dataset's own division.
    pub part: Part,
    /// Length of the whole clip. No method may look at it but the one that is named after it.
    pub seconds: f64,
    /// Intensities of [`ClipSet::units`], where the source has them.
    pub units: Option<Series>,
    /// 68 points, x and y in turn, where the source has them: 136 columns, in pixels of the frame.
    pub landmarks: Option<Series>,
    /// A published descriptor of the whole clip.
    pub descriptor: Option<Vec<f32>>,
    /// The video file, where there is one.
    pub video: Option<PathBuf>,
}

impl Clip {
    /// Place of its class in [`CLASSES`], where the truth is known.
    pub fn class(&self) -> Option<usize> {
        self.real.map(usize::from)
    }
}

/// The clips of a dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipSet {
    /// Names of the emotions that clips show; empty where the dataset does not tell them apart.
    pub emotions: Vec<String>,
    /// Names of the action units: the columns of every clip's [`Clip::units`].
    pub units: Vec<String>,
    /// Frames per second of the series; `None` where each clip has its own.
    pub rate: Option<f64>,
    /// In the order of their names.
    pub clips: Vec<Clip>,
    /// What was left out, cleaned or found strange on reading, one sentence each, for the report.
    pub notes: Vec<String>,
    /// Whether the clips are synthetic.
    pub synthetic: bool,
}

impl ClipSet {
    /// Takes these action units in this order, and drops others.
    ///
    /// # Errors
    /// When one is missing; it is named.
    pub fn take_units(&mut self, names: &[String]) -> Result<()> {
        if self.units == names {
            return Ok(());
        }
        let place = |name: &String| {
            self.units
                .iter()
                .position(|u| u == name)
                .with_context(|| format!("the action unit {name} is missing: the clips have {}", self.units.join(" ")))
        };
        let places: Vec<usize> = names.iter().map(place).collect::<Result<_>>()?;
        let width = self.units.len();
        for series in self.clips.iter_mut().filter_map(|c| c.units.as_mut()) {
            let rows = series.values.chunks_exact(width.max(1));
            series.values = rows.flat_map(|row| places.iter().map(|&p| row[p])).collect();
        }
        self.units = names.to_vec();
        Ok(())
    }

    /// Numbers the emotions as another set does.
    ///
    /// # Errors
    /// When a clip shows an emotion that the other does not know.
    pub fn name_emotions(&mut self, names: &[String]) -> Result<()> {
        for clip in &mut self.clips {
            let Some(emotion) = clip.emotion else { continue };
            let name = &self.emotions[emotion];
            let place = names.iter().position(|n| n == name);
            clip.emotion = Some(place.with_context(|| {
                format!("clip {} shows {name}; the method was fitted on {}", clip.name, names.join(", "))
            })?);
        }
        self.emotions = names.to_vec();
        Ok(())
    }
}
