//! Feature tables from where an experiment names them.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::generated;
use super::options::{AnomalyData, AnomalySource};
use super::people;
use super::table::{Column, ColumnKind, FeatureTable};
use crate::data::text_table;

/// The table that an experiment's data section describes, at the wanted rate.
///
/// # Errors
/// When the source cannot be read, or has no frames or impossible values.
pub fn obtain(data: &AnomalyData, seed: u64) -> Result<FeatureTable> {
    let table = match &data.source {
        AnomalySource::Csv(o) => read_csv(&o.path)?,
        AnomalySource::Faces(o) => people::read_person(&o.path, o.person)?,
        AnomalySource::Generated(o) => generated::generate(o, seed),
    };
    table.check().with_context(|| format!("the features of {} cannot be used", describe(&data.source)))?;
    Ok(match data.rate {
        Some(rate) => table.at_rate(rate),
        None => table,
    })
}

/// The source in a few words.
pub fn describe(source: &AnomalySource) -> String {
    match source {
        AnomalySource::Csv(o) => o.path.display().to_string(),
        AnomalySource::Faces(o) => format!("person {} of {}", o.person, o.path.display()),
        AnomalySource::Generated(o) => {
            format!("a simulated face ({} s at {} frames/s, seed {})", o.seconds, o.rate, o.seed)
        }
    }
}

/// Names of the columns that are no features, in lower case.
const FRAME: &str = "frame";
const TIME: [&str; 3] = ["timestamp", "time", "seconds"];
const TRUTH: &str = "anomaly";
/// Columns of the original's result table that say where a frame is, not what is in it.
const SKIPPED: [&str; 3] = ["timecode", "time (minutes)", "embedding_index"];

/// Reads a table of features.
///
/// # Errors
/// When the file cannot be read, lacks a needed column, or a value is not a number; the line is named.
pub fn read_csv(path: &Path) -> Result<FeatureTable> {
    let shown = path.display();
    let mut reader = text_table::open(path)?;
    let header: Vec<String> =
        reader.headers().with_context(|| format!("{shown} has no header"))?.iter().map(str::to_owned).collect();
    let lower: Vec<String> = header.iter().map(|h| h.to_ascii_lowercase()).collect();
    let find = |names: &[&str]| lower.iter().position(|h| names.contains(&h.as_str()));
    let (Some(frame), Some(time)) = (find(&[FRAME]), find(&TIME)) else {
        bail!("{shown} needs the columns `frame` and `timestamp` (seconds); it has {}", header.join(", "));
    };
    let truth = find(&[TRUTH]);
    let places: Vec<usize> = (0..header.len())
        .filter(|&i| i != frame && i != time && Some(i) != truth && !SKIPPED.contains(&lower[i].as_str()))
        .collect();
    ensure!(!places.is_empty(), "{shown} has no columns of features beside frame, timestamp and truth");
    let columns =
        places.iter().map(|&i| Column { name: header[i].clone(), kind: ColumnKind::of(&header[i]) }).collect();
    let mut table = FeatureTable { columns, truth: truth.map(|_| Vec::new()), ..FeatureTable::default() };
    for (i, record) in reader.records().enumerate() {
        let record = record.with_context(|| format!("{shown} is not a table"))?;
        let at = |place: usize| record.get(place).unwrap_or_default();
        let number = |place: usize| {
            let text = at(place);
            text.parse::<f64>()
                .map_err(|_| anyhow!("{shown}, line {}: column `{}` is `{text}`, not a number", i + 2, header[place]))
        };
        table.frames.push(number(frame)? as u64);
        table.times.push(number(time)?);
        for &place in &places {
            table.values.push(number(place)? as f32);
        }
        if let (Some(truth), Some(place)) = (&mut table.truth, truth) {
            let word = at(place);
            truth.push(if matches!(word, "0" | "" | "false") { String::new() } else { word.to_owned() });
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FeatureTable> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        let table = read_csv(&path)?;
        table.check()?;
        Ok(table)
    }

    #[test]
    fn a_table_is_read_by_its_column_names() {
        let table =
            read("Frame, Timestamp ,Comp 1,happy,AU12,anomaly\n0,0.0,1,0.5,2,0\n5,0.2,3,0.25,4,freeze\n").unwrap();
        assert_eq!((table.frames.as_slice(), table.times.as_slice()), (&[0, 5][..], &[0.0, 0.2][..]));
        assert_eq!(table.values, [1.0, 0.5, 2.0, 3.0, 0.25, 4.0]);
        assert_eq!(table.truth.as_deref().unwrap(), ["", "freeze"]);
        let kinds: Vec<ColumnKind> = table.columns.iter().map(|c| c.kind).collect();
        assert_eq!(kinds, [ColumnKind::Component, ColumnKind::Emotion, ColumnKind::Feature]);
    }

    #[test]
    fn bad_tables_say_where() {
        for (text, word) in [
            ("frame,AU1\n0,1\n", "needs the columns"),
            ("frame,timestamp\n0,1\n", "no columns of features"),
            ("frame,timestamp,AU1\n0,0.1,\n", "line 2: column `AU1`"),
            ("frame,timestamp,AU1\n0,0.1,1\n1,0.1,2\n", "does not come after"),
            ("frame,timestamp,AU1\n", "no frames"),
            ("frame,timestamp,AU1\n0,1,2,3\n", "not a table"),
        ] {
            let message = format!("{:#}", read(text).unwrap_err());
            assert!(message.contains(word), "{text:?}: {message}");
        }
        let missing = read_csv(Path::new("no/such.csv")).unwrap_err().to_string();
        assert!(missing.contains("cannot read the table no/such.csv"), "{missing}");
    }
}
