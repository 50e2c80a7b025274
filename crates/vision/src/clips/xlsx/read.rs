//! The first sheet of an xlsx file as text: a zip archive of XML files (ECMA-376), as far as tables of annotations need it.

use anyhow::{Context, Result, ensure};
use ferrotype_base::zip::{self, Member};

use super::xml::{Piece, attribute, pieces};

/// Bytes that a file of the archive may unpack to: a table of annotations has thousands of rows, not millions.
const LARGEST: usize = 64 << 20;
/// Columns and rows that spreadsheets have at most.
const MOST: [usize; 2] = [16_384, 1_048_576];

/// The rows of the first sheet. Dates are the numbers that they are stored as.
///
/// # Errors
/// When the file is cut off or damaged, is encrypted, or is no xlsx file.
pub(in crate::clips) fn rows(bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    let archive = Archive::open(bytes)?;
    let book = archive.text("xl/workbook.xml")?.context("it is a zip archive, but no xlsx file")?;
    let sheet = first_sheet(&book, archive.text("xl/_rels/workbook.xml.rels")?.as_deref());
    let shared = archive.text("xl/sharedStrings.xml")?.map(|text| shared_strings(&text)).unwrap_or_default();
    let text = archive.text(&sheet)?.with_context(|| format!("its first sheet, {sheet}, is missing"))?;
    cells(&text, &shared)
}

/// The place of the first sheet in the archive.
fn first_sheet(book: &str, relations: Option<&str>) -> String {
    let tags = |text: &str, name: &str, keys: [&str; 2]| -> Vec<[String; 2]> {
        let of = |piece: Piece| match piece {
            Piece::Open { name: n, attributes, .. } if n == name => {
                Some(keys.map(|k| attribute(attributes, k).unwrap_or_default()))
            }
            _ => None,
        };
        pieces(text).filter_map(of).collect()
    };
    let id = tags(book, "sheet", ["id", "name"]).into_iter().next().map(|[id, _]| id);
    let targets = relations.map(|text| tags(text, "Relationship", ["Id", "Target"])).unwrap_or_default();
    let target = targets.into_iter().find(|[i, _]| Some(i) == id.as_ref()).map(|[_, target]| target);
    match target {
        Some(absolute) if absolute.starts_with('/') => absolute[1..].to_owned(),
        Some(relative) => format!("xl/{relative}"),
        None => "xl/worksheets/sheet1.xml".to_owned(),
    }
}

/// Texts that cells name by their number. Parts of formatted text are joined; phonetic guides are left out.
fn shared_strings(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let (mut is_text, mut is_guide) = (false, false);
    for piece in pieces(text) {
        match piece {
            Piece::Open { name: "si", .. } => all.push(String::new()),
            Piece::Open { name: "t", closed, .. } => is_text = !closed,
            Piece::Close("t") => is_text = false,
            Piece::Open { name: "rPh", closed, .. } => is_guide = !closed,
            Piece::Close("rPh") => is_guide = false,
            Piece::Text(part) if is_text && !is_guide => {
                if let Some(last) = all.last_mut() {
                    last.push_str(&part);
                }
            }
            _ => {}
        }
    }
    all
}

fn cells(text: &str, shared: &[String]) -> Result<Vec<Vec<String>>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut place, mut kind, mut value, mut is_value) = ([0, 0], String::new(), String::new(), false);
    for piece in pieces(text) {
        match piece {
            Piece::Open { name: "row", attributes, .. } => {
                let number = attribute(attributes, "r").and_then(|r| r.parse::<usize>().ok());
                place = [0, number.map_or(rows.len(), |n| n.saturating_sub(1))];
                ensure!(place[1] < MOST[1], "its row {} is beyond the last", place[1] + 1);
                rows.resize(rows.len().max(place[1] + 1), Vec::new());
            }
            Piece::Open { name: "c", attributes, .. } => {
                if let Some(column) = attribute(attributes, "r").and_then(|r| column(&r)) {
                    place[0] = column;
                }
                kind = attribute(attributes, "t").unwrap_or_default();
                value.clear();
            }
            Piece::Open { name: "v" | "t", closed, .. } => is_value = !closed,
            Piece::Close("v" | "t") => is_value = false,
            Piece::Text(part) if is_value => value.push_str(&part),
            Piece::Close("c") => {
                ensure!(place[0] < MOST[0], "its column {} is beyond the last", place[0] + 1);
                let row = rows.get_mut(place[1]).context("a cell stands outside of the rows")?;
                row.resize(row.len().max(place[0] + 1), String::new());
                row[place[0]] = shown(&kind, &value, shared)?;
                place[0] += 1;
            }
            _ => {}
        }
    }
    Ok(rows)
}

/// A cell as text: a whole number without its decimals.
fn shown(kind: &str, value: &str, shared: &[String]) -> Result<String> {
    let value = value.trim();
    if kind == "s" {
        let text = value.parse::<usize>().ok().and_then(|i| shared.get(i));
        return Ok(text
            .with_context(|| format!("a cell names the text {value:?}, which is not there"))?
            .trim()
            .to_owned());
    }
    Ok(match value.parse::<f64>() {
        Ok(number) if kind.is_empty() || kind == "n" => number.to_string(),
        _ => value.to_owned(),
    })
}

/// The column of a place: 27 of `AB12`.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.take(4).fold(0, |n, c| n * 26 + usize::from(c.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

/// The files of the archive.
struct Archive<'a>(Vec<Member<'a>>);

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self(zip::members(bytes)?))
    }

    /// A file as text, if it is there.
    fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(member) = self.0.iter().find(|member| member.name == name) else { return Ok(None) };
        let content = member.content(LARGEST)?.into_owned();
        Ok(Some(String::from_utf8(content).with_context(|| format!("{name} is not UTF-8"))?))
    }
}
