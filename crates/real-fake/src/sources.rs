//! Where clips come from: one file per source.

pub mod au_tables;
pub mod descriptors;
pub mod generated;
pub mod sase_fe;
pub mod summary_table;

use std::path::Path;

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::au_tables::AuTablesOptions;
use self::descriptors::DescriptorsOptions;
use self::generated::GeneratedClipsOptions;
use self::sase_fe::SaseFeOptions;
use self::summary_table::SummaryTableOptions;
use super::clip::{ClipSet, Part};

/// Where clips come from. A new source is one file here, one variant, and a line in [`read`], [`describe`] and
/// [`RealFakeSource::problems`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RealFakeSource {
    /// A folder of tables of action units, frame by frame: py-feat's, OpenFace 2.2's or LibreFace's.
    AuTables(AuTablesOptions),
    /// Tables with one row of means per clip, such as the smile set's summaries.
    SummaryTable(SummaryTableOptions),
    /// Published descriptors of whole clips, as a folder or zip archive of `.npy` files.
    Descriptors(DescriptorsOptions),
    /// SASE-FE's clips with tables of action units.
    SaseFe(SaseFeOptions),
    /// Synthetic clips: genuine expressions against posed ones, with differences of a given strength.
    Generated(GeneratedClipsOptions),
}

impl RealFakeSource {
    /// Another place of the same kind of clips.
    ///
    /// # Errors
    /// When the source has no place.
    pub fn set_path(&mut self, path: &Path) -> Result<()> {
        match self {
            Self::AuTables(o) => (o.root, o.labels) = (path.to_owned(), None),
            Self::SummaryTable(o) => (o.training, o.validation) = (path.to_owned(), None),
            Self::Descriptors(o) => *o = descriptors::at(path),
            Self::SaseFe(o) => (o.root, o.tables, o.labels) = (path.to_owned(), None, None),
            Self::Generated(_) => bail!(
                "the clips of this run are synthetic and lie nowhere; train on a folder, or change the experiment's options"
            ),
        }
        Ok(())
    }

    /// The options that are impossible: key below the source, and what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let (name, found) = match self {
            Self::AuTables(o) => ("au_tables", o.problems()),
            Self::SummaryTable(o) => ("summary_table", o.problems()),
            Self::Descriptors(o) => ("descriptors", o.problems()),
            Self::SaseFe(o) => ("sase_fe", o.problems()),
            Self::Generated(o) => ("generated", o.problems()),
        };
        found.into_iter().map(|(key, text)| (format!("{name}.{key}"), text)).collect()
    }
}

/// Reads the clips of a source. Frames without a face are filled in over at most `max_gap` seconds.
///
/// # Errors
/// When the source cannot be read or is damaged.
pub fn read(source: &RealFakeSource, max_gap: f64) -> Result<ClipSet> {
    match source {
        RealFakeSource::AuTables(o) => au_tables::read(o, max_gap),
        RealFakeSource::SummaryTable(o) => summary_table::read(o),
        RealFakeSource::Descriptors(o) => descriptors::read(o),
        RealFakeSource::SaseFe(o) => sase_fe::read(o, max_gap),
        RealFakeSource::Generated(o) => Ok(generated::generate(o)),
    }
}

/// The source in a few words.
pub fn describe(source: &RealFakeSource) -> String {
    match source {
        RealFakeSource::AuTables(o) => o.root.display().to_string(),
        RealFakeSource::SummaryTable(o) => o.training.display().to_string(),
        RealFakeSource::Descriptors(o) => o.path.display().to_string(),
        RealFakeSource::SaseFe(o) => o.root.display().to_string(),
        RealFakeSource::Generated(o) => {
            format!("synthetic clips of {} subjects (strength {}, seed {})", o.subjects, o.strength, o.seed)
        }
    }
}

/// What a word says of the truth.
pub(super) fn truth_word(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "real" | "true" | "genuine" | "felt" | "spontaneous" | "1" => Some(true),
        "fake" | "false" | "posed" | "acted" | "deceptive" | "0" => Some(false),
        _ => None,
    }
}

/// What a word says of the part.
pub(super) fn part_word(word: &str) -> Option<Part> {
    match word.to_ascii_lowercase().as_str() {
        "training" | "train" => Some(Part::Training),
        "validation" | "valid" | "val" => Some(Part::Validation),
        "test" | "testing" => Some(Part::Test),
        _ => None,
    }
}

/// The emotion that a word names, by one name for each.
pub(super) fn emotion_word(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "happy" | "happiness" | "joy" => "happiness",
        "pleasure" => "pleasure",
        "sad" | "sadness" => "sadness",
        "disgust" | "disgusted" => "disgust",
        "anger" | "angry" => "anger",
        // SASE-FE's file names say CONTENTMENT where contempt is shown.
        "contempt" | "contentment" => "contempt",
        "surprise" | "surprised" => "surprise",
        "fear" | "afraid" => "fear",
        "neutral" => "neutral",
        _ => return None,
    })
}

/// The place of an emotion in a list, to which it is added where it is new.
pub(super) fn place_of(emotions: &mut Vec<String>, name: &str) -> usize {
    emotions.iter().position(|e| e == name).unwrap_or_else(|| {
        emotions.push(name.to_owned());
        emotions.len() - 1
    })
}
