//! Coding sheets: found, and read into rows.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::digest;

use super::{Coded, Form, shown};
use crate::foreign::number;
use crate::listing;
use crate::text_table::{decode, delimiter};

/// Rows above the header that are looked at: SAMM has thirteen.
const PREAMBLE: usize = 40;

/// A sheet that was read.
pub(super) struct Sheet {
    pub rows: Vec<Coded>,
    /// Rows that cannot be read, with their places.
    pub bad: Vec<String>,
    pub notes: Vec<String>,
    /// The file and its sha256.
    pub file: (String, String),
}

/// The sheet: the one that is named, or the only CSV of the authors' name in the folder.
pub(super) fn locate(root: &Path, named: Option<&Path>, beginning: &str, title: &str) -> Result<PathBuf> {
    if let Some(path) = named {
        ensure!(path.is_file(), "there is no sheet {}", path.display());
        return Ok(path.to_path_buf());
    }
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let files: Vec<PathBuf> = listing::entries(root)?
        .into_iter()
        .filter(|path| path.is_file() && name(path).starts_with(beginning))
        .collect();
    let tables: Vec<&PathBuf> =
        files.iter().filter(|f| [".csv", ".tsv", ".txt"].iter().any(|e| name(f).ends_with(e))).collect();
    match (tables.as_slice(), files.first()) {
        ([one], _) => Ok((*one).clone()),
        ([first, second, ..], _) => bail!(
            "{} and {} may both be the sheet of {title}: name one with --sheet (sheet: FILE)",
            first.display(),
            second.display()
        ),
        ([], Some(other)) => Err(spreadsheet(other)),
        ([], None) => bail!(
            "{} has no sheet {beginning}*.csv: save the sheet of {title} as CSV into it, or name it with --sheet (sheet: FILE)",
            root.display()
        ),
    }
}

fn spreadsheet(path: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "{} is a spreadsheet, not CSV: save its sheet of labels as CSV beside it, in a spreadsheet program or by `soffice \
         --headless --convert-to csv FILE`",
        path.display()
    )
}

/// Where the columns stand.
struct Columns {
    subject: usize,
    clip: usize,
    onset: usize,
    apex: usize,
    offset: usize,
    emotion: usize,
    /// Micro-expressions only, where a sheet has others, too.
    kind: Option<usize>,
}

impl Columns {
    /// By the names in a row; or the first that it lacks.
    fn of(row: &[String]) -> Result<Self, &'static str> {
        let plain = |cell: &String| -> String {
            cell.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
        };
        let names: Vec<String> = row.iter().map(plain).collect();
        let at = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
        Ok(Self {
            subject: at(&["subject", "sub"]).ok_or("Subject")?,
            clip: at(&["filename"]).ok_or("Filename")?,
            onset: at(&["onsetframe", "onset"]).ok_or("Onset")?,
            apex: at(&["apexframe", "apex"]).ok_or("Apex")?,
            offset: at(&["offsetframe", "offset"]).ok_or("Offset")?,
            emotion: at(&["estimatedemotion", "emotion"]).ok_or("Estimated Emotion")?,
            kind: at(&["expressiontype"]),
        })
    }
}

/// Reads a sheet. Rows that cannot be read are listed, not refused.
pub(super) fn read(form: &Form, path: &Path) -> Result<Sheet> {
    let name = shown(path);
    ferrotype_base::lfs::refuse_file(path)?;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
    // xlsx and ods files are zip archives, xls files begin with D0 CF.
    if bytes.starts_with(b"PK") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(spreadsheet(path));
    }
    let text = decode(&bytes);
    let table = cells(&text).with_context(|| format!("{name} cannot be read as a table"))?;
    let (columns, body) = header(&name, &table)?;
    let mut sheet =
        Sheet { rows: Vec::new(), bad: Vec::new(), notes: Vec::new(), file: (name.clone(), digest::sha256(&bytes)) };
    let mut spelt = std::collections::BTreeMap::<String, (String, u64)>::new();
    let mut others = 0;
    for (row, (line, cells)) in body.iter().enumerate() {
        let cell = |i: usize| cells.get(i).map_or("", String::as_str);
        if cell(columns.subject).is_empty() && cell(columns.clip).is_empty() {
            continue;
        }
        if columns.kind.is_some_and(|k| !cell(k).to_lowercase().starts_with("micro")) {
            others += 1;
            continue;
        }
        let place = format!("{name}, line {line}");
        match coded(form, &columns, &cell, &place, row as u32) {
            Ok(coded) => {
                let written = cell(columns.subject).to_owned();
                let first = spelt.entry(coded.subject.clone()).or_insert((written.clone(), *line));
                if first.0 != written {
                    sheet.notes.push(format!(
                        "warning: {place}: the subject \"{written}\" stands in line {} as \"{}\": both are taken for {}",
                        first.1, first.0, coded.subject
                    ));
                }
                sheet.rows.push(coded);
            }
            Err(e) => sheet.bad.push(format!("{place}: {e:#}")),
        }
    }
    if others > 0 {
        sheet.notes.push(format!("{others} rows of {name} are no micro-expressions and were left out"));
    }
    Ok(sheet)
}

/// A row of a table with its line.
type Row = (u64, Vec<String>);

/// The columns by the first row that names them all, and the rows below it.
fn header<'a>(name: &str, table: &'a [Row]) -> Result<(Columns, &'a [Row])> {
    let beginning = &table[..table.len().min(PREAMBLE)];
    for (i, (_, row)) in beginning.iter().enumerate() {
        if let Ok(columns) = Columns::of(row) {
            return Ok((columns, &table[i + 1..]));
        }
    }
    // The row that comes nearest: one that has a subject.
    let has_subject = |row: &[String]| row.iter().any(|cell| cell.eq_ignore_ascii_case("subject"));
    let Some((line, row)) = beginning.iter().rfind(|(_, row)| has_subject(row)) else {
        bail!(
            "{name} has no header with Subject, Filename, Onset, Apex, Offset and Estimated Emotion in its first {PREAMBLE} lines"
        )
    };
    let column = Columns::of(row).err().unwrap_or_default();
    bail!("{name}, line {line}: no column {column}: it has {}", row.join(", "))
}

/// The cells of each row with its line.
fn cells(text: &str) -> Result<Vec<Row>> {
    ensure!(!text.contains('\0'), "it is no CSV file");
    // By the first line that can be the header: lines of text above it may hold commas.
    let header = text.lines().find(|line| line.to_lowercase().contains("subject")).unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(header.as_bytes()))
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((line, record.iter().map(|cell| cell.trim().to_owned()).collect()));
    }
    Ok(rows)
}

fn coded<'a>(form: &Form, columns: &Columns, cell: &impl Fn(usize) -> &'a str, place: &str, row: u32) -> Result<Coded> {
    let written = cell(columns.subject);
    // Spreadsheets may make 1.0 of 1.
    let subject = (form.subject)(written.strip_suffix(".0").unwrap_or(written));
    let subject = subject.with_context(|| format!("\"{written}\" is no subject of {}", form.title))?;
    let clip = cell(columns.clip).to_owned();
    ensure!(!clip.is_empty(), "the file name is empty");
    let frame = |name: &str, text: &str| {
        let value = number(text).filter(|v| v.fract() == 0.0 && (0.0..=1e9).contains(v));
        value.map(|v| v as u32).with_context(|| format!("the {name} \"{text}\" is no number of a frame"))
    };
    let apex = match cell(columns.apex) {
        "" | "/" | "-" | "nan" | "NaN" => None,
        text => Some(frame("apex", text)?),
    };
    Ok(Coded {
        place: place.to_owned(),
        row,
        subject,
        clip,
        onset: frame("onset", cell(columns.onset))?,
        apex,
        offset: frame("offset", cell(columns.offset))?,
        emotion: cell(columns.emotion).to_owned(),
    })
}
