//! One row of means per clip, as the smile set's `*_dataset_file.csv` have them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::truth_word;
use crate::clip::{Clip, ClipSet, Part, Series};
use ferrotype_data::foreign;
use ferrotype_data::text_table;

/// Tables with one row per clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SummaryTableOptions {
    /// The table of the training clips: columns `mean_AU01`, ... and the truth.
    pub training: PathBuf,
    /// The table of the validation clips, with the same columns.
    #[serde(default)]
    pub validation: Option<PathBuf>,
    /// The column that says 1 for real and 0 for fake.
    #[serde(default = "truth")]
    pub truth: String,
    /// The column of the clip's length in seconds, which is no feature.
    #[serde(default = "seconds")]
    pub seconds: String,
}

fn truth() -> String {
    "truthfulness".into()
}

fn seconds() -> String {
    "mean_duration".into()
}

impl SummaryTableOptions {
    /// Impossible options.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.training.as_os_str().is_empty() {
            found.push(("training", "is empty; expected a table".into()));
        }
        if self.truth == self.seconds {
            found.push(("seconds", format!("is the column {}, as the truth is", self.truth)));
        }
        found
    }
}

/// Reads the clips. Each is a series of a single frame, the means, which are also its descriptor.
pub(super) fn read(options: &SummaryTableOptions) -> Result<ClipSet> {
    let mut set = ClipSet::default();
    add(&mut set, options, &options.training, Part::Training, "training")?;
    if let Some(path) = &options.validation {
        add(&mut set, options, path, Part::Validation, "validation")?;
    }
    Ok(set)
}

fn add(set: &mut ClipSet, options: &SummaryTableOptions, path: &Path, part: Part, word: &str) -> Result<()> {
    let shown = path.display();
    let mut reader = text_table::open(path)?;
    let header: Vec<String> =
        reader.headers().with_context(|| format!("{shown} is not a table"))?.iter().map(str::to_owned).collect();
    let find = |name: &str| header.iter().position(|h| h == name);
    let Some(truth) = find(&options.truth) else {
        bail!("{shown} lacks the column {} that says what is real; it has {}", options.truth, header.join(", "));
    };
    let seconds = find(&options.seconds);
    let units: Vec<(String, usize)> = header
        .iter()
        .enumerate()
        .filter_map(|(i, h)| Some((h.strip_prefix("mean_").filter(|name| name.starts_with("AU"))?.to_owned(), i)))
        .collect();
    ensure!(!units.is_empty(), "{shown} has no columns mean_AU01 and so on");
    let names: Vec<String> = units.iter().map(|u| u.0.clone()).collect();
    ensure!(
        set.units.is_empty() || set.units == names,
        "{shown} has the action units {}, and the other table {}",
        names.join(" "),
        set.units.join(" ")
    );
    set.units = names;
    let mut incomplete = 0;
    for (i, record) in reader.records().enumerate() {
        let line = i + 2;
        let record = record.with_context(|| format!("{shown}, line {line}"))?;
        let number = |column: usize| -> Result<f64> {
            let text = record.get(column).unwrap_or_default();
            foreign::number(text)
                .with_context(|| format!("{shown}, line {line}: column {} is `{text}`, not a number", header[column]))
        };
        let values: Vec<f32> = units.iter().map(|u| Ok(number(u.1)? as f32)).collect::<Result<_>>()?;
        let seconds = seconds.map_or(Ok(0.0), number)?;
        let word_of_truth = record.get(truth).unwrap_or_default();
        if values.iter().any(|v| !v.is_finite()) || !seconds.is_finite() || word_of_truth.is_empty() {
            incomplete += 1;
            continue;
        }
        let number_of_truth = word_of_truth.strip_suffix(".0").unwrap_or(word_of_truth);
        let real = truth_word(number_of_truth).with_context(|| {
            format!("{shown}, line {line}: {} is `{word_of_truth}`, neither 1 nor 0", options.truth)
        })?;
        set.clips.push(Clip {
            name: format!("{word}/{line:05}"),
            subject: None,
            emotion: None,
            real: Some(real),
            part,
            seconds,
            units: Some(Series { times: vec![0.0], values: values.clone() }),
            landmarks: None,
            descriptor: Some(values),
            video: None,
        });
    }
    if incomplete > 0 {
        set.notes.push(format!("{incomplete} rows of {shown} have blanks and were left out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> (tempfile::TempDir, SummaryTableOptions) {
        let folder = tempfile::tempdir().unwrap();
        let training = folder.path().join("a.csv");
        std::fs::write(&training, text).unwrap();
        (folder, SummaryTableOptions { training, validation: None, truth: truth(), seconds: seconds() })
    }

    #[test]
    fn rows_are_clips_of_one_frame() {
        let text = "mean_AU06,mean_AU12,mean_duration,truthfulness\n0.5,0.25,4.5,1\n0.1,,2,0\n0.1,0.2,2,0.0\n";
        let (_folder, o) = options(text);
        let set = read(&SummaryTableOptions { validation: Some(o.training.clone()), ..o }).unwrap();
        assert_eq!((set.units.join(" ").as_str(), set.clips.len()), ("AU06 AU12", 4));
        let clip = &set.clips[0];
        assert_eq!((clip.name.as_str(), clip.real, clip.seconds), ("training/00002", Some(true), 4.5));
        assert_eq!(clip.units.as_ref().unwrap().values, [0.5, 0.25]);
        assert_eq!(set.clips[3].part, Part::Validation);
        assert!(set.notes[0].contains("1 rows of"), "{:?}", set.notes);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("mean_AU06,other\n1,1\n", "lacks the column truthfulness"),
            ("AU06,truthfulness\n1,1\n", "no columns mean_AU01"),
            ("mean_AU06,truthfulness\n1,2\n", "line 2: truthfulness is `2`"),
            ("mean_AU06,truthfulness\nsmile,1\n", "line 2: column mean_AU06 is `smile`"),
        ] {
            let (_folder, o) = options(text);
            let message = format!("{:#}", read(&o).unwrap_err());
            assert!(message.contains(word), "{message}");
        }
    }
}
