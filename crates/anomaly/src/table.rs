//! The features of one person, frame by frame.

use anyhow::{Result, bail, ensure};

use ferrotype_data::Images;
use ferrotype_vision::video::Sampler;

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// One value of an identity embedding.
    Embedding,
    /// One value of a reduced embedding.
    Component,
    /// The probability of an emotion.
    Emotion,
    /// Anything else: an action unit, a distance of landmarks.
    Feature,
}

/// The emotions that a column's name is recognised by: FER2013's and FER+'s words, and those of the original.
const EMOTIONS: [&str; 14] = [
    "angry",
    "anger",
    "disgust",
    "fear",
    "happy",
    "happiness",
    "sad",
    "sadness",
    "surprise",
    "surprised",
    "neutral",
    "contempt",
    "disgusted",
    "fearful",
];

impl ColumnKind {
    /// The kind of a column of this name.
    pub fn of(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let numbered = |prefix: &str| {
            lower.strip_prefix(prefix).is_some_and(|rest| {
                let digits = rest.trim_start_matches(['_', ' ']);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            })
        };
        if EMOTIONS.contains(&lower.as_str()) {
            Self::Emotion
        } else if numbered("comp") {
            Self::Component
        } else if numbered("raw_embedding") || numbered("embedding") || numbered("emb") {
            Self::Embedding
        } else {
            Self::Feature
        }
    }
}

/// A column's name and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ColumnKind,
}

/// The features of one person, frame by frame, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureTable {
    /// Number of each frame in its video.
    pub frames: Vec<u64>,
    /// Seconds of each frame.
    pub times: Vec<f64>,
    /// The columns.
    pub columns: Vec<Column>,
    /// `[frames, columns]`.
    pub values: Vec<f32>,
    /// Where the source says it: what is wrong with each frame; empty words for nothing.
    pub truth: Option<Vec<String>>,
    /// Where the source has them: the aligned face of each frame.
    pub faces: Option<Images>,
    /// Whether the person is synthetic.
    pub synthetic: bool,
    /// Rows of the source that were left out because the tracker had lost the face.
    pub lost: usize,
}

impl FeatureTable {
    /// Number of frames.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Checks sizes, order and values.
    ///
    /// # Errors
    /// When one of them is impossible; the frame is named.
    pub fn check(&self) -> Result<()> {
        let n = self.len();
        ensure!(n > 0, "the table has no frames: in none of them was a face found, or the file holds only a header");
        ensure!(!self.columns.is_empty(), "the table has no columns of features");
        ensure!(
            self.times.len() == n && self.values.len() == n * self.columns.len(),
            "a table of {n} frames and {} columns has {} times and {} values",
            self.columns.len(),
            self.times.len(),
            self.values.len()
        );
        if let Some(i) = self.times.iter().position(|t| !t.is_finite() || *t < 0.0) {
            bail!("the time of frame {} is {}: times are seconds from the beginning", self.frames[i], self.times[i]);
        }
        if let Some(i) = (1..n).find(|&i| self.times[i] <= self.times[i - 1]) {
            bail!(
                "frame {} ({} s) does not come after frame {} ({} s): a table holds one person in order of time",
                self.frames[i],
                self.times[i],
                self.frames[i - 1],
                self.times[i - 1]
            );
        }
        if let Some(i) = self.values.iter().position(|v| !v.is_finite()) {
            let (row, column) = (i / self.columns.len(), i % self.columns.len());
            bail!(
                "column `{}` of frame {} is {}, not a number",
                self.columns[column].name,
                self.frames[row],
                self.values[i]
            );
        }
        Ok(())
    }

    /// Values of the columns at these places, `[frames, places]`.
    pub fn select(&self, places: &[usize]) -> Vec<f32> {
        let rows = self.values.chunks_exact(self.columns.len().max(1));
        rows.flat_map(|row| places.iter().map(|&p| row[p])).collect()
    }

    /// Places of the columns of a kind.
    pub fn places(&self, kind: ColumnKind) -> Vec<usize> {
        (0..self.columns.len()).filter(|&i| self.columns[i].kind == kind).collect()
    }

    /// At most so many frames per second, chosen by time.
    pub fn at_rate(self, rate: f64) -> Self {
        let mut sampler = Sampler::new(Some(rate));
        let kept: Vec<usize> = (0..self.len()).filter(|&i| sampler.takes(self.times[i])).collect();
        self.rows(&kept)
    }

    /// These frames.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let width = self.columns.len();
        let faces = self.faces.as_ref().map(|faces| Images {
            pixels: rows.iter().flat_map(|&r| faces.get(r)).copied().collect(),
            ..Images { pixels: Vec::new(), ..*faces }
        });
        Self {
            frames: rows.iter().map(|&r| self.frames[r]).collect(),
            times: rows.iter().map(|&r| self.times[r]).collect(),
            columns: self.columns.clone(),
            values: rows.iter().flat_map(|&r| &self.values[r * width..(r + 1) * width]).copied().collect(),
            truth: self.truth.as_ref().map(|t| rows.iter().map(|&r| t[r].clone()).collect()),
            faces,
            synthetic: self.synthetic,
            lost: self.lost,
        }
    }
}

/// `HH:MM:SS.mmm` of seconds.
pub fn timecode(seconds: f64) -> String {
    let ms = (seconds * 1000.0).round().max(0.0) as u64;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn table(times: &[f64]) -> FeatureTable {
        FeatureTable {
            frames: (0..times.len() as u64).collect(),
            times: times.to_vec(),
            columns: vec![Column { name: "AU01".into(), kind: ColumnKind::Feature }],
            values: (0..times.len()).map(|i| i as f32).collect(),
            ..FeatureTable::default()
        }
    }

    #[test]
    fn columns_are_known_by_their_names() {
        for (name, kind) in [
            ("happy", ColumnKind::Emotion),
            ("Neutral", ColumnKind::Emotion),
            ("Comp 3", ColumnKind::Component),
            ("Raw_Embedding_511", ColumnKind::Embedding),
            ("embedding7", ColumnKind::Embedding),
            ("AU12", ColumnKind::Feature),
            ("component", ColumnKind::Feature),
            ("compass", ColumnKind::Feature),
        ] {
            assert_eq!(ColumnKind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn frames_are_chosen_by_time() {
        // 25 frames per second with a gap of a second in the middle.
        let times: Vec<f64> = (0..25).chain(50..75).map(|i| f64::from(i) / 25.0).collect();
        let kept = table(&times).at_rate(5.0);
        assert_eq!(kept.times[..5], [0.0, 0.2, 0.4, 0.6, 0.8]);
        assert!(kept.times.windows(2).all(|w| w[1] > w[0]));
        assert_eq!(kept.len(), 10);
        let all = table(&times).at_rate(100.0);
        assert_eq!(all.times, times);
        assert_eq!(table(&[0.5]).at_rate(10.0).len(), 1);
    }

    #[test]
    fn impossible_tables_are_refused() {
        let says = |t: FeatureTable, word: &str| {
            let message = t.check().unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        says(table(&[]), "no frames");
        says(table(&[0.0, 0.0]), "does not come after");
        says(table(&[0.0, f64::NAN]), "seconds from the beginning");
        let mut bad = table(&[0.0, 1.0]);
        bad.values[1] = f32::INFINITY;
        says(bad, "column `AU01` of frame 1");
    }

    #[test]
    fn timecodes_read_as_the_original_writes_them() {
        assert_eq!(timecode(0.0), "00:00:00.000");
        assert_eq!(timecode(3661.0625), "01:01:01.063");
    }
}
