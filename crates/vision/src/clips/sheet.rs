//! Tables of annotations: CSV or the first sheet of an xlsx file, as rows of text.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ferrotype_base::digest;

use super::{read_file, xlsx};
use ferrotype_data::text_table::{decode, delimiter, utf16};

/// A table.
pub(super) struct Sheet {
    /// Cells as text without surrounding spaces, the header first. Rows may differ in length.
    pub rows: Vec<Vec<String>>,
    /// The file and its sha256.
    pub file: (String, String),
}

/// Reads a table; its kind is known by its content.
///
/// # Errors
/// When it cannot be read, is damaged or empty.
pub(super) fn read(path: &Path) -> Result<Sheet> {
    let shown = path.display();
    let bytes = read_file(path)?;
    // xlsx files are zip archives.
    let rows = if bytes.starts_with(b"PK") { xlsx::rows(&bytes) } else { csv(&bytes) };
    let rows = rows.with_context(|| format!("{shown} cannot be read as a table"))?;
    ensure!(rows.len() > 1, "{shown} has no rows below its header");
    Ok(Sheet { rows, file: (shown.to_string(), digest::sha256(&bytes)) })
}

fn csv(bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    ensure!(utf16(bytes).is_some() || !bytes.contains(&0), "it is neither CSV nor xlsx");
    let text = decode(bytes);
    let delimiter = delimiter(text.as_bytes());
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let row = |record: ::csv::Result<::csv::StringRecord>| -> Result<Vec<String>> {
        Ok(record?.iter().map(|cell| cell.trim().to_owned()).collect())
    };
    reader.records().map(row).collect()
}
