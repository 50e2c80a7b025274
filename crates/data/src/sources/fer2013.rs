//! FER2013 as Kaggle published it: `fer2013.csv` (emotion, pixels, Usage), `icml_face_data.csv` (the same columns in
//! another order, with spaces in the header) and `train.csv` (without Usage). The file is streamed; pixels are parsed on
//! all cores.

use std::path::Path;

use anyhow::{Result, bail};
use csv::ByteRecord;
use rayon::prelude::*;

use super::table::{Table, text};
use super::{names, names::owned};
use crate::options::Fer2013Options;
use crate::text_table::is_index;
use crate::{FaceSet, Images, Provenance, Split};

const SIDE: usize = 48;
const PIXELS: usize = SIDE * SIDE;
/// Rows parsed at once: about 9 MB of text.
const BATCH: usize = 1024;
/// Rows per split of the published file.
const PUBLISHED: [usize; 3] = [28_709, 3_589, 3_589];

/// Reads the table.
pub(super) fn load(options: &Fer2013Options) -> Result<FaceSet> {
    read(&options.csv)
}

/// Where the columns stand.
struct Columns {
    emotion: usize,
    pixels: usize,
    usage: Option<usize>,
}

pub(super) fn read(path: &Path) -> Result<FaceSet> {
    let mut table = Table::open(path, true)?;
    let [emotion, pixels] = table.columns(["emotion", "pixels"])?;
    let columns = Columns { emotion, pixels, usage: table.column("Usage") };
    if let Some(other) = table
        .header
        .iter()
        .find(|h| !is_index(h) && !["emotion", "pixels", "usage"].contains(&h.to_lowercase().as_str()))
    {
        bail!(
            "{} has an unknown column \"{other}\": FER2013's tables have emotion, pixels and Usage. A table without \
             Usage but with other columns would silently lose its division",
            path.display()
        );
    }
    let mut faces = FaceSet {
        images: Images { pixels: Vec::new(), height: SIDE, width: SIDE, channels: 1 },
        classes: owned(&names::FER2013),
        ..FaceSet::default()
    };
    let mut batch = vec![ByteRecord::new(); BATCH];
    loop {
        let filled = fill(&mut table, &mut batch)?;
        if filled == 0 {
            break;
        }
        append(&mut faces, &mut table, &batch[..filled], &columns)?;
    }
    let rows = faces.labels.len();
    faces.names = vec![String::new(); rows];
    faces.source_rows = (0..rows as u32).collect();
    let notes = published_note(&faces, columns.usage.is_some()).into_iter().collect();
    let files = vec![(path.display().to_string(), table.sha256())];
    faces.provenance = Provenance { files, notes, ..Provenance::default() };
    Ok(faces)
}

fn fill(table: &mut Table, batch: &mut [ByteRecord]) -> Result<usize> {
    for (i, record) in batch.iter_mut().enumerate() {
        if !table.next(record)? {
            return Ok(i);
        }
    }
    Ok(batch.len())
}

fn append(faces: &mut FaceSet, table: &mut Table, batch: &[ByteRecord], columns: &Columns) -> Result<()> {
    let first = faces.labels.len();
    let start = faces.images.pixels.len();
    faces.images.pixels.resize(start + batch.len() * PIXELS, 0);
    let parsed: Vec<Result<(i16, Split), String>> = faces.images.pixels[start..]
        .par_chunks_mut(PIXELS)
        .zip(batch)
        .map(|(image, record)| parse_row(record, columns, image))
        .collect();
    for (i, row) in parsed.into_iter().enumerate() {
        match row {
            Ok((label, split)) => {
                faces.labels.push(label);
                faces.splits.push(split);
            }
            Err(problem) => {
                let place = table.place(first + i, &batch[i]);
                let last = i + 1 == batch.len() && !table.next(&mut ByteRecord::new())?;
                let hint =
                    if last { ". It is the last row: the file may have been cut off; fetch it again" } else { "" };
                bail!("{place}, {problem}{hint}");
            }
        }
    }
    Ok(())
}

fn parse_row(record: &ByteRecord, columns: &Columns, image: &mut [u8]) -> Result<(i16, Split), String> {
    let cell = |i: usize, name: &str| {
        record.get(i).ok_or_else(|| format!("column {name}: missing; the row has only {} of its cells", record.len()))
    };
    let label = parse_emotion(cell(columns.emotion, "emotion")?)?;
    parse_pixels(cell(columns.pixels, "pixels")?, image)?;
    let Some(usage) = columns.usage else { return Ok((label, Split::Unassigned)) };
    cell(usage, "Usage")?;
    let word = text(record, usage);
    let split = names::usage(&word).ok_or_else(|| {
        format!("column Usage: unknown word \"{word}\"; Training, PublicTest or PrivateTest is expected")
    })?;
    Ok((label, split))
}

fn parse_emotion(cell: &[u8]) -> Result<i16, String> {
    let word = String::from_utf8_lossy(cell);
    // A table that went through a column of floats has `3.0` for `3`.
    let number = word.trim();
    match number.strip_suffix(".0").unwrap_or(number).parse::<i16>() {
        Ok(n) if (0..names::FER2013.len() as i16).contains(&n) => Ok(n),
        _ => Err(format!("column emotion: \"{}\" is not a class; a number from 0 to 6 is expected", clip(word.trim()))),
    }
}

/// Parses `PIXELS` numbers separated by spaces.
fn parse_pixels(cell: &[u8], image: &mut [u8]) -> Result<(), String> {
    let mut count = 0;
    for word in cell.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()) {
        let value =
            word.iter().try_fold(0u32, |n, b| b.is_ascii_digit().then(|| (n * 10 + u32::from(b - b'0')).min(999)));
        match value {
            Some(n @ 0..=255) => {
                if let Some(pixel) = image.get_mut(count) {
                    *pixel = n as u8;
                }
                count += 1;
            }
            _ => {
                let word = String::from_utf8_lossy(word);
                return Err(format!(
                    "column pixels: value {} of the row is \"{}\"; a whole number from 0 to 255 is expected",
                    count + 1,
                    clip(&word)
                ));
            }
        }
    }
    if count == PIXELS {
        Ok(())
    } else {
        Err(format!("column pixels: {count} values; {PIXELS} (48 x 48) are expected"))
    }
}

fn clip(word: &str) -> String {
    if word.chars().count() <= 20 { word.into() } else { word.chars().take(20).chain("...".chars()).collect() }
}

/// Says where a table is not the published one: a file cut off between two rows cannot be told otherwise.
fn published_note(faces: &FaceSet, has_usage: bool) -> Option<String> {
    if !has_usage {
        return Some("the table has no Usage column: rows stand in no split".into());
    }
    let counts =
        [Split::Train, Split::Validation, Split::Test].map(|s| faces.splits.iter().filter(|&&x| x == s).count());
    (counts != PUBLISHED).then(|| {
        format!(
            "{} / {} / {} rows of Training / PublicTest / PrivateTest; the published FER2013 has 28709 / 3589 / 3589",
            counts[0], counts[1], counts[2]
        )
    })
}

/// As [`read`], for FER+: the table must have its Usage column.
pub(super) fn read_with_usage(path: &Path) -> Result<FaceSet> {
    let faces = read(path)?;
    if faces.splits.contains(&Split::Unassigned) {
        bail!(
            "{} has no column \"Usage\", without which the FER+ votes cannot be checked against it row by row: take \
             fer2013.csv or icml_face_data.csv",
            path.display()
        );
    }
    Ok(faces)
}

#[cfg(test)]
mod tests;
