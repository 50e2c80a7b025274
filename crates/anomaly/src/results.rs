//! The result table in the original's form: where each frame is, what was seen in it, and what each detector says.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::inputs::Inputs;
use super::rules::RuleResult;
use super::table::{FeatureTable, timecode};
use ferrotype_run::files::write_atomic;

/// What one detector says of all frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The detector's name, as in its column's: `All`.
    pub name: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Squared error of each frame and column, `[frames, columns]`.
    pub errors: Vec<f32>,
    /// Mean squared error of each frame.
    pub scores: Vec<f64>,
    /// What the rules make of the scores.
    pub found: RuleResult,
}

impl Scored {
    /// The columns with the largest errors of a frame: name and share of the frame's error.
    pub fn causes(&self, frame: usize, most: usize) -> Vec<(String, f64)> {
        let width = self.columns.len();
        let errors = &self.errors[frame * width..(frame + 1) * width];
        let sum: f64 = errors.iter().map(|&e| f64::from(e)).sum();
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|&a, &b| errors[b].total_cmp(&errors[a]));
        let share = |i: usize| if sum > 0.0 { f64::from(errors[i]) / sum } else { 0.0 };
        order.into_iter().take(most).map(|i| (self.columns[i].clone(), share(i))).collect()
    }
}

/// A peak as reports and terminal tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// Row of the table.
    pub row: usize,
    /// Number of the frame in the video.
    pub frame: u64,
    /// Seconds.
    pub seconds: f64,
    /// `HH:MM:SS.mmm`.
    pub timecode: String,
    /// The score.
    pub score: f64,
    /// The columns that contribute most, with their shares.
    pub causes: Vec<(String, f64)>,
    /// What was injected there, if that is known.
    pub truth: Option<String>,
}

/// The peaks of a detector by falling score.
pub fn peaks(scored: &Scored, table: &FeatureTable) -> Vec<Peak> {
    let mut rows = scored.found.peaks.clone();
    rows.sort_by(|&a, &b| scored.scores[b].total_cmp(&scored.scores[a]));
    let peak = |row: usize| Peak {
        row,
        frame: table.frames[row],
        seconds: table.times[row],
        timecode: timecode(table.times[row]),
        score: scored.scores[row],
        causes: scored.causes(row, 3),
        truth: table.truth.as_ref().map(|t| t[row].clone()),
    };
    rows.into_iter().map(peak).collect()
}

/// Writes the table: `Frame`, `Timecode`, `Time (Minutes)`, `Embedding_Index`, the columns that were seen, and per
/// detector `Anomaly_Score_<name>` and `LSTM_anomaly_<name>` (0 or 1). Where the truth is known it stands last.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, table: &FeatureTable, inputs: &Inputs, detectors: &[Scored]) -> Result<()> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut header: Vec<String> =
        ["Frame", "Timecode", "Time (Minutes)", "Embedding_Index"].map(str::to_owned).to_vec();
    header.extend(inputs.shown.iter().map(|c| c.name.clone()));
    for d in detectors {
        header.extend([format!("Anomaly_Score_{}", d.name), format!("LSTM_anomaly_{}", d.name)]);
    }
    header.extend(table.truth.is_some().then(|| "Truth".to_owned()));
    out.write_record(&header)?;
    let width = inputs.shown.len();
    for i in 0..table.len() {
        let time = table.times[i];
        let mut row = vec![table.frames[i].to_string(), timecode(time), format!("{:.4}", time / 60.0), i.to_string()];
        row.extend(inputs.shown_values[i * width..(i + 1) * width].iter().map(f32::to_string));
        for d in detectors {
            row.extend([d.scores[i].to_string(), u8::from(d.found.flags[i]).to_string()]);
        }
        row.extend(table.truth.as_ref().map(|t| t[i].clone()));
        out.write_record(&row)?;
    }
    let bytes = out.into_inner().context("the result table cannot be made")?;
    write_atomic(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::super::table::{Column, ColumnKind};
    use super::*;

    #[test]
    fn the_table_has_the_originals_columns() {
        let column = |name: &str| Column { name: name.into(), kind: ColumnKind::of(name) };
        let table = FeatureTable {
            frames: vec![0, 10],
            times: vec![0.0, 61.5],
            columns: vec![column("happy")],
            values: vec![0.25, 0.5],
            truth: None,
            ..FeatureTable::default()
        };
        let inputs = Inputs {
            detectors: Vec::new(),
            training: 1,
            shown: vec![column("Comp 1"), column("happy")],
            shown_values: vec![0.0, 0.25, 1.0, 0.5],
            kept_variance: None,
        };
        let scored = |name: &str, scores: [f64; 2]| Scored {
            name: name.into(),
            columns: vec!["a".into(), "b".into()],
            errors: vec![1.0, 3.0, 0.0, 0.0],
            scores: scores.to_vec(),
            found: RuleResult { flags: vec![false, true], peaks: vec![1] },
        };
        let detectors = [scored("All", [0.125, 2.0]), scored("Comp", [0.5, 0.0001])];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        write(&path, &table, &inputs, &detectors).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "Frame,Timecode,Time (Minutes),Embedding_Index,Comp 1,happy,Anomaly_Score_All,LSTM_anomaly_All,\
             Anomaly_Score_Comp,LSTM_anomaly_Comp\n\
             0,00:00:00.000,0.0000,0,0,0.25,0.125,0,0.5,0\n\
             10,00:01:01.500,1.0250,1,1,0.5,2,1,0.0001,1\n"
        );
        let found = peaks(&detectors[0], &table);
        assert_eq!((found.len(), found[0].frame, found[0].timecode.as_str()), (1, 10, "00:01:01.500"));
        assert_eq!(detectors[0].causes(0, 1), [("b".to_owned(), 0.75)]);
        assert_eq!(detectors[0].causes(1, 1), [("a".to_owned(), 0.0)]);
        assert_eq!(ColumnKind::of("happy"), ColumnKind::Emotion);
    }
}
